"""Chains of evidence: one piece, or several that hand on a name from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .bridge import Bridge, Link
from .support import Grid, Sheet

ENDS = 12
"""Pieces at which a chain may end, the best by score."""

LONGEST = 3

GAIN = 0.08
"""Share of the part that a piece must add to what leads on from it, to be part of a chain."""


@dataclass(frozen=True)
class Chain:
    """Pieces that together bear on a part, in the order in which they lead on.

    `cover` is how well each term is met by any of them. The last piece holds the answer.
    """

    units: tuple[int, ...]
    bridges: tuple[Bridge, ...]
    cover: Grid

    @property
    def answer(self) -> int:
        """The place of the unit that should hold the answer."""
        return self.units[-1]


def chains(sheet: Sheet) -> list[Chain]:
    """Return the best pieces, each behind what leads to it, best first."""
    order = np.argsort(-sheet.scores, kind="stable")[:ENDS]
    best = _best_links(sheet)
    return [_led(sheet, int(row), best) for row in order]


def _best_links(sheet: Sheet) -> dict[int, list[Link]]:
    found: dict[int, list[Link]] = {}
    for link in sorted(sheet.links, key=lambda one: -one.strength):
        found.setdefault(link.unit, []).append(link)
    return found


def _led(sheet: Sheet, row: int, links: dict[int, list[Link]]) -> Chain:
    """Put before a piece what leads to it, as long as that adds to what was asked."""
    chain = Chain((row,), (), sheet.cover[row])
    while len(chain.units) < LONGEST:
        longer = next(_longer(sheet, chain, links.get(chain.units[0], [])), None)
        if longer is None:
            break
        chain = longer
    return chain


def _longer(sheet: Sheet, chain: Chain, links: list[Link]) -> Iterator[Chain]:
    for link in links[:3]:
        cover = np.maximum(chain.cover, sheet.cover[link.start])
        gain = float((cover - chain.cover) @ sheet.weights)
        if link.start not in chain.units and gain >= GAIN:
            yield Chain((link.start, *chain.units), (link.bridge, *chain.bridges), cover)
