"""Which pieces lead to which: a name that one gives, and what is then still to be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from .bridge import Bridge, Link, Step, bridges, mentions
from .support import Grid, Sheet
from .words import stems

STARTS = 8
"""Pieces from which a name may lead on."""

MOST_STEPS = 24
"""Names that are followed, the surest first."""

COMMON = 0.4
"""A name in more than this share of the passages links anything with anything."""

MET = 0.75
"""How well a term must be met to count as met."""


def steps(sheet: Sheet, first: Grid) -> list[Step]:
    """Return the names worth following, from the units that bear best on the part."""
    starts = [int(start) for start in np.argsort(-first, kind="stable")[:STARTS]]
    named = {row: bridges(sheet.part, sheet.units[row], sheet.small) for row in starts}
    index = _index(sheet, {s for each in named.values() for b in each for s in b.stems})
    found: list[tuple[float, Step]] = []
    for row in starts:
        left, query = left_open(sheet, row)
        for bridge in named[row]:
            reached = tuple(u for u in _reached(sheet, bridge, index) if u != row)
            if reached:
                step = Step(row, bridge, f"{bridge.name} {query}".strip(), left, reached)
                found.append((_odds(first[row]) * (0.3 + bridge.nearness), step))
    found.sort(key=lambda pair: -pair[0])
    return [step for _, step in found[:MOST_STEPS]]


def linked(
    sheet: Sheet, first: Grid, followed: Sequence[Step], cosines: Grid | None
) -> tuple[Link, ...]:
    """Return all links of the steps; `cosines` has one row a step and one column a unit."""
    found = []
    for i, step in enumerate(followed):
        weights = sheet.weights[list(step.open)]
        total = float(weights.sum()) or 1.0
        for row in step.units:
            met = float(sheet.own[row, list(step.open)] @ weights) / total
            cosine = float(cosines[i, row]) if cosines is not None else np.nan
            typed = any(not stems(s.text) <= step.bridge.stems for s in sheet.typed[row])
            near = 0.0 if np.isnan(cosine) else max(0.0, cosine)
            strength = _odds(first[step.start]) * (0.3 + step.bridge.nearness)
            strength *= 0.2 + met + near + 0.3 * typed
            found.append(Link(step.start, step.bridge, row, strength, cosine, met, float(typed)))
    return tuple(found)


def _odds(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


def left_open(sheet: Sheet, row: int) -> tuple[tuple[int, ...], str]:
    """Return the terms a unit leaves open, and their words; all but the names where none is."""
    terms = sheet.part.terms
    left = [c for c in range(len(terms)) if sheet.cover[row, c] < MET]
    if not any(terms[c].weight >= 1.0 for c in left):
        left = [c for c, t in enumerate(terms) if t.name < 0]
    return tuple(left), " ".join(terms[c].text for c in left)


def _index(sheet: Sheet, wanted: set[str]) -> dict[str, set[int]]:
    """Which units mention each of the stems that are wanted, in their words or in their title."""
    index: dict[str, set[int]] = defaultdict(set)
    for row, unit in enumerate(sheet.units):
        for key in (unit.stems & wanted) | (unit.context_stems & wanted):
            index[key].add(row)
    return index


def _reached(sheet: Sheet, bridge: Bridge, index: dict[str, set[int]]) -> list[int]:
    """Units that name the bridge; none where it is so common that it links nothing."""
    rows = set.intersection(*(index.get(key, set()) for key in bridge.stems))
    passages = {sheet.units[row].passage for row in rows}
    if len(passages) > max(4, COMMON * len(sheet.passages)):
        return []
    return [row for row in sorted(rows) if mentions(sheet.units[row], bridge)]
