"""Pieces of text compared with a question as wholes, for an embedder that shows vectors alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...arrays import product
from ...embed.protocol import Embedder
from ...store.protocol import Vector
from .bridge import Step
from .question import relation_of
from .sentences import Unit
from .support import Grid, Sheet
from .tables import spoken

MOST_COMPARED = 32
"""Pieces compared by embedding for one part, the best by words."""

READ_WHOLE = 5
"""Top passages of which every piece is compared, up to `MOST_WHOLE` in all."""

MOST_WHOLE = 40

MOST_REACHED = 16
"""Further pieces compared because a name leads to them."""

REMEMBERED = 8_000
"""Texts whose vectors are kept, some 2 kB each."""


class PlainReader:
    """Compares a question with sentences, list items and rows, each embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def compared(self, made: Sheet) -> Sheet:
        """Return the sheet with the meanings of its most promising units compared."""
        rows = _worth_comparing(made)
        asked = [made.part.text, relation_of(made.part)]
        cosines = await self._among(asked, [in_context(made.units[row]) for row in rows])
        grids = np.zeros((2, len(made.units)))
        grids[:, rows] = cosines
        near = np.zeros(len(made.units), dtype=np.bool_)
        near[rows] = True
        return replace(made, similarity=grids[0], relation=grids[1], near=near)

    async def along(self, made: Sheet, followed: Sequence[Step]) -> Grid | None:
        """Return the cosine of each step's query to the units, not a number where not compared."""
        if not followed:
            return None
        reached = sorted({u for s in followed for u in s.units if not made.near[u]})
        rare = made.own @ made.rare
        more = sorted(reached, key=lambda u: (-rare[u], u))[:MOST_REACHED]
        rows = [*np.flatnonzero(made.near), *more]
        texts = [in_context(made.units[row]) for row in rows]
        cosines = np.full((len(followed), len(made.units)), np.nan)
        cosines[:, rows] = await self._among([s.query for s in followed], texts)
        return cosines

    async def _among(self, asked: Sequence[str], texts: Sequence[str]) -> Grid:
        """The cosines of `asked` to `texts`, one row for each of `asked`."""
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
