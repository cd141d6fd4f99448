"""The names a question asks about, and whether the evidence speaks of them at all.

A model is easily content with a neighbour of what was asked for. That the evidence
names the thing itself is therefore checked here and not left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ..types import Passage
from .verify_facts import OPENERS, plain

_NAME = re.compile(r"[^\W\d_][\w'\u2019.-]*")
_LINK_WORDS = "of the de la le van von der den di da del al and for in on"
_LINKS = frozenset(_LINK_WORDS.split())
_GERMAN_WORDS = (
    "der die das den dem des ein eine einen und ist sind wer wie wo wann was welche welcher "
    "welches von für mit auf nicht wird werden hat bei zum zur im"
)
_GERMAN = frozenset(_GERMAN_WORDS.split())
_CLOSE = 0.8
"""How alike two spellings of a name must be (difflib's ratio)."""


def entities(question: str) -> list[str]:
    """Return the names in a question: its runs of capitalised words.

    The capital of the first word tells nothing unless another name follows it. German
    writes every noun with one, so that there a capital tells nothing at all.
    """
    if len(_GERMAN.intersection(_NAME.findall(question.lower()))) > 1:
        return []
    runs: list[list[str]] = [[]]
    end = 0
    for match in _NAME.finditer(question):
        word, apart = match.group().rstrip(".-"), question[end : match.start()].strip()
        end = match.end()
        if apart:
            runs.append([])
        if _belongs(word, runs[-1]):
            runs[-1].append(word)
        else:
            runs.append([])
    opening = _NAME.match(question.strip())
    alone = [opening.group().rstrip(".-")] if opening else []
    return list(dict.fromkeys(name for run in runs if run != alone and (name := _trimmed(run))))


def _belongs(word: str, run: Sequence[str]) -> bool:
    """Tell whether a word begins a name, or goes on with one."""
    if run and plain(word) in _LINKS:
        return True
    capital = any(letter.isupper() for letter in word)
    return capital and bool(run or plain(word) not in OPENERS)


def absent(question: str, evidence: Sequence[Passage]) -> list[str]:
    """Return the names in the question of which the evidence has not a single telling word."""
    held = _words(
        text for passage in evidence for text in (passage.title, *passage.headings, passage.text)
    )
    return [name for name in entities(question) if not _spoken_of(name, held)]


def _trimmed(run: Sequence[str]) -> str:
    words = list(run)
    while words and plain(words[-1]) in _LINKS:
        words.pop()
    return " ".join(words)


def _words(texts: Iterable[str]) -> set[str]:
    return {_bare(match.group()) for text in texts for match in _NAME.finditer(text)}


def _bare(word: str) -> str:
    return plain(word).removesuffix("'s").strip(".-'")


def _spoken_of(name: str, held: set[str]) -> bool:
    telling = [_bare(word) for word in name.split() if plain(word) not in _LINKS]
    if any(word in held or word.rstrip("s") in held for word in telling):
        return True
    return any(get_close_matches(word, held, 1, _CLOSE) for word in telling)
