"""The pieces of a passage that can be quoted: sentences, list items, table rows, lines of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ...types import Passage
from .words import stems

LONGEST = 700  # characters; a longer "sentence" is cut at clauses so that quotes stay short

_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|prof|sr|jr|vs|no|nos|approx|dept|fig|sec|inc|ltd|co|corp|gen|col|lt"
    r"|sgt|capt|rev|hon|vol|ed|est|e\.g|i\.e|cf|al|ca|p|pp|u\.s|u\.k|d\.c|a\.m|p\.m)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s")
_ITEM = re.compile(r"^\s*(?:[-*+•·]|\d{1,3}[.)])\s+")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^\s*\|?[\s:|=+-]*[-=]{2,}[\s:|=+-]*\|?\s*$")
_SAID = re.compile(r"^(?:\s{0,3}>[ \t]?)+")
_FENCE = re.compile(r"^\s*(?:```|~~~)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece of a passage: `passage.text[start:end] == text`.

    `context` is what gives it meaning without being quoted: title, headings, the header
    row of a table, the line that leads a list in. `before` is the text just above it;
    `header` is the header row, where the unit is a row of a table.
    """

    passage: int
    order: int
    start: int
    end: int
    text: str
    kind: str
    context: str
    before: str
    stems: frozenset[str]
    context_stems: frozenset[str]
    before_stems: frozenset[str]
    header: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    kind: str
    lead: str = ""


def units(passage: Passage, index: int) -> tuple[Unit, ...]:
    """Return the quotable pieces of `passage`, in order; `index` is its place in the evidence."""
    above = " ".join((passage.title, *passage.headings)).strip()
    return _units(passage.text, above, index)


@lru_cache(maxsize=2048)
def _units(text: str, above: str, index: int) -> tuple[Unit, ...]:
    found: list[Unit] = []
    heading = ""
    for piece in _pieces(text):
        quoted = text[piece.start : piece.end]
        if piece.kind == "heading":
            heading = quoted
            continue
        context = " ".join(part for part in (above, heading, piece.lead) if part)
        above_it = found[-2:]
        before = " ".join(unit.text for unit in above_it)
        found.append(
            Unit(
                index, len(found), piece.start, piece.end, quoted, piece.kind, context, before,
                stems(quoted), stems(context), frozenset().union(*(u.stems for u in above_it)),
                piece.lead if piece.kind == "row" else "",
            )
        )  # fmt: skip
    return tuple(found)


def _pieces(text: str) -> Iterator[_Piece]:
    """Walk over the lines, joining those of one paragraph."""
    lines = list(_kinds(text))
    lead = header = ""
    at = 0
    while at < len(lines):
        start, end, kind = lines[at]
        if kind == "text":
            while at + 1 < len(lines) and lines[at + 1][2] == "text":
                at += 1
            end = lines[at][1]
            yield from _sentences(text, start, end, "text", "")
            lead = _leading(text[start:end], lead)
        elif kind == "item":
            yield from _sentences(text, start, end, "item", lead)
        elif kind == "row" and at + 1 < len(lines) and lines[at + 1][2] == "rule":
            header = text[start:end].strip()
        elif kind in ("row", "code", "heading"):
            yield _trim(text, start, end, kind, header if kind == "row" else "")
        header = header if kind in ("row", "rule") else ""
        lead = "" if kind == "heading" else lead
        at += 1


def _kinds(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each line; within a fence every line is code."""
    fenced = False
    for start, end in _lines(text):
        kind = _kind(text[start:end])
        if kind == "fence":
            fenced = not fenced
        elif fenced:
            kind = "code" if text[start:end].strip() else "gap"
        yield start, end, kind


def _leading(paragraph: str, lead: str) -> str:
    """A paragraph that ends in a colon leads in the list below it."""
    stripped = paragraph.rstrip()
    return stripped[-200:] if stripped.endswith(":") else ""


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, at + len(line)
        at += len(line)


def _kind(line: str) -> str:
    line = _SAID.sub("", line)
    if not line.strip():
        return "gap"
    if _RULE.match(line):
        return "rule"
    if _FENCE.match(line):
        return "fence"
    if _HEADING.match(line):
        return "heading"
    if _ROW.match(line):
        return "row"
    return "item" if _ITEM.match(line) else "text"


def _trim(text: str, start: int, end: int, kind: str, lead: str) -> _Piece:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return _Piece(start, end, kind, lead)


def _sentences(text: str, start: int, end: int, kind: str, lead: str) -> Iterator[_Piece]:
    if said := _SAID.match(text[start:end]):
        start += said.end()
    if kind == "item" and (mark := _ITEM.match(text[start:end])):
        start += mark.end()
    at = start
    for match in _END.finditer(text, start, end):
        if _closes(text, at, match.end(), end):
            yield from _clauses(text, at, match.end(), kind, lead)
            at = match.end()
    if text[at:end].strip():
        yield from _clauses(text, at, end, kind, lead)


def _closes(text: str, at: int, stop: int, end: int) -> bool:
    """Say whether a full stop at `stop` ends the sentence that began at `at`."""
    said = text[at:stop].strip()
    if len(said) < 3 or _ABBREVIATION.search(said[-8:]):
        return False
    following = text[stop : min(stop + 3, end)].lstrip()
    return not (following[:1].islower() and said.endswith("."))


def _clauses(text: str, start: int, end: int, kind: str, lead: str) -> Iterator[_Piece]:
    """Cut what is too long for a quote at a semicolon, a dash or, failing that, a space."""
    while end - start > LONGEST:
        window = text[start : start + LONGEST]
        cut = max(window.rfind("; "), window.rfind(" · "), window.rfind("\n"))
        cut = cut if cut > 80 else window.rfind(" ")
        cut = cut if cut > 80 else LONGEST
        yield _trim(text, start, start + cut + 1, kind, lead)
        start += cut + 1
    piece = _trim(text, start, end, kind, lead)
    if piece.end > piece.start:
        yield piece
