"""The second look: what a piece of the evidence names, and what is then still to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..extractive.bridge import Bridge, bridges
from ..extractive.question import Part
from ..extractive.sentences import Unit
from ..extractive.support import small_words

STARTS = 10
"""Pieces from which a name may lead on, the most promising."""

BRIDGES = 5
"""Names that are followed from one piece, the nearest to the question's words."""

MOST = 24
"""Names that are followed in all."""

MET = 0.5
"""How well a term must be met not to stay open."""


@dataclass(frozen=True)
class Step:
    """A name that piece `start` gives, and the pieces of other passages that speak of it.

    `open` are the terms that the start does not meet, and `query` asks them of the name.
    """

    start: int
    bridge: Bridge
    open: tuple[int, ...]
    query: str
    units: tuple[int, ...]


def steps(
    part: Part, found: Sequence[Unit], cover: NDArray[np.float64], worth: NDArray[np.float64]
) -> list[Step]:
    """Return the steps from the most promising pieces, at most `MOST`.

    They go both ways: that the second passage names the first is a sign as well.
    """
    small = small_letters(found)
    taken: list[Step] = []
    for start in np.argsort(-worth, kind="stable")[:STARTS]:
        row = int(start)
        left = _left_open(part, cover[row])
        asked = " ".join(part.terms[c].text for c in left)
        for bridge in bridges(part, found[row], small)[:BRIDGES]:
            reached = tuple(u for u in range(len(found)) if _speaks(found, row, u, bridge))
            if reached and len(taken) < MOST:
                taken.append(Step(row, bridge, left, f"{bridge.name} {asked}".strip(), reached))
    return taken


def named_by(part: Part, found: Sequence[Unit]) -> frozenset[frozenset[str]]:
    """Return the stems of each name that pieces give and the part does not."""
    small = small_letters(found)
    return frozenset(bridge.stems for unit in found for bridge in bridges(part, unit, small))


def small_letters(found: Sequence[Unit]) -> frozenset[str]:
    """Return the words that pieces write in small letters: alone, they are no names."""
    return frozenset(w for unit in found for w in small_words(unit.text))


def _left_open(part: Part, cover: NDArray[np.float64]) -> tuple[int, ...]:
    """The terms that a piece leaves open; all but the names where it meets every one."""
    left = [c for c in range(len(part.terms)) if cover[c] < MET]
    if not any(part.terms[c].weight >= 1.0 for c in left):
        left = [c for c, term in enumerate(part.terms) if term.name < 0]
    return tuple(left)


def _speaks(found: Sequence[Unit], start: int, row: int, bridge: Bridge) -> bool:
    unit = found[row]
    elsewhere = unit.passage != found[start].passage
    return elsewhere and bridge.stems <= unit.stems | unit.context_stems
