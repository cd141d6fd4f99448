"""Finds a quote in a text, letter for letter after folding what carries no meaning.

Folded away: white space, case, typographic quotes and dashes, composed accents,
invisible characters, emphasis marks of Markdown, and a hyphen at a line's end. Never
a word: a match begins and ends where words, numbers and compounds do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

BREAK = "\u00ad"
"""Stands in folded text for a hyphen at a line's end, which may or may not be part of the word."""

_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff")
_SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u00b4"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_HYPHENS = "-\u2010\u2011"
_DASHES = _HYPHENS + "\u2012\u2013\u2014\u2015\u2212"
_LIKE = {
    **dict.fromkeys(_SINGLE_QUOTES, "'"),
    **dict.fromkeys(_DOUBLE_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    "\u2026": "...",
}
_EMPHASIS = re.compile(r"[*`]+")
_OPENING = re.compile(r"[*`]+\Z")
_LINE_END = re.compile(rf"[{re.escape(_DASHES)}\u00ad][^\S\n]*\n\s*")
_PLAIN = re.compile(r"[A-Za-z0-9_.,;:!?()'\"/%&+=]+(?: [A-Za-z0-9_.,;:!?()'\"/%&+=]+)*")
"""Letters of which folding changes nothing but the case, and single spaces between them."""
_EDGE = " '\".,;:!?"

_FUNCTION_WORDS = (
    "a an the this that these those it its he she they them his her their of in on at to by for "
    "from with as and or but not no is are was were be been has have had do does did will would "
    "can may must shall should which who what when where"
)
_EMPTY_WORDS = frozenset(_FUNCTION_WORDS.split())
_MIN_LETTERS = 4
"""A quote whose telling words have fewer letters than this says nothing."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; `origin[i]` is the index in `source` of the character that became `text[i]`."""

    source: str
    text: str
    origin: tuple[int, ...]


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    return _LIKE.get(letter) or unicodedata.normalize("NFD", letter).casefold()


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter in (BREAK, "_") or unicodedata.category(letter)[0] == "M"


def _dropped_marks(source: str) -> set[int]:
    """Return where emphasis marks stand: not between two words, nor between two spaces."""
    dropped: set[int] = set()
    for match in _EMPHASIS.finditer(source):
        before = source[match.start() - 1] if match.start() else " "
        after = source[match.end()] if match.end() < len(source) else " "
        operator = before.isspace() and after.isspace()
        if not operator and not (before.isalnum() and after.isalnum()):
            dropped.update(range(match.start(), match.end()))
    return dropped


def _line_ends(source: str) -> dict[int, int]:
    """Map each hyphen that breaks a word over two lines to the letter that goes on."""
    return {
        match.start(): match.end()
        for match in _LINE_END.finditer(source)
        if match.start()
        and source[match.start() - 1].isalpha()
        and source[match.end() :][:1].isalpha()
    }


def _pieces(source: str) -> Iterator[tuple[Iterable[int], str]]:
    """Yield folded text piece by piece, with the place in `source` of each of its letters."""
    dropped, breaks = _dropped_marks(source), _line_ends(source)
    spaced, index = True, 0
    while index < len(source):
        letter = source[index]
        if plain := _PLAIN.match(source, index):
            yield range(index, plain.end()), plain.group().lower()
            spaced, index = False, plain.end()
            continue
        if index in breaks:
            yield (index,), BREAK
            index = breaks[index]
            continue
        if letter.isspace():
            if not spaced:
                yield (index,), " "
            spaced = True
        elif letter not in _INVISIBLE and letter != BREAK and index not in dropped:
            folded = _fold_letter(letter)
            yield [index] * len(folded), folded
            spaced = False
        index += 1


def fold(source: str) -> Folded:
    """Fold a text, remembering where each of its characters came from."""
    letters: list[str] = []
    origin: list[int] = []
    for places, piece in _pieces(source):
        letters.append(piece)
        origin.extend(places)
    return Folded(source, "".join(letters), tuple(origin))


def says_something(quote: str) -> bool:
    """Tell whether a quote is long enough to carry a statement; "the" or "in 1" is not."""
    words = re.findall(r"[^\W_]+", fold(quote).text)
    telling = [word for word in words if word not in _EMPTY_WORDS]
    unspaced = any(unicodedata.category(letter) == "Lo" for letter in quote)
    return (len(words) > 1 or unspaced) and sum(map(len, telling)) >= _MIN_LETTERS


def find_quote(quote: str, text: Folded) -> tuple[int, int] | None:
    """Return start and end in `text.source` of what `quote` repeats, or None.

    Punctuation around the quote may differ: it is looked up as given, then without.
    """
    wanted = fold(quote).text.strip()
    for needle in dict.fromkeys((wanted, wanted.strip(_EDGE))):
        for start, end in _matches(needle, text.text) if needle else ():
            if _whole(text, start, end):
                return _with_marks(text.source, text.origin[start], text.origin[end - 1] + 1)
    return None


def _with_marks(source: str, start: int, end: int) -> tuple[int, int]:
    """Take in the emphasis mark next to a span that holds only its other half."""
    if len(_EMPHASIS.findall(source, start, end)) % 2:
        if opening := _OPENING.search(source, 0, start):
            return opening.start(), end
        if closing := _EMPHASIS.match(source, end):
            return start, closing.end()
    return start, end


def _matches(needle: str, text: str) -> Iterator[tuple[int, int]]:
    if BREAK in needle or BREAK in text:
        for match in re.finditer(rf"(?=({_loose(needle)}))", text):
            yield match.span(1)
        return
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + 1)


@lru_cache(maxsize=256)
def _loose(needle: str) -> str:
    """Return a pattern for `needle` in which a broken line may hide or show a hyphen."""
    parts: list[str] = []
    for piece in re.findall(r"[^\W\d_]-\s?(?=[^\W\d_])|.", needle, re.DOTALL):
        if len(piece) > 1:
            parts.append(f"{re.escape(piece[0])}(?:{re.escape(piece[1:])}|{BREAK})")
        elif piece == BREAK:
            parts.append(f"(?:-|{BREAK})?")
        else:
            parts.append(re.escape(piece) + (f"{BREAK}?" if piece.isalpha() else ""))
    return "".join(parts).removesuffix(f"{BREAK}?")


def _whole(text: Folded, start: int, end: int) -> bool:
    """Tell whether a match cuts no word, number, compound or contraction in two."""
    return _open_before(text, start) and _open_after(text, end)


def _open_before(text: Folded, start: int) -> bool:
    first, before = text.text[start], text.text[max(start - 2, 0) : start]
    if not before or not _is_word(first):
        return True
    if _is_word(before[-1]):
        return False
    outer = before[-2:-1]
    if first.isdigit():
        decimal = before[-1] in ".," and outer.isdigit()
        sign = before[-1] == "-" and not _is_word(outer or " ")
        return not (decimal or sign)
    return not (_joins(text, start - 1) and _is_word(outer or " "))


def _open_after(text: Folded, end: int) -> bool:
    last, after = text.text[end - 1], text.text[end : end + 2]
    if not after or not _is_word(last):
        return True
    if _is_word(after[0]):
        return False
    outer = after[1:2]
    if last.isdigit():
        return not (after[0] in ".," and outer.isdigit())
    if after == "'t":
        return False
    return not (_joins(text, end) and outer.isalpha())


def _joins(text: Folded, index: int) -> bool:
    """Tell a hyphen, which joins two words, from a dash, which parts them."""
    return text.source[text.origin[index]] in _HYPHENS
