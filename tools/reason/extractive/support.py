"""How far each quotable piece of the evidence meets what a part asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Passage
from .question import Part, Term
from .sentences import Unit, units
from .spans import Span, spans
from .words import stems

MOST_PASSAGES = 32
"""Passages that are read for one question, best first."""

SYNONYM = 0.8
CONTEXT = 0.9
BEFORE = 0.3

Grid = NDArray[np.float64]

_LIFE = re.compile(r"\(.{0,40}?\d{3,4}.{0,12}[-–—].{0,24}\d{3,4}.{0,20}?\)")
_BORN = re.compile(r"\((?:b\.|born)\b")


@dataclass(frozen=True)
class Sheet:
    """All units of the evidence against the terms of one part.

    `own[u, t]` says how well unit u's own words meet term t, 0 to 1; `cover` counts title,
    headings and the text just above as well. `typed[u]` are the spans that could answer.
    `similarity[u]` is the cosine to the part, 0 where it was not computed.
    """

    part: Part
    passages: Sequence[Passage]
    units: Sequence[Unit]
    weights: Grid
    own: Grid
    cover: Grid
    typed: Sequence[tuple[Span, ...]]
    similarity: Grid

    def score(self) -> Grid:
        """Return one figure a unit for ranking: coverage, kind of answer, similarity."""
        typed = np.array([1.0 if t else 0.0 for t in self.typed])
        wants = 0.0 if self.part.kind in ("text", "yesno", "name") else 0.15
        coverage = self.cover @ self.weights + 0.5 * (self.own @ self.weights)
        return np.asarray(coverage + wants * typed + 0.5 * self.similarity, dtype=np.float64)


def read_units(evidence: Sequence[Passage]) -> list[Unit]:
    """Return the quotable pieces of the best passages."""
    return [u for i, p in enumerate(evidence[:MOST_PASSAGES]) for u in units(p, i)]


def sheet(
    part: Part,
    evidence: Sequence[Passage],
    found: Sequence[Unit],
    similarity: Mapping[int, float] | None = None,
) -> Sheet:
    """Compare every unit with the part. `similarity` maps places in `found` to cosines."""
    terms = part.terms
    own = np.zeros((len(found), len(terms)))
    cover = np.zeros_like(own)
    for row, unit in enumerate(found):
        implied = _implied(unit.text)
        for column, term in enumerate(terms):
            own[row, column] = _met(term, unit.stems | implied)
            cover[row, column] = max(
                own[row, column],
                CONTEXT * _met(term, unit.context_stems),
                BEFORE * _met(term, unit.before_stems),
            )
    weights = np.array([t.weight for t in terms]) / part.weight if terms else np.zeros(0)
    near = np.zeros(len(found))
    for row, value in (similarity or {}).items():
        near[row] = value
    typed = [_typed(part, unit) for unit in found]
    return Sheet(part, evidence, found, weights, own, cover, typed, near)


def _met(term: Term, present: frozenset[str]) -> float:
    if term.stem in present:
        return 1.0
    return SYNONYM if term.also and not term.also.isdisjoint(present) else 0.0


def _implied(text: str) -> frozenset[str]:
    """The dates in brackets behind a person's name say birth and death without the words."""
    if _LIFE.search(text):
        return frozenset(("birth", "die"))
    return frozenset(("birth",)) if _BORN.search(text) else frozenset()


def _typed(part: Part, unit: Unit) -> tuple[Span, ...]:
    """Spans of the kind asked for that the question does not itself contain."""
    if part.kind in ("text", "yesno"):
        return ()
    asked = stems(part.text)
    return tuple(s for s in spans(unit.text, part.kind) if not stems(s.text) <= asked)
