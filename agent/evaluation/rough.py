"""Questions made by rule: a sentence whose telling span is asked for.

They read like what they are, and most take one look to mend: `rough` says so. A question
without an answer asks a known thing for a property that no passage gives together with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...tools.reason.extractive.sentences import Unit, units
from ...tools.trail.names import STOP_WORDS, mentioned, words
from ...tools.types import Passage
from .questions import EvalQuestion

SHORTEST, LONGEST = 5, 28
"""Words of a sentence that is asked about."""

STEM = 5
"""Letters by which a word is taken for another form of the same."""

_MARKS = re.compile(r"[*_`]+|^\s*(?:[-*+•]|\d+[.)])\s+")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_SPANS = (
    (re.compile(rf"\b(?:on |in |since )?(\d{{1,2}} (?:{_MONTH}) \d{{4}})\b"), "when"),
    (re.compile(rf"\b(?:in |since )((?:{_MONTH}) \d{{4}}|\d{{4}})\b"), "when"),
    (re.compile(r"\bat (\d{1,2}[:.]?\d{2}(?: hours| h)?)\b"), "at what time"),
    (re.compile(r"([€$£]\s?\d[\d,.]*\d|[€$£]\s?\d)"), "how much"),
    (re.compile(r"\b(\d[\d,.]*\d|\d)\s?%"), "what percentage"),
    (re.compile(r"(?<![\d:.-])\b(\d[\d,.]*\d|\d)(?= [a-z]{1,14}\b)"), "how many"),
    (re.compile(r"(?<=[a-z,] )((?:[A-Z][\w’'-]+ ){1,3}[A-Z][\w’'-]+)"), "who or what"),
)
"""What is asked for, the tellingest first, and the words that ask for it."""

_LABELS = re.compile(r"\b[A-Z]\w+: ")

PROPERTIES = (
    *("phone number", "insurance value", "purchase price", "weight", "birthday"),
    *("supplier", "warranty", "serial number", "colour", "shareholders"),
)
"""What things of many kinds may have; asked for where no passage tells it of the thing."""


def rough_answerable(passages: Sequence[Passage], count: int) -> list[EvalQuestion]:
    """Return up to `count` questions, one a passage, each with its answer in the sentence."""
    found: list[EvalQuestion] = []
    for passage in passages:
        if len(found) == count:
            break
        question = next(_questions(passage), None)
        if question is not None:
            found.append(question)
    return found


def rough_unanswerable(passages: Sequence[Passage], count: int) -> list[EvalQuestion]:
    """Return up to `count` questions that ask a known thing for what no passage says of it."""
    texts = [
        f" {' '.join(words(f'{p.title} {p.headings} {p.text}'))} ".casefold() for p in passages
    ]
    properties = [*_columns(passages), *PROPERTIES]
    found: list[EvalQuestion] = []
    for place, name in enumerate(_things(passages)):
        if len(found) == count:
            break
        turned = properties[place % len(properties) :] + properties[: place % len(properties)]
        asked = next((one for one in turned if not _told_together(name, one, texts)), None)
        if asked is not None:
            found.append(
                EvalQuestion(
                    question=f"What is the {asked} of {name}?",
                    answerable=False,
                    type="unanswerable",
                    rough=True,
                )
            )
    return found


def _questions(passage: Passage) -> Iterator[EvalQuestion]:
    """Yield questions from the table rows and the sentences of a passage, in their order."""
    for unit in units(passage, 0):
        found = _of_row(passage, unit) if unit.header else _of_sentence(passage, unit)
        if found is not None:
            question, answer = found
            yield EvalQuestion(
                question=question,
                answers=(answer,),
                gold=(passage.document_id,),
                type="single-hop",
                rough=True,
            )


def _of_row(passage: Passage, unit: Unit) -> tuple[str, str] | None:
    """Ask for the last cell of a row by the head of its column and the row's first cell."""
    heads, cells = _cells(unit.header), _cells(unit.text)
    if len(heads) != len(cells) or len(cells) < 2:
        return None
    full = [place for place in range(1, len(cells)) if heads[place] and words(cells[place])]
    if not full or not cells[0]:
        return None
    place = full[-1]
    return f"{passage.title}: what is the {_small(heads[place])} of {cells[0]}?", cells[place]


def _of_sentence(passage: Passage, unit: Unit) -> tuple[str, str] | None:
    sentence = _plain(unit.text)
    prose = unit.kind not in ("heading", "row", "code") and not sentence.startswith("|")
    if not prose or len(_LABELS.findall(sentence)) > 1:
        return None
    if not SHORTEST <= len(sentence.split()) <= LONGEST:
        return None
    for pattern, asking in _SPANS:
        match = pattern.search(sentence)
        if match is not None:
            return _asked(passage, sentence, match, asking), match[1]
    return None


def _asked(passage: Passage, sentence: str, match: re.Match[str], asking: str) -> str:
    """Put the asking words where the answer stood, and say what the talk is of."""
    start = match.start() if asking in ("when", "at what time") else match.start(1)
    end = match.end() if asking == "what percentage" else match.end(1)
    asked = f"{sentence[:start]}{asking}{sentence[end:]}".rstrip(" .;:!")
    about = passage.headings[-1] if passage.headings else passage.title
    return f"{about}: {asked}?" if about else f"{asked[:1].upper()}{asked[1:]}?"


def _told_together(name: str, asked: str, texts: Sequence[str]) -> bool:
    """Tell whether a passage speaks of a thing and of what is asked of it."""
    key = f" {' '.join(words(name))} ".casefold()
    telling = [word.casefold()[:STEM] for word in words(asked) if len(word) > 3]
    return any(key in text and any(f" {word}" in text for word in telling) for text in texts)


def _things(passages: Sequence[Passage]) -> list[str]:
    """Return names of things, as they are written: of rows, and of several words in prose."""
    found: dict[str, None] = {}
    for passage in passages:
        for unit in units(passage, 0):
            cells = _cells(unit.text) if unit.header else []
            name = cells[0] if cells else _written_name(_plain(unit.text))
            if name and unit.kind != "heading" and _is_name(name):
                found.setdefault(name)
    # One in seven, so that not all of them are of one document.
    names = list(found)
    return [name for start in range(7) for name in names[start::7]]


def _columns(passages: Sequence[Passage]) -> list[str]:
    """Return the heads of all table columns but the first."""
    heads = (_cells(unit.header)[1:] for p in passages for unit in units(p, 0) if unit.header)
    return list(dict.fromkeys(_small(head) for row in heads for head in row if _is_noun(head)))


def _is_name(text: str) -> bool:
    """Tell whether a text may name a thing: a few words, all of them written large."""
    found = words(text)
    large = all(word[0].isupper() or word[0].isdigit() for word in found)
    return 0 < len(found) <= 4 and large and "," not in text and text[0].isupper()


def _is_noun(head: str) -> bool:
    """Tell whether the head of a column may be asked for: "capacity", and not "used for"."""
    found = words(head)
    return bool(found) and len(head) > 4 and not any(w.casefold() in STOP_WORDS for w in found)


def _cells(row: str) -> list[str]:
    return [_plain(cell) for cell in row.strip().strip("|").split("|")] if "|" in row else []


def _small(head: str) -> str:
    """Write the head of a column within a sentence; an abbreviation stays as it is."""
    return head if head[1:2].isupper() else head[:1].lower() + head[1:]


def _written_name(text: str) -> str | None:
    """Return the first name of several words in a text that is no beginning of a sentence."""
    known = {key for key in mentioned(text) if " " in key}
    for match in re.finditer(r"(?<=[a-z,] )(?:[A-Z][\w’'-]+ )+[A-Z][\w’'-]+", text):
        if " ".join(words(match[0])) in known:
            return match[0]
    return None


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub("", text).split())
