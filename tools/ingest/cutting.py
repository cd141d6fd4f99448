"""Cutting a block that is longer than a passage, at the best places there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

Span = tuple[int, int]

_ITEM = re.compile(r"\n(?=[ \t]*(?:[-*+•|]|\d{1,3}[.)])[ \t])")
_SENTENCE = re.compile(
    r"(?:(?<![A-Z]\.)(?<=[.!?…])|(?<=[.!?…][\"')\]»”’]))\s+(?=[^\sa-z])|(?<=[。！？｡])(?![。！？｡」』）])"
)
_BLANK = re.compile(r"\n[ \t]*\r?\n(?:[ \t]*\r?\n)*")
_LINE = re.compile(r"\n")
_SPACE = re.compile(r"\s(?=\S)")

PROSE = (_BLANK, _ITEM, _SENTENCE, _LINE)
CODE = (_BLANK, _LINE)


def cut(text: str, span: Span, limit: int, aim: int, fenced: bool = False) -> Iterator[Span]:
    """Yield consecutive spans of at most `limit` characters that make up `span` of the text.

    Prose is cut into list items and table rows, sentences, lines, words; preformatted
    text into what blank lines part, lines, words. What has no white space is cut between
    characters, not within one that is made of several code points. Where it comes to
    words and characters the spans are about `aim` long.
    """
    yield from _cut(text, span, limit, aim, CODE if fenced else PROSE)


def _cut(
    text: str, span: Span, limit: int, aim: int, levels: Sequence[re.Pattern[str]]
) -> Iterator[Span]:
    start, end = span
    if end - start <= limit:
        yield span
    elif not levels:
        yield from _hard(text, start, end, min(aim, limit))
    else:
        previous = start
        for match in levels[0].finditer(text, start, end):
            if previous < match.end() < end:
                yield from _cut(text, (previous, match.end()), limit, aim, levels[1:])
                previous = match.end()
        yield from _cut(text, (previous, end), limit, aim, levels[1:])


def _hard(text: str, start: int, end: int, limit: int) -> Iterator[Span]:
    while end - start > limit:
        at = _last_space(text, start, start + limit) or whole(text, start, start + limit)
        yield (start, at)
        start = at
    yield (start, end)


def _last_space(text: str, start: int, end: int) -> int:
    """Return the offset after the last white space of the second half, or 0."""
    for at in range(end, start + (end - start) // 2, -1):
        if text[at - 1].isspace():
            return at
    return 0


LONGEST_CHARACTER = 32


def whole(text: str, start: int, at: int) -> int:
    """Return the last offset up to `at` that is not inside a user-perceived character.

    After the rules of Unicode's annex 29, as far as the standard library knows them.
    Where a "character" goes on for longer than 32 code points, `at` itself.
    """
    for candidate in range(at, max(start, at - LONGEST_CHARACTER), -1):
        if not _joined(text, candidate):
            return candidate
    return at


def _joined(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return before == "\r" and after == "\n"
    return (
        unicodedata.category(after) in ("Mn", "Me", "Mc")
        or after in "\u200d\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
        or before == "\u200d"
        or (_regional(before) and _regional(after) and _odd_flags(text, at))
        or "\U000e0020" <= after <= "\U000e007f"
        or ("\u1160" <= after <= "\u11ff" and "\u1100" <= before <= "\u11ff")
    )


def _regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _odd_flags(text: str, at: int) -> bool:
    """Tell whether an odd number of flag letters ends before `at`: half a flag."""
    count = 0
    while count < 1000 and at - count > 0 and _regional(text[at - count - 1]):
        count += 1
    return count % 2 == 1
