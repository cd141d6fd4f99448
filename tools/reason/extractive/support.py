"""How far each quotable piece of the evidence meets what a part asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...types import Passage
from .bridge import Link, Step
from .meaning import Meaning
from .places import countries
from .question import Part, Term
from .sentences import Unit, units
from .spans import Span, is_full_name, of_measure, spans
from .tables import cells
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

Grid = NDArray[np.float64]

_LIFE = re.compile(r"\(.{0,60}?\d{3,4}.{0,16}?[-–—].{0,30}?\d{3,4}.{0,20}?\)")
_BORN = re.compile(r"\((?:\w+ ){0,4}(?:b\.|born)\W")


@dataclass(frozen=True)
class Close:
    """What is read closely for a part, by place in the evidence: `passages` (N), and
    `background` (B), which shows what is usual in this corpus.

    `rows` (R,) are the units of the passages read, `held` (N + B, T) says how well each passage
    as a whole meets each term, and `meaning` compares them word by word; None where no
    embedder shows its word pieces.
    """

    passages: tuple[int, ...] = ()
    background: tuple[int, ...] = ()
    rows: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    held: Grid = field(default_factory=lambda: np.zeros((0, 0)))
    meaning: Meaning | None = None


@dataclass(frozen=True)
class Sheet:
    """All units of the evidence against the terms of one part.

    `own[u, t]` says how well unit u's own words meet term t, 0 to 1; `cover` counts title,
    headings and, a little, the text just above as well. `named[u, i]` says whether unit u
    with its title and headings speaks of name i. `place[u]` is how high its passage stands
    in the evidence, from the reranker's scores, 1 for the first and 0 for the last.
    `similarity[u]` is the cosine of the part to the unit as its passage makes it mean, and
    `relation[u]` that of what the part asks without the names in it; both are 0 where they
    were not computed, which `near[u]` tells. `first[u]` are the log-odds that a unit bears on
    the part, by itself, and `scores[u]` that it holds the answer, with all that `links` to it:
    the `steps` that names lead, and how near in meaning each goes `along` (S, U).
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
    relation: Grid
    near: NDArray[np.bool_]
    first: Grid
    scores: Grid
    links: tuple[Link, ...] = ()
    steps: tuple[Step, ...] = ()
    along: Grid | None = None
    close: Close = field(default_factory=Close)

    @property
    def compared(self) -> bool:
        """Whether any meaning was compared."""
        return bool(self.near.any())

    @cached_property
    def rare(self) -> Grid:
        """The weights of the terms, more for those that few units meet; their sum is 1."""
        rare = self.weights * np.log(1 + len(self.units) / ((self.own >= 0.5).sum(axis=0) + 0.5))
        return np.asarray(rare / max(float(rare.sum()), 1e-9))

    @cached_property
    def asked(self) -> frozenset[str]:
        """The stems of the part."""
        return stems(self.part.text)

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
        text = self.units[row].text
        found = spans(text, self.part.kind)
        if self.part.kind in ("person", "name", "place"):
            found = tuple(s for s in found if not self.common(s))
        if self.part.measure:
            found = tuple(s for s in found if of_measure(self.part.measure, text, s))
        if self.part.by_name:
            found = tuple(s for s in found if is_full_name(s.text))
        return tuple(s for s in found if not stems(s.text) <= self.asked)

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


@lru_cache(maxsize=1024)
def small_words(text: str) -> frozenset[str]:
    """Return the words that `text` writes in small letters."""
    return frozenset(_SMALL.findall(text))


def read_units(evidence: Sequence[Passage]) -> list[Unit]:
    """Return the quotable pieces of the best passages."""
    return [u for i, p in enumerate(evidence[:MOST_PASSAGES]) for u in units(p, i)]


def sheet(part: Part, evidence: Sequence[Passage], found: Sequence[Unit]) -> Sheet:
    """Compare every unit with the part, by words alone."""
    terms = part.terms
    wanted = frozenset(stem for term in terms for stem in (term.stem, *term.also))

    def meets(present: frozenset[str]) -> list[float]:
        if wanted.isdisjoint(present):  # most pieces speak of something else
            return [0.0] * len(terms)
        return [met(term, present) for term in terms]

    def grid(rows: list[list[float]]) -> Grid:
        return np.array(rows, dtype=np.float64).reshape(len(found), len(terms))

    own = grid([meets(unit.stems | _implied(unit.text)) for unit in found])
    context = grid([meets(unit.context_stems) for unit in found])
    before = grid([meets(unit.before_stems) for unit in found])
    cover = np.maximum(own, np.maximum(CONTEXT * context, BEFORE * before))
    _tie_numbers(part, own, cover)
    weights = np.array([t.weight for t in terms]) / part.weight if terms else np.zeros(0)
    named = _whole_names(part, found, own, cover)
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
        nothing.astype(np.bool_),
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


def _whole_names(part: Part, units: Sequence[Unit], own: Grid, cover: Grid) -> NDArray[np.bool_]:
    """Find which units speak of which name; elsewhere its words count for little."""
    named = np.zeros((len(cover), len(part.names)), dtype=np.bool_)
    for i in range(len(part.names)):
        columns = [c for c, t in enumerate(part.terms) if t.name == i]
        if not columns:
            named[:, i] = True
            continue
        near = np.where(cover[:, columns] > 2 * BEFORE, 1.0, cover[:, columns])
        named[:, i] = near.mean(axis=1) >= WHOLE
        numbered = _numbered(part.names[i])
        for row, unit in enumerate(units):
            if numbered and named[row, i]:
                named[row, i] = bool(numbered.search(f"{unit.text}\n{unit.context}"))
            if unit.kind == "row" and named[row, i]:
                named[row, i] = _in_one_cell(unit, [part.terms[c] for c in columns])
        for grid in (own, cover):
            grid[:, columns] *= np.where(named[:, i], 1.0, PARTIAL)[:, None]
    return named


@lru_cache(maxsize=1024)
def _numbered(name: str) -> re.Pattern[str] | None:
    """Return what finds "STS 4" as it stands, as "STS No. 4", or in a list ("STS 3 and 4"); None
    for a name without a number, whose words may stand apart."""
    *_, head, number = ("", *name.split())
    if not head or not number[0].isdigit():
        return None
    head, number = re.escape(head), re.escape(number)
    between = r"\W{1,3}(?:(?:and|or|to) )?"
    return re.compile(
        rf"(?<!\w){head}\W{{0,3}}(?:(?:no|nr|number)\b\W{{0,2}})?{number}(?!\w)"
        rf"|(?<!\w){head}s?(?:{between}[a-z]?\d+[a-z]?){{1,12}}?{between}{number}(?!\w)",
        re.IGNORECASE,
    )


def _in_one_cell(unit: Unit, name: Sequence[Term]) -> bool:
    """Say whether a row has a whole name in one cell, or under its title, and not in pieces."""
    places = [unit.context_stems, *(stems(cell) for cell in cells(unit.text))]
    found = ([met(term, place) for term in name] for place in places)
    return any(sum(each) >= WHOLE * len(name) for each in found)


def met(term: Term, present: frozenset[str]) -> float:
    """Say how well a text with these stems meets a term."""
    if term.stem in present:
        return 1.0
    return SYNONYM if term.also and not term.also.isdisjoint(present) else 0.0


def is_life(text: str) -> bool:
    """Say whether a text gives the dates of a life in brackets."""
    return bool(_LIFE.search(text))


@lru_cache(maxsize=8192)
def _implied(text: str) -> frozenset[str]:
    """What a text says without the words: the dates of a life, and the country of a person."""
    found: tuple[str, ...] = ()
    if is_life(text):
        found = ("birth", "die")
    elif _BORN.search(text):
        found = ("birth",)
    return frozenset(found + (_ORIGIN if countries(text) else ()))


_ORIGIN = tuple(stem(word) for word in ("nationality", "country", "nation", "from"))
