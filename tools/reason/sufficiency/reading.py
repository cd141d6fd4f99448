"""What was read closely for a part: the ground on which its signs stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..extractive.bridge import Step
from ..extractive.close import rarer
from ..extractive.meaning import Array, Marks, Meaning
from ..extractive.question import Part
from ..extractive.support import Sheet


@dataclass(frozen=True)
class Reading:
    """The U pieces of the N passages that were read closely, and what they say.

    `at` (U,) is the place of each piece's passage among those, `trust` (N,) the reranker's
    scores of these within 0 and 1. `own` and `cover` (U, T) say how well each piece meets each
    term of the part, alone and with title and headings; `held` (N + B, T) how well each passage
    does, then each of the background. `typed` (U,) marks the pieces that hold a value of
    the kind asked for. `steps` lead from one passage to another, and `along` (S, U) is the
    cosine of each one's query to the pieces; `meaning` is None without an embedder that shows
    its word pieces, `along` without any.
    """

    part: Part
    trust: Array
    at: NDArray[np.intp]
    own: Array
    cover: Array
    held: Array
    typed: Marks
    steps: tuple[Step, ...]
    meaning: Meaning | None
    along: Array | None

    @property
    def count(self) -> int:
        """The number of passages read."""
        return len(self.trust)

    @cached_property
    def weights(self) -> Array:
        """The weights of the terms."""
        return np.array([t.weight for t in self.part.terms])

    @cached_property
    def rare(self) -> Array:
        """What each term counts for, more where few passages hold it. Sum 1."""
        return rarer(self.part, self.held)

    @cached_property
    def worth(self) -> Array:
        """How promising each piece is, by meaning or else by words, and by its passage."""
        if self.meaning is None:
            return np.asarray(self.cover @ self.rare + 0.5 * self.trust[self.at])
        return np.asarray(self.promise + 0.5 * self.trust[self.at])

    @cached_property
    def promise(self) -> Array:
        """How promising each piece is by meaning alone."""
        assert self.meaning is not None
        return np.asarray(self.meaning.words @ self.meaning.weights + self.meaning.pieces)

    def opened(self, step: Step, row: int) -> float:
        """The share of the terms that a step's start leaves open and a piece meets."""
        left = list(step.open)
        total = float(self.weights[left].sum()) or 1.0
        return float(self.own[row, left] @ self.weights[left]) / total


def reading_of(weighed: Sheet) -> Reading:
    """Return what was read closely of a part that was weighed."""
    close, rows = weighed.close, weighed.close.rows
    at = np.array([close.passages.index(weighed.units[r].passage) for r in rows], dtype=np.intp)
    scores = np.array([weighed.passages[p].score for p in close.passages], dtype=np.float64)
    steps, kept = _between_passages(weighed)
    return Reading(
        part=weighed.part,
        trust=np.clip(scores, 0.0, 1.0),
        at=at,
        own=weighed.own[rows],
        cover=weighed.cover[rows],
        held=close.held,
        typed=np.array([bool(weighed.typed[row]) for row in rows], dtype=np.bool_),
        steps=steps,
        meaning=close.meaning,
        along=weighed.along[kept][:, rows] if weighed.along is not None else None,
    )


def _between_passages(weighed: Sheet) -> tuple[tuple[Step, ...], list[int]]:
    """The steps from one passage that was read to another, by row of what was read; and which."""
    mine = {int(row): n for n, row in enumerate(weighed.close.rows)}
    steps, kept = [], []
    for number, step in enumerate(weighed.steps):
        here = weighed.units[step.start].passage
        reached = [u for u in step.units if u in mine and weighed.units[u].passage != here]
        if step.start in mine and reached:
            units = tuple(mine[u] for u in reached)
            steps.append(replace(step, start=mine[step.start], units=units))
            kept.append(number)
    return tuple(steps), kept
