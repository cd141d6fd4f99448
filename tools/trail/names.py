"""What passages are called, and what a text may be calling by name.

The vocabulary is the corpus's own: titles, section headings, file names, terms that a
text defines, identifiers that code declares. A name is kept as a *key*, its words folded
(case and accents taken off) and joined by blanks, so that finding who is meant by the
words of a text is one lookup of its word sequences among the keys. Names that a text
mentions are kept in the same way, whoever bears them: two passages that mention the same
rare name often belong together although no title says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from ..types import Passage

NAMES = "names"
"""Where `Entry.extra` keeps the keys of what a passage is called."""

MENTIONS = "mentions"
"""Where it keeps the keys of the names that stand in its text."""

ENRICH_VERSION = "names:2"
LONGEST_NAME = 8
"""Words. Longer titles are sentences, and nobody quotes them in full."""

_STOP_WORDS = """
    a about above after again all also an and any are as at be been before being below
    between both but by can could d did do does down during each few for from further had
    has have he her his how i if in into is it its just ll m many may might more most much
    my no not of off on once only or other our out over own re s same she should so some
    such t than that the their them then there these they this those to too under until up
    ve very was we were what when where which while who whom whose why will with would you
    your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
ARTICLES = frozenset({"the", "a", "an"})
JOINTS = frozenset(
    {
        "of",
        "the",
        "and",
        "de",
        "la",
        "le",
        "du",
        "des",
        "del",
        "di",
        "da",
        "van",
        "von",
        "der",
        "den",
    }
)
"""Words in lower case that may stand inside a name: the Bay of Pigs."""

# Scripts written without blanks count each sign as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_IDENTIFIER = re.compile(r"(?:\w+_\w+|[a-z]+[A-Z]\w*)\Z")
_DECLARED = re.compile(
    r"^[ \t]*(?:(?:export|pub|public|private|static|async|abstract|default)[ \t]+)*"
    r"(?:def|class|func|fn|function|struct|enum|trait|interface|type|module|macro)[ \t]+"
    r"([A-Za-z_]\w{2,})",
    re.MULTILINE,
)
_DEFINED = re.compile(r"[“\"]([^“”\"\n]{3,60})[”\"][ \t]+(?:means|shall mean|refers to|is defined)")


def words(text: str) -> list[str]:
    """Return the words of a text as they stand in it."""
    return _WORD.findall(text)


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Return a word without case and accents."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    parts = unicodedata.normalize("NFKD", folded)
    return "".join(part for part in parts if not unicodedata.combining(part))


def is_marked(word: str) -> bool:
    """Tell whether a single word can be a name as it is written: not in plain lower case."""
    if not word.islower():
        return True
    return not word.isalpha() and ("_" in word or any(letter.isdigit() for letter in word))


def names_of(passage: Passage) -> list[str]:
    """Return the keys of all that a passage is called or defines."""
    return list(_names_of(passage.title, passage.headings, passage.source, passage.text))


@lru_cache(maxsize=2048)
def _names_of(title: str, headings: tuple[str, ...], source: str, text: str) -> tuple[str, ...]:
    declared = [*_DECLARED.findall(text), *_DEFINED.findall(text)]
    found: dict[str, None] = {}
    for name in (title, *headings, *_file_names(source), *declared):
        found.update(dict.fromkeys(_keys(name)))
    return tuple(found)


def enrich(passage: Passage) -> dict[str, list[str]]:
    """Return what the mention index keeps beside a passage: its names, and those it mentions."""
    return {NAMES: names_of(passage), MENTIONS: mentioned(passage.text)}


def mentioned(text: str) -> list[str]:
    """Return the keys of the names in a text: runs of capitalised words, and identifiers.

    A single capitalised word is left to the index of words.
    """
    return mentions_among(words(text))


def mentions_among(written: Sequence[str]) -> list[str]:
    """Return what `mentioned` returns, of the words of a text."""
    capital = [word[0].isupper() for word in written]
    found: dict[str, None] = {}
    read = 0
    for start, word in enumerate(written):
        if start < read or (word.islower() and "_" not in word):
            continue
        read = _run(written, capital, start)
        if 1 < read - start <= LONGEST_NAME or _IDENTIFIER.match(word):
            read = max(read, start + 1)
            found[" ".join(fold(part) for part in written[start:read])] = None
    return list(found)


def _run(written: Sequence[str], capital: Sequence[bool], start: int) -> int:
    """Return where the run of capitalised words from `start` ends; `start` if there is none."""
    if not capital[start] or fold(written[start]) in STOP_WORDS:
        return start
    end = place = start + 1
    while place < len(written) and (capital[place] or written[place] in JOINTS):
        place += 1
        end = place if capital[place - 1] else end
    return end


def _file_names(source: str) -> tuple[str, ...]:
    """Return a file's name with and without its ending; nothing for other sources."""
    path = PurePosixPath(source.replace("\\", "/"))
    return (path.name, path.stem) if path.suffix else ()


def _keys(name: str) -> Iterator[str]:
    """Yield the spellings a name goes by: in full, without its aside, up to its comma."""
    bare = _ASIDE.sub("", name)
    for variant in dict.fromkeys((name, bare, bare.split(",")[0])):
        folded = [fold(word) for word in words(variant)]
        if len(folded) > 1 and folded[0] in ARTICLES and not _all_stop(folded[1:]):
            folded = folded[1:]
        if _can_name(folded):
            yield " ".join(folded)


def _can_name(folded: Sequence[str]) -> bool:
    if not 0 < len(folded) <= LONGEST_NAME:
        return False
    if len(folded) == 1:
        return len(folded[0]) > 1 and folded[0] not in STOP_WORDS
    return True


def _all_stop(folded: Sequence[str]) -> bool:
    return all(word in STOP_WORDS for word in folded)


def phrases(text: str, *, marked: bool = True) -> list[str]:
    """Return the keys of all word sequences of a text that could be somebody's name.

    With `marked`, a single word counts only where it is written like a name; people do
    not always write so when they ask.
    """
    written = words(text)
    folded = [fold(word) for word in written]
    # A stop word opens or ends a name only where it is capitalised: "Then Came You".
    edge = [f not in STOP_WORDS or w != f for w, f in zip(written, folded, strict=True)]
    found: dict[str, None] = {}
    for start, opens in enumerate(edge):
        if not opens:
            continue
        key = folded[start]
        if not marked or is_marked(written[start]):
            found[key] = None
        for end in range(start + 1, min(start + LONGEST_NAME, len(folded))):
            key = f"{key} {folded[end]}"
            if edge[end]:
                found[key] = None
    return list(found)
