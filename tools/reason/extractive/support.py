"""How far each quotable piece of the evidence meets what a part asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...types import Passage
from .question import Part, Term
from .sentences import Unit, units
from .spans import ROLE, Span, spans
from .words import fold, stems

MOST_PASSAGES = 32
"""Passages that are read for one question, best first."""

SYNONYM = 0.8
CONTEXT = 0.9
BEFORE = 0.3

WHOLE = 0.8
"""The share of a name's words that one piece must meet for the name to be the same."""

PARTIAL = 0.3
"""What a word of a name counts for where the rest of the name is missing."""

Grid = NDArray[np.float64]

_LIFE = re.compile(r"\(.{0,60}?\d{3,4}.{0,16}?[-–—].{0,30}?\d{3,4}.{0,20}?\)")
_BORN = re.compile(r"\((?:\w+ ){0,4}(?:b\.|born)\W")


@dataclass(frozen=True)
class Sheet:
    """All units of the evidence against the terms of one part.

    `own[u, t]` says how well unit u's own words meet term t, 0 to 1; `cover` counts title,
    headings and, a little, the text just above as well. `named[u, i]` says whether unit u
    with its title and headings speaks of name i. `similarity[u]` is the cosine to the
    part, 0 where it was not computed.
    """

    part: Part
    passages: Sequence[Passage]
    units: Sequence[Unit]
    weights: Grid
    own: Grid
    cover: Grid
    named: NDArray[np.bool_]
    similarity: Grid

    def score(self) -> Grid:
        """Return one figure a unit for ranking: coverage and similarity."""
        coverage = self.cover @ self.weights + 0.5 * (self.own @ self.weights)
        return np.asarray(coverage + 0.5 * self.similarity, dtype=np.float64)

    def typed(self, row: int) -> tuple[Span, ...]:
        """Spans of the kind asked for that the question does not itself contain."""
        if self.part.kind in ("text", "yesno"):
            return ()
        asked = stems(self.part.text)
        text = self.units[row].text
        found = spans(text, self.part.kind)
        if self.part.kind in ("person", "name", "place"):
            found = tuple(s for s in found if not self.common(text, s.start, s.text))
        if self.part.by_name:
            found = tuple(s for s in found if s.text[0].isupper() and not ROLE.search(fold(s.text)))
        return tuple(s for s in found if not stems(s.text) <= asked)

    def common(self, text: str, start: int, said: str) -> bool:
        """Say whether a capital only begins a sentence: the evidence has the word in small."""
        return said.isalpha() and said[0].isupper() and said.lower() in self.small

    @cached_property
    def small(self) -> frozenset[str]:
        """Words that the evidence writes in small letters."""
        found: set[str] = set()
        for passage in self.passages:
            found |= small_words(passage.text)
        return frozenset(found)


_SMALL = re.compile(r"(?<![\w-])[a-zà-öø-ÿ]+(?![\w-])")


@lru_cache(maxsize=4096)
def small_words(text: str) -> frozenset[str]:
    """Return the words that `text` writes in small letters."""
    return frozenset(_SMALL.findall(text))


def read_units(evidence: Sequence[Passage]) -> list[Unit]:
    """Return the quotable pieces of the best passages."""
    return [u for i, p in enumerate(evidence[:MOST_PASSAGES]) for u in units(p, i)]


def sheet(part: Part, evidence: Sequence[Passage], found: Sequence[Unit]) -> Sheet:
    """Compare every unit with the part, by words alone."""
    terms = part.terms
    own = np.zeros((len(found), len(terms)))
    cover = np.zeros_like(own)
    for row, unit in enumerate(found):
        present = unit.stems | _implied(unit.text)
        for column, term in enumerate(terms):
            own[row, column] = mine = _met(term, present)
            cover[row, column] = max(
                mine,
                CONTEXT * _met(term, unit.context_stems),
                BEFORE * _met(term, unit.before_stems),
            )
    weights = np.array([t.weight for t in terms]) / part.weight if terms else np.zeros(0)
    named = _whole_names(part, own, cover)
    return Sheet(part, evidence, found, weights, own, cover, named, np.zeros(len(found)))


def _whole_names(part: Part, own: Grid, cover: Grid) -> NDArray[np.bool_]:
    """Find which units speak of which name; elsewhere its words count for little."""
    named = np.zeros((len(cover), len(part.names)), dtype=np.bool_)
    for i in range(len(part.names)):
        columns = [c for c, t in enumerate(part.terms) if t.name == i]
        if not columns:
            named[:, i] = True
            continue
        near = np.where(cover[:, columns] > 2 * BEFORE, 1.0, cover[:, columns])
        named[:, i] = near.mean(axis=1) >= WHOLE
        for grid in (own, cover):
            grid[:, columns] *= np.where(named[:, i], 1.0, PARTIAL)[:, None]
    return named


def _met(term: Term, present: frozenset[str]) -> float:
    if term.stem in present:
        return 1.0
    return SYNONYM if term.also and not term.also.isdisjoint(present) else 0.0


def _implied(text: str) -> frozenset[str]:
    """The dates in brackets behind a person's name say birth and death without the words."""
    if _LIFE.search(text):
        return frozenset(("birth", "die"))
    return frozenset(("birth",)) if _BORN.search(text) else frozenset()
