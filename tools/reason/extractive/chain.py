"""Chains of evidence: one piece, or several that hand on a name from one to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .bridge import Bridge, bridges, mentions
from .support import Grid, Sheet

STARTS = 12
"""Pieces from which a chain may start."""

BEAM = 6
"""Chains that are lengthened further."""

LONGEST = 3
HOP_COST = 0.15

SCALE = 10.0
"""Brings the scores of pieces to about one."""

GAIN = 0.05
"""Share of the question that a further piece must add by its own words."""

COMMON = 0.4
"""A name in more than this share of the passages links anything with anything."""


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
    """Return the chains worth considering, best first; empty where nothing bears at all.

    A part that names something starts where that is named.
    """
    if not sheet.units or not len(sheet.weights):
        return []
    ranked = sheet.scores / SCALE
    order = [int(row) for row in np.argsort(-ranked, kind="stable") if sheet.cover[row].any()]
    if sheet.part.names:
        order = [row for row in order if sheet.named[row].any()]
    single = [Chain((row,), (), sheet.cover[row], float(ranked[row])) for row in order[:STARTS]]
    index = _index(sheet)
    found, beam = list(single), single
    for _ in range(LONGEST - 1):
        longer = [c for chain in beam for c in _lengthened(sheet, chain, index)]
        beam = _best(longer)[:BEAM]
        found += beam
    return _best(found)


def _best(found: Sequence[Chain]) -> list[Chain]:
    return sorted(found, key=lambda c: (-c.score, c.units))


def _index(sheet: Sheet) -> dict[str, set[int]]:
    """Which units mention a stem, in their words or in their title."""
    index: dict[str, set[int]] = defaultdict(set)
    for row, unit in enumerate(sheet.units):
        for key in unit.stems | unit.context_stems:
            index[key].add(row)
    return index


def _lengthened(sheet: Sheet, chain: Chain, index: dict[str, set[int]]) -> Iterator[Chain]:
    """Add one more piece: one that a name leads to, or a neighbour in the same passage."""
    last = chain.answer
    passed = {b.stems for b in chain.bridges}
    for bridge in bridges(sheet.part, sheet.units[last], sheet.small):
        if bridge.stems not in passed:
            for row in _linked(sheet, bridge, index):
                yield from _joined(sheet, chain, row, bridge)
    if len(chain.units) - 1 > len(chain.bridges):
        return  # one neighbour gives a sentence its subject; more are only company
    for row in _neighbours(sheet, last):
        yield from _joined(sheet, chain, row, None)


def _linked(sheet: Sheet, bridge: Bridge, index: dict[str, set[int]]) -> list[int]:
    """Units that name the bridge; none where it is so common that it links nothing."""
    rows = set.intersection(*(index.get(key, set()) for key in bridge.stems))
    passages = {sheet.units[row].passage for row in rows}
    if len(passages) > max(4, COMMON * len(sheet.passages)):
        return []
    return [row for row in sorted(rows) if mentions(sheet.units[row], bridge)]


def _neighbours(sheet: Sheet, row: int) -> list[int]:
    here = sheet.units[row]
    near = range(max(0, row - 3), min(len(sheet.units), row + 5))
    return [n for n in near if n != row and sheet.units[n].passage == here.passage]


def _joined(sheet: Sheet, chain: Chain, row: int, bridge: Bridge | None) -> Iterator[Chain]:
    """Yield the longer chain, unless the piece adds nothing of what was asked."""
    if row in chain.units:
        return
    gain = np.maximum(sheet.own[row] - chain.cover, 0) @ sheet.weights
    answers = bridge and sheet.typed[row] and not sheet.typed[chain.answer]
    if gain < (GAIN if bridge else 2 * GAIN) and not answers:
        return
    if bridge is None and np.all(sheet.cover[row] >= sheet.cover[chain.answer] - 0.05):
        return  # the neighbour says all that the piece before it says
    cover = np.maximum(chain.cover, sheet.cover[row])
    gained = float(gain) + 0.5 * float(cover @ sheet.weights - chain.cover @ sheet.weights)
    link = 0.1 * bridge.nearness if bridge else 0.02
    score = chain.score + gained + link + (0.1 if answers else 0.0) - HOP_COST
    score += 0.2 * float(sheet.scores[row]) / SCALE
    steps = (*chain.bridges, bridge) if bridge else chain.bridges
    yield Chain((*chain.units, row), steps, cover, float(score))
