"""Chains of evidence: one piece, or several that hand on a name from one to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bridge import Bridge, bridges
from .support import Grid, Sheet

STARTS = 12
"""Pieces from which a chain may start."""

BEAM = 6
"""Chains that are lengthened further."""

LONGEST = 3
HOP_COST = 0.04
GAIN = 0.05
"""Share of the question that a further piece must add."""


@dataclass(frozen=True)
class Chain:
    """Pieces that together bear on a part, in the order in which they were reached.

    `cover` is how well each term is met by any of them. The last piece holds the answer.
    """

    units: tuple[int, ...]
    bridges: tuple[Bridge, ...]
    cover: Grid
    score: float

    @property
    def answer(self) -> int:
        """The place of the unit that should hold the answer."""
        return self.units[-1]


def chains(sheet: Sheet) -> list[Chain]:
    """Return the chains worth considering, best first; empty where nothing bears at all."""
    if not sheet.units or not len(sheet.weights):
        return []
    ranked = sheet.score()
    single = [_single(sheet, row, ranked) for row in np.argsort(-ranked, kind="stable")[:STARTS]]
    index = _index(sheet)
    found, beam = list(single), single
    for _ in range(LONGEST - 1):
        longer = [c for chain in beam for c in _lengthened(sheet, chain, ranked, index)]
        beam = _best(longer)[:BEAM]
        found += beam
    return _best([c for c in found if c.cover.any()])


def _best(found: Sequence[Chain]) -> list[Chain]:
    return sorted(found, key=lambda c: (-c.score, c.units))


def _single(sheet: Sheet, row: int, ranked: Grid) -> Chain:
    return Chain((int(row),), (), sheet.cover[row], float(ranked[row]))


def _index(sheet: Sheet) -> dict[str, set[int]]:
    """Which units mention a stem, in their words or in their title."""
    index: dict[str, set[int]] = defaultdict(set)
    for row, unit in enumerate(sheet.units):
        for key in unit.stems | unit.context_stems:
            index[key].add(row)
    return index


def _lengthened(
    sheet: Sheet, chain: Chain, ranked: Grid, index: dict[str, set[int]]
) -> list[Chain]:
    """Add one more piece: one that a name leads to, or a neighbour in the same passage."""
    last = chain.answer
    passed = {b.stems for b in chain.bridges}
    found = []
    for bridge in bridges(sheet.part, sheet.units[last]):
        if bridge.stems in passed:
            continue
        rows = set.intersection(*(index.get(key, set()) for key in bridge.stems))
        found += [_joined(sheet, chain, row, ranked, bridge) for row in sorted(rows)]
    found += [_joined(sheet, chain, row, ranked, None) for row in _neighbours(sheet, last)]
    return [c for c in found if c is not None]


def _neighbours(sheet: Sheet, row: int) -> list[int]:
    here = sheet.units[row]
    near = range(max(0, row - 3), min(len(sheet.units), row + 5))
    return [n for n in near if n != row and sheet.units[n].passage == here.passage]


def _joined(
    sheet: Sheet, chain: Chain, row: int, ranked: Grid, bridge: Bridge | None
) -> Chain | None:
    """Return the longer chain, or None where the piece adds nothing of what was asked."""
    if row in chain.units:
        return None
    gain = np.maximum(sheet.own[row] - chain.cover, 0) @ sheet.weights
    if gain < GAIN:
        return None
    cover = np.maximum(chain.cover, sheet.cover[row])
    own = np.maximum.reduce([sheet.own[u] for u in (*chain.units, row)])
    wants = 0.0 if sheet.part.kind in ("text", "yesno", "name") else 0.15
    score = (
        cover @ sheet.weights
        + 0.5 * (own @ sheet.weights)
        + wants * bool(sheet.typed[row])
        + 0.25 * float(sheet.similarity[row])
        + 0.25 * max(float(sheet.similarity[u]) for u in chain.units)
        + (0.1 * bridge.nearness if bridge else 0.02)
        - HOP_COST * len(chain.units)
    )
    steps = (*chain.bridges, bridge) if bridge else chain.bridges
    return Chain((*chain.units, row), steps, cover, float(score))
