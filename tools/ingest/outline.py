"""Where a text has its headings and where its blocks end, by its markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ..types import Document

Markup = Literal["markdown", "rst", "code"]

LONGEST_HEADING = 300


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at `text[start:end]`, its markup included; `level` counts from 1."""

    level: int
    title: str
    start: int
    end: int


@dataclass(slots=True)
class Outline:
    """Headings, and `breaks`: offsets where a new block starts, ascending.

    `fences` are spans of preformatted text, which have no sentences.
    """

    headings: list[Heading] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    fences: list[tuple[int, int]] = field(default_factory=list)


def markup_of(document: Document) -> Markup:
    """Tell the markup by the file's extension; a text of unknown origin counts as Markdown."""
    from .loaders.code import CODE_SUFFIXES

    extension = document.metadata.get("extension") or document.source.rpartition(".")[2]
    if extension in ("rst", "rest"):
        return "rst"
    return "code" if f".{extension}" in CODE_SUFFIXES else "markdown"


def outline(text: str, markup: Markup) -> Outline:
    """Find headings and block boundaries. One pass; time is linear in the text."""
    if markup == "rst":
        return _rst(text)
    return _code(text) if markup == "code" else _markdown(text)


_MARKDOWN = re.compile(
    r"^(?:"
    r"[ ]{0,3}(?P<fence>`{3,}|~{3,})"
    r"|(?P<blank>[ \t]*\r?\n)"
    r"|(?P<atx>#{1,6})(?=[ \t])(?P<title>[^\n]*+)"
    r"|(?P<setext>[^\s#>|`~*+\-][^\n]*+)\n[ ]{0,3}(?P<under>=+|-{2,})[ \t]*\r?$"
    r")",
    re.M,
)


def _markdown(text: str) -> Outline:
    found = Outline()
    at = 0
    while match := _MARKDOWN.search(text, at):
        at = max(match.end(), match.start() + 1)
        if match["fence"]:
            at = _fence_end(text, match.end(), match["fence"])
            found.fences.append((match.start(), at))
            found.breaks += [match.start(), at]
        elif match["blank"] is not None:
            found.breaks.append(at)
        elif match["atx"]:
            title = match["title"].strip().rstrip("#").strip()
            _head(found, len(match["atx"]), title, match.start(), at)
        elif _starts_block(text, match.start()):
            level = 1 if match["under"][0] == "=" else 2
            _head(found, level, match["setext"].strip(), match.start(), at)
        else:
            at = match.end("setext")
    return found


def _head(found: Outline, level: int, title: str, start: int, end: int) -> None:
    if title and len(title) <= LONGEST_HEADING:
        found.headings.append(Heading(level, title, start, end))
        found.breaks += [start, end]


def _fence_end(text: str, at: int, fence: str) -> int:
    """Return where the line after the closing fence starts; an open fence runs to the end."""
    closing = re.compile(rf"^[ ]{{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*\r?(?:\n|\Z)", re.M)
    match = closing.search(text, at)
    return match.end() if match else len(text)


def _starts_block(text: str, start: int) -> bool:
    before = text[max(start - 200, 0) : start].rpartition("\n")[0]
    return start == 0 or not before.rpartition("\n")[2].strip()


_RST = re.compile(
    r"^(?:(?P<over>([^\w\s])\2{2,})[ \t]*\r?\n)?"
    r"(?P<title>[ ]?[^\s.][^\n]*+)\n(?P<under>([^\w\s])\5{2,})[ \t]*\r?$",
    re.M,
)
_UNINDENTED = re.compile(r"^[ \t]*\r?\n(?=[^\s])", re.M)


def rst_headings(text: str) -> Iterator[Heading]:
    """Yield section titles; a style of underline has the level of its first use."""
    styles: list[tuple[str, bool]] = []
    for match in _RST.finditer(text):
        title = match["title"].strip()
        if len(match["under"]) < min(len(title), 4) or len(title) > LONGEST_HEADING:
            continue
        style = (match["under"][0], match["over"] is not None)
        if style not in styles:
            styles.append(style)
        yield Heading(styles.index(style) + 1, title, match.start(), match.end())


def _rst(text: str) -> Outline:
    # What is indented after a blank line belongs to the line above: a literal block.
    found = Outline(breaks=[match.end() for match in _UNINDENTED.finditer(text)])
    for heading in rst_headings(text):
        _head(found, heading.level, heading.title, heading.start, heading.end)
    found.breaks.sort()
    return found


def _code(text: str) -> Outline:
    """Break before what starts at the left margin after a blank line: a definition."""
    breaks = [match.end() for match in _UNINDENTED.finditer(text)]
    return Outline(breaks=breaks, fences=[(0, len(text))])
