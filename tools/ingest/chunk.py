"""Documents to passages, each with its exact place in the text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..types import Document, Passage
from .cutting import cut
from .outline import Heading, Outline, markup_of, outline

CHUNKING = 3
"""The version of what this module does; a change makes adding again cut anew."""

MAX_CHARS = 2000
LONGEST = 0.65
TARGET = 0.4
"""Of `max_chars`: the longest passage of a longer document, and the length aimed at.

Small embedding models read 256 word pieces, about 1,200 characters; and of passages of
about 800 more of what answers a question fits into the same number of characters read."""

SMALL = 0.25
"""Of what is aimed at: shorter than this, a piece does not stand alone if avoidable."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths in characters: what no passage exceeds, what one exceeds only to keep a code
    block whole or a heading with its text, and what is aimed at."""

    limit: int
    most: int
    target: int


@dataclass(frozen=True, slots=True)
class Section:
    """`text[start:end]` below one heading, or several packed together.

    `path` is the path of headings they share; `level` is how deep the first one lies.
    """

    start: int
    end: int
    path: tuple[str, ...]
    level: int


def chunk(document: Document, max_chars: int = MAX_CHARS) -> list[Passage]:
    """Cut a document into passages of at most `max_chars` characters.

    `document.text[p.start:p.end] == p.text` for each; they do not overlap, and only white
    space lies between them. A document no longer than `max_chars` is one passage with the
    document's own id; those of a longer one are called `{document_id}#{n}`, from 1.

    Cuts are made at headings first, then between paragraphs, sentences, words; a code
    block or a table row is cut only where it is longer than a passage itself. Small
    sections below the same heading are packed together. `headings` is the path that all
    of a passage shares, without what repeats the document's title.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}; a passage needs at least 1 character")
    text = document.text
    start, end = _trim(text, 0, len(text))
    if start == end:
        return []
    if end - start <= max_chars:
        return [_passage(document, document.id, start, end, ())]
    found = outline(text, markup_of(document))
    sizes = Sizes(max_chars, max(int(max_chars * LONGEST), 1), max(int(max_chars * TARGET), 1))
    passages: list[Passage] = []
    for section in _packed(list(_sections(text, found, document.title)), sizes.target):
        for a, b in _pieces(text, section, found, sizes):
            a, b = _trim(text, a, b)
            if a < b:
                name = f"{document.id}#{len(passages) + 1}"
                passages.append(_passage(document, name, a, b, section.path))
    return passages


def embedding_text(passage: Passage) -> str:
    """Return what is embedded: the title and the headings, then the text.

    Left out is what the first line of the text says by itself. A text that merely begins
    with its title gets it all the same: it is found better so, by words and by meaning.
    """
    first = _folded(passage.text.partition("\n")[0])
    names = dict.fromkeys((passage.title, *passage.headings))
    lead = [name for name in names if name and _folded(name) != first]
    return ". ".join((*lead, passage.text))


_MARKS = re.compile(r"[\s#*_`=]+")


def _folded(text: str) -> str:
    return _MARKS.sub(" ", text).strip().casefold()


def _passage(
    document: Document, name: str, start: int, end: int, headings: tuple[str, ...]
) -> Passage:
    return Passage(
        id=name,
        document_id=document.id,
        title=document.title,
        text=document.text[start:end],
        source=document.source,
        start=start,
        end=end,
        headings=headings,
        metadata=document.metadata,
    )


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (start + left, start + max(len(piece.rstrip()), left))


def _sections(text: str, found: Outline, title: str) -> Iterator[Section]:
    """Yield the spans between headings, which together are the whole text."""
    path: list[tuple[int, str]] = []
    start = 0
    names: tuple[str, ...] = ()
    for heading in found.headings:
        if heading.start > start:
            yield Section(start, heading.start, names, len(path))
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, heading.title))
        start = heading.start
        names = tuple(name for _, name in path if _folded(name) != _folded(title))
    if start < len(text):
        yield Section(start, len(text), names, len(path))


def _packed(sections: Sequence[Section], target: int) -> Iterator[Section]:
    """Join neighbours while they are small and lie below the same heading as the first.

    A section is joined with all that lies below it, or not at all.
    """
    held: Section | None = None
    for section, end in zip(sections, _ends(sections), strict=True):
        if held and section.level >= held.level and end - held.start <= target:
            path = _shared(held.path, section.path)
            held = Section(held.start, section.end, path, held.level)
            continue
        if held:
            yield held
        held = section
    if held:
        yield held


def _ends(sections: Sequence[Section]) -> list[int]:
    """Return for each section where the last section below it ends."""
    ends = [section.end for section in sections]
    waiting: list[int] = []
    for index, section in enumerate(sections):
        while waiting and sections[waiting[-1]].level >= section.level:
            ends[waiting.pop()] = section.start
        waiting.append(index)
    for index in waiting:
        ends[index] = sections[-1].end
    return ends


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]


def _pieces(text: str, section: Section, found: Outline, sizes: Sizes) -> Iterator[Span]:
    """Cut a section into spans of about equal size at the best places there are."""
    start, end = _trim(text, section.start, section.end)
    if end - start <= sizes.target:
        yield (start, end)
        return
    aim = (end - start) / -((start - end) // sizes.target)
    held: Span | None = None
    waiting: Span | None = None
    for a, b in _atoms(text, start, end, found, sizes):
        if held and _full(held, a, b, aim, sizes):
            if waiting:
                yield waiting
            waiting, held = held, None
        held = (held[0] if held else a, b)
    if waiting and held and held[1] - held[0] < aim * SMALL and held[1] - waiting[0] <= sizes.most:
        waiting, held = (waiting[0], held[1]), None
    yield from (span for span in (waiting, held) if span)


def _full(held: Span, start: int, end: int, aim: float, sizes: Sizes) -> bool:
    """Tell whether what is held is better without the next piece than with it."""
    length = held[1] - held[0]
    if length < aim * SMALL:
        return end - held[0] > sizes.limit
    return end - held[0] > sizes.most or length + (end - start) / 2 > aim


def _atoms(text: str, start: int, end: int, found: Outline, sizes: Sizes) -> Iterator[Span]:
    """Yield the blocks of `text[start:end]`, those too long cut further."""
    breaks = found.breaks
    inner = breaks[bisect_right(breaks, start) : bisect_left(breaks, end)]
    heading = _heading_at(found, start)
    lead = heading.end - heading.start + 1 if heading else 0
    previous = start
    for at in [*inner, end]:
        fenced = _fenced(found, previous)
        limit = sizes.limit if fenced else sizes.most
        limit = limit - lead if limit > 2 * lead else limit
        if at - previous > limit:
            yield from cut(text, (previous, at), limit, sizes.target, fenced)
        elif at > previous:
            yield (previous, at)
        previous = max(previous, at)


def _heading_at(found: Outline, start: int) -> Heading | None:
    index = bisect_left(found.headings, start, key=lambda heading: heading.start)
    if index == len(found.headings) or found.headings[index].start != start:
        return None
    return found.headings[index]


def _fenced(found: Outline, at: int) -> bool:
    index = bisect_right(found.fences, at, key=lambda span: span[0]) - 1
    return index >= 0 and at < found.fences[index][1]
