"""Reads an answer line by line while it is being written, and composes one without a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..llm.evidence import Evidence
from .llm_reading import asked, filled
from .protocol import Draft, DraftClaim, Finding, Quote, SubQuestion

_QUOTE = re.compile(r"^>\s*[\[(]?(?:id\s*:?\s*)?(\w{1,12})[\])]?\s*[:\u2013-]\s*(.+)$")
_BULLET = re.compile(r"^(?:[-*\u2022]|\d{1,2}[.)])\s+")
_MARKS = ("=", ">", "?", "!")


class Manuscript:
    """An answer in the form that `write.md` asks for, fed in pieces.

    Lines: `= short answer`, `- claim`, `> id: quote` for the claim above, `? missing`,
    `! conflict`. A line without a mark counts as a claim.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._line = ""
        self._shown = 0
        self._claims: list[tuple[str, list[Quote]]] = []
        self._missing: list[str] = []
        self._lead = ""
        self._conflict = False

    def feed(self, piece: str) -> str:
        """Take a piece; return what of it the asker may see at once: claims, not quotes."""
        said = ""
        for part in piece.splitlines(keepends=True):
            self._line += part
            said += self._visible()
            if part.endswith("\n"):
                self._end_line()
                said += "\n" if self._shown else ""
                self._line, self._shown = "", 0
        return said

    def draft(self) -> Draft:
        """Return what was written."""
        self._end_line()
        self._line = ""
        claims = tuple(DraftClaim(text=text, quotes=tuple(q)) for text, q in self._claims)
        return Draft(
            claims=claims,
            lead=self._lead,
            missing=tuple(self._missing),
            conflict=self._conflict,
        )

    def _visible(self) -> str:
        """Return the part of the line under way that was not shown yet."""
        line = self._line.rstrip("\n")
        if len(line.lstrip()) < 3 or line.lstrip()[0] in (">", "!"):
            return ""
        text = _body(line)
        new, self._shown = text[self._shown :], len(text)
        return new

    def _end_line(self) -> None:
        line = self._line.strip()
        if not line or line.startswith("```"):
            return
        quote = _QUOTE.match(line)
        if line.startswith(">"):
            self._add_quote(quote)
        elif line.startswith("="):
            self._lead = _body(line).strip()
        elif line.startswith("?"):
            self._missing.append(_body(line).strip())
        elif line.startswith("!"):
            self._conflict = True
        else:
            self._claims.append((_body(line).strip(), []))

    def _add_quote(self, quote: re.Match[str] | None) -> None:
        if quote is None or not self._claims:
            return
        passage_id = self._evidence.passage_id(quote[1])
        self._claims[-1][1].append(Quote(passage_id=passage_id, text=quote[2].strip()))


def _body(line: str) -> str:
    """Return a line without its mark."""
    text = line.lstrip()
    if text.startswith(_MARKS):
        return text[1:].lstrip()
    return _BULLET.sub("", text)


def compose(parts: Sequence[SubQuestion], findings: Mapping[str, Finding]) -> Draft:
    """Put the findings together as an answer, in the order of the parts. No model.

    A claim stands on the quotes of its own part and of those it came after.
    """
    order = [part for part in parts if findings.get(part.id, _NONE).found]
    goals = asked(parts)
    reached = [findings[part.id] for part in goals if findings.get(part.id, _NONE).found]
    missing = [
        findings[part.id].missing if part.id in findings else filled(part.text, findings)
        for part in goals
        if not findings.get(part.id, _NONE).found
    ]
    return Draft(
        claims=tuple(_claim(part, findings) for part in order),
        lead=reached[0].text if len(goals) == len(reached) == 1 else "",
        missing=tuple(missing),
        confidence=min((finding.confidence for finding in reached), default=0.0),
    )


def _claim(part: SubQuestion, findings: Mapping[str, Finding]) -> DraftClaim:
    finding = findings[part.id]
    earlier = [findings[name] for name in part.after if findings.get(name, _NONE).found]
    quotes = dict.fromkeys((*finding.quotes, *(q for before in earlier for q in before.quotes)))
    return DraftClaim(text=finding.claim or finding.quotes[0].text, quotes=tuple(quotes))


_NONE = Finding(subquestion="", found=False)
