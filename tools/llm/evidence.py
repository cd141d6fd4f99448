"""Packs passages into a prompt: as data, under ids that no document can foresee.

The ids and the delimiter are drawn from a hash of the question and all that is packed.
So a document cannot imitate them, and the same request is the same text again, which
lets it be cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ..types import Passage
from .tokens import estimate

_LETTERS = "bcdfghjkmnpqrstvwxz"
_DELIMITER = re.compile(
    r"<(?=\s*/?\s*(?:evidence|passage|system|question)\b)|<(?=\|)", re.IGNORECASE
)
_MARKER = re.compile(r"\[(?=[a-z]{3}\])")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Passages as a prompt shows them. `ids` leads from the id shown to the passage."""

    text: str
    ids: Mapping[str, Passage]

    def passage_id(self, shown: str) -> str:
        """Return the passage's own id for the id a model gave; "" for one never shown."""
        passage = self.ids.get(shown.strip().strip("[]()<>\"'`:").lower())
        return passage.id if passage else ""


def pack(question: str, passages: Sequence[Passage], tokens: int) -> Evidence:
    """Pack as many whole passages, best first, as `tokens` allow."""
    chosen = _fitting(passages, tokens)
    seed = blake2b(digest_size=16)
    for part in (question, *(text for p in chosen for text in (p.id, p.title, p.text))):
        seed.update(part.encode("utf-8", "surrogatepass") + b"\x00")
    fence = f"evidence-{seed.hexdigest()[:10]}"
    ids = dict(zip(_ids(seed.digest()), chosen, strict=False))
    shown = "\n\n".join(f"[{key}] {_shown(passage)}" for key, passage in ids.items())
    return Evidence(f"<{fence}>\n{shown or '(nothing was found)'}\n</{fence}>", ids)


def harmless(text: str) -> str:
    """Return a text in which nothing can pass for a delimiter, a role mark or an id."""
    return _MARKER.sub("(", _DELIMITER.sub("\u2039", text))


def one_line(text: str, limit: int = 300) -> str:
    """The same for words to be set within a line."""
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= limit else flat[:limit] + "…"


def _fitting(passages: Sequence[Passage], tokens: int) -> list[Passage]:
    chosen: list[Passage] = []
    for passage in passages:
        tokens -= estimate(_shown(passage)) + 4
        if tokens < 0:
            break
        chosen.append(passage)
    return chosen


def _shown(passage: Passage) -> str:
    path = [passage.title, *(h for h in passage.headings if h != passage.title)]
    heading = one_line(" > ".join(part for part in path if part), 160)
    return f"{heading}\n{harmless(passage.text.strip())}".strip()


def _ids(seed: bytes) -> Iterator[str]:
    """Yield ids of three letters without end and without repeats."""
    given: set[str] = set()
    counter = 0
    while True:
        drawn = blake2b(seed + counter.to_bytes(4, "big"), digest_size=3).digest()
        key = "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn)
        counter += 1
        if key not in given:
            given.add(key)
            yield key
