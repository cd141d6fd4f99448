"""How far each quotable piece of the evidence meets what a part asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...types import Passage
from .places import countries
from .question import Part, Term
from .sentences import Unit, units
from .spans import Span, is_full_name, of_measure, spans
from .words import stem, stems

MOST_PASSAGES = 32
"""Passages that are read for one question, best first."""

SYNONYM = 0.8
FEW = 10
"""Passages below which the first and the last do not lie far apart."""

CONTEXT = 0.9
BEFORE = 0.3

WHOLE = 0.8
"""The share of a name's words that one piece must meet for the name to be the same."""

PARTIAL = 0.3
"""What a word of a name counts for where the rest of the name is missing."""

# Fitted as a choice among all pieces of the evidence (conditional logit) on questions whose
# answer stands in known passages, with and without an embedder; in the order of `scores`.
UNIT_WEIGHTS = (4.2, 5.1, 0.15, 0.85, 2.5, 2.45, 1.1, 1.3, 0.45)
UNIT_WEIGHTS_BY_WORDS = (0.0, 0.0, 2.0, 1.4, 3.05, 3.8, 1.2, 1.45, 0.2)

Grid = NDArray[np.float64]

_LIFE = re.compile(r"\(.{0,60}?\d{3,4}.{0,16}?[-–—].{0,30}?\d{3,4}.{0,20}?\)")
_BORN = re.compile(r"\((?:\w+ ){0,4}(?:b\.|born)\W")


@dataclass(frozen=True)
class Sheet:
    """All units of the evidence against the terms of one part.

    `own[u, t]` says how well unit u's own words meet term t, 0 to 1; `cover` counts title,
    headings and, a little, the text just above as well. `named[u, i]` says whether unit u
    with its title and headings speaks of name i. `similarity[u]` is the cosine of the part
    to the unit with its title and headings, `bare[u]` to the unit alone, `relation[u]` that
    of what the part asks without the names in it; all are 0 where they were not computed,
    and `compared` says whether any was. `place[u]` is how high its passage stands in the
    evidence, from the reranker's scores, 1 for the first and 0 for the last.
    """

    part: Part
    passages: Sequence[Passage]
    units: Sequence[Unit]
    weights: Grid
    own: Grid
    cover: Grid
    named: NDArray[np.bool_]
    place: Grid
    similarity: Grid
    bare: Grid
    relation: Grid
    compared: bool = False

    @cached_property
    def scores(self) -> Grid:
        """One figure a unit: the log-odds, up to a constant, that it holds the answer."""
        rare = self.weights * np.log(1 + len(self.units) / ((self.own >= 0.5).sum(axis=0) + 0.5))
        rare = rare / max(float(rare.sum()), 1e-9)
        typed = 0.5 if self.plain else np.array([float(bool(s)) for s in self.typed])
        rank = 1.0 / (1.0 + np.array([u.passage for u in self.units]))
        signals = (
            self.similarity, self.bare, self.own @ self.weights, self.own @ rare,
            self.cover @ rare, self.place, rank, typed, self.named.all(axis=1),
        )  # fmt: skip
        weights = UNIT_WEIGHTS if self.compared else UNIT_WEIGHTS_BY_WORDS
        return np.asarray(sum(w * s for w, s in zip(weights, signals, strict=True)))

    @property
    def plain(self) -> bool:
        """Whether no span of a certain kind is asked for."""
        return self.part.kind in ("text", "yesno", "name")

    @cached_property
    def typed(self) -> tuple[tuple[Span, ...], ...]:
        """For each unit, the spans of the kind asked for that the question does not contain."""
        return tuple(self._typed(row) for row in range(len(self.units)))

    def _typed(self, row: int) -> tuple[Span, ...]:
        if self.part.kind in ("text", "yesno"):
            return ()
        asked = stems(self.part.text)
        text = self.units[row].text
        found = spans(text, self.part.kind)
        if self.part.kind in ("person", "name", "place"):
            found = tuple(s for s in found if not self.common(s))
        if self.part.measure:
            found = tuple(s for s in found if of_measure(self.part.measure, text, s))
        if self.part.by_name:
            found = tuple(s for s in found if is_full_name(s.text))
        return tuple(s for s in found if not stems(s.text) <= asked)

    def common(self, span: Span) -> bool:
        """Say whether a single capital word only begins a sentence, and is no name."""
        return span.text.isalpha() and span.text[0].isupper() and span.text.lower() in self.small

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
    _tie_numbers(part, own, cover)
    weights = np.array([t.weight for t in terms]) / part.weight if terms else np.zeros(0)
    named = _whole_names(part, own, cover)
    nothing = np.zeros(len(found))
    return Sheet(
        part,
        evidence,
        found,
        weights,
        own,
        cover,
        named,
        _places(evidence, found),
        nothing,
        nothing,
        nothing,
    )


def _places(evidence: Sequence[Passage], found: Sequence[Unit]) -> Grid:
    """Scale the reranker's scores to the evidence: they mean something only beside each other."""
    if not found:
        return np.zeros(0)
    scores = np.array([p.score for p in evidence[:MOST_PASSAGES]])
    if np.ptp(scores) == 0:
        scores = -np.arange(len(scores), dtype=np.float64)
    scaled = (scores - scores.min()) / (float(np.ptp(scores)) or 1.0)
    scaled = 1.0 - (1.0 - scaled) * min(1.0, len(scores) / FEW)  # few passages differ by little
    return np.array([scaled[u.passage] for u in found])


def _tie_numbers(part: Part, own: Grid, cover: Grid) -> None:
    """A number or year counts where the piece speaks of something else that is asked as well."""
    numbers = [c for c, t in enumerate(part.terms) if t.text.isdigit()]
    others = [c for c, t in enumerate(part.terms) if c not in numbers and t.weight >= 1.0]
    if numbers and others:
        alone = cover[:, others].max(axis=1) < 0.5
        own[np.ix_(alone, numbers)] *= PARTIAL
        cover[np.ix_(alone, numbers)] *= PARTIAL


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


def is_life(text: str) -> bool:
    """Say whether a text gives the dates of a life in brackets."""
    return bool(_LIFE.search(text))


def _implied(text: str) -> frozenset[str]:
    """What a text says without the words: the dates of a life, and the country of a person."""
    found: tuple[str, ...] = ()
    if is_life(text):
        found = ("birth", "die")
    elif _BORN.search(text):
        found = ("birth",)
    return frozenset(found + (_ORIGIN if countries(text) else ()))


_ORIGIN = tuple(stem(word) for word in ("nationality", "country", "nation", "from"))
