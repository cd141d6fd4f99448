"""The evidence of a moment weighed against every part of the question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...arrays import product
from ...embed.protocol import Embedder
from ...store.protocol import Vector
from ...types import Passage
from .bridge import Link
from .decide import Judged, judged
from .head import head
from .leads import defines
from .links import Step, linked, steps
from .question import relation_of
from .sentences import Unit
from .signals import linked_signals, own_signals
from .split import Question, read
from .support import Grid, Sheet, read_units, sheet
from .tables import spoken, subject
from .words import stems

MOST_COMPARED = 32
"""Pieces compared by embedding for one part, the best by words."""

READ_WHOLE = 5
"""Top passages of which every piece is compared, up to `MOST_WHOLE` in all."""

MOST_WHOLE = 40

MOST_REACHED = 16
"""Further pieces compared because a name leads to them."""

LED = 2.0
"""Log-odds for a post that leads to the name asked for: a surer step than most mentions."""

MORE = 3.0
"""Log-odds against a row of something else: the deputy, where the harbour master is asked for."""

DEFINED = 3.0
"""Log-odds for a piece that begins with the word whose meaning is asked for."""

REMEMBERED = 8_000
"""Texts whose vectors are kept, some 2 kB each."""


@dataclass(frozen=True)
class Assessment:
    """A question and, for each of its parts, the chains that bear on it, best first."""

    question: Question
    tried: tuple[tuple[Judged, ...], ...]


class Similarity:
    """Cosines between what is asked and pieces of text, each text embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def among(self, asked: Sequence[str], texts: Sequence[str]) -> Grid:
        """Return the cosines of `asked` to `texts`, one row for each of `asked`."""
        known = await self._vectors(texts)
        queries = np.array(await self._embedder.embed_queries(list(asked)))
        return np.asarray(product(np.array([known[t] for t in texts]), queries).T, dtype=np.float64)

    async def _vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        # Taken before waiting: meanwhile other questions may push out what is known.
        found = {t: self._known[t] for t in texts if t in self._known}
        new = [t for t in dict.fromkeys(texts) if t not in found]
        fresh = dict(zip(new, await self._embedder.embed_documents(new), strict=True))
        found.update(fresh)
        self._known.update(fresh)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


async def assess(
    question: str, evidence: Sequence[Passage], similarity: Similarity | None
) -> Assessment:
    """Read the question and weigh the evidence for each part. Deterministic."""
    asked = read(question)
    found = read_units(evidence)
    tried = []
    for part in asked.parts:
        made = sheet(part, evidence, found)
        if found and part.terms:
            tried.append(judged(await _weighed(made, similarity)))
        else:
            tried.append(())
    return Assessment(asked, tuple(tried))


async def _weighed(made: Sheet, similarity: Similarity | None) -> Sheet:
    """Score every unit by itself, then with what leads to it."""
    if similarity is not None:
        made = await compared(made, similarity)
    own = own_signals(made)
    first = head().first.score(own)
    followed = steps(made, first)
    cosines = await along(made, followed, similarity) if similarity is not None else None
    links = linked(made, first, followed, cosines)
    table = np.hstack([own, linked_signals(made, first, links)])
    scores = head().second.score(table) + LED * _led(made, links)
    scores = scores - MORE * _says_more(made) + DEFINED * _defined(made)
    return replace(made, first=first, links=links, scores=scores)


def _led(made: Sheet, links: Sequence[Link]) -> Grid:
    """Where a person's name is asked for: the units that give one, and that a post leads to."""
    found = np.zeros(len(made.units))
    if made.part.by_name:
        for link in links:
            if link.typed:
                found[link.unit] = max(found[link.unit], link.bridge.nearness)
    return found


def _says_more(made: Sheet) -> Grid:
    """Tell the rows whose first cell adds to that of another row words that nobody asked for."""
    firsts = [stems(subject(u)) if u.kind == "row" else frozenset() for u in made.units]
    asked = {first for first in firsts if first and first <= made.asked}
    more = [
        any(one < first and (first - one).isdisjoint(made.asked) for one in asked)
        for first in firsts
    ]
    return np.array(more, dtype=np.float64)


def _defined(made: Sheet) -> Grid:
    """Tell the pieces that say what the word means whose meaning is asked for."""
    return np.array([float(defines(made.part, unit)) for unit in made.units])


async def compared(made: Sheet, similarity: Similarity) -> Sheet:
    """Return the sheet with the meanings of its most promising units compared."""
    rows = _worth_comparing(made)
    asked = [made.part.text, relation_of(made.part)]
    cosines = await similarity.among(asked, [in_context(made.units[row]) for row in rows])
    grids = np.zeros((2, len(made.units)))
    grids[:, rows] = cosines
    near = np.zeros(len(made.units), dtype=np.bool_)
    near[rows] = True
    return replace(made, similarity=grids[0], relation=grids[1], near=near)


async def along(made: Sheet, followed: Sequence[Step], similarity: Similarity) -> Grid | None:
    """Return the cosine of each step's query to the units, not a number where not compared."""
    if not followed:
        return None
    reached = sorted({u for s in followed for u in s.units if not made.near[u]})
    rare = made.own @ made.rare
    more = sorted(reached, key=lambda u: (-rare[u], u))[:MOST_REACHED]
    rows = [*np.flatnonzero(made.near), *more]
    texts = [in_context(made.units[row]) for row in rows]
    cosines = np.full((len(followed), len(made.units)), np.nan)
    cosines[:, rows] = await similarity.among([s.query for s in followed], texts)
    return cosines


def in_context(unit: Unit) -> str:
    """Return a unit as it is compared: behind its title and headings, a row as a sentence."""
    text = spoken(unit) if unit.kind == "row" else unit.text
    above = unit.context.removesuffix(unit.header).strip() if unit.header else unit.context
    return f"{above[:120]}: {text}" if above else text


def _worth_comparing(made: Sheet) -> list[int]:
    """The best pieces by words and place, and all of the top passages."""
    worth = made.cover @ made.rare + 0.5 * made.place
    best = [int(row) for row in np.argsort(-worth, kind="stable")[:MOST_COMPARED]]
    whole = [row for row, u in enumerate(made.units) if u.passage < READ_WHOLE][:MOST_WHOLE]
    return sorted({*best, *whole})
