"""Gradient-boosted trees, evaluated without the library that grew them.

By the method of QuickScorer (Lucchese et al., SIGIR 2015): every test of every tree is made
at once, and each that fails strikes out the leaves on its left; of what is left in a tree,
the leftmost leaf is where the row ends. No walk from node to node, so all is vectorised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

MOST_LEAVES = 32


@dataclass(frozen=True, slots=True)
class Forest:
    """T trees of at most K tests each, test by test: arrays of (K, T).

    A row passes a test where `feature` is at most `threshold`, and where it is not a
    number if `blank_passes`. `struck` are the leaves, as bits, that are out when it fails.
    `values` (T, K + 1) is what each leaf adds, from left to right.
    """

    feature: NDArray[np.intp]
    threshold: Numbers
    blank_passes: NDArray[np.bool_]
    struck: NDArray[np.uint32]
    values: Numbers

    def score(self, features: NDArray[np.floating[Any]]) -> Numbers:
        """Return the sum over all trees for each row of `features` (N, F)."""
        columns = np.ascontiguousarray(features.T, np.float64)
        blank = np.isnan(columns)
        any_blank = blank.any()
        left = np.zeros((self.feature.shape[1], len(features)), np.uint32)
        for test in range(len(self.feature)):
            asked = self.feature[test]
            fails = ~(columns[asked] <= self.threshold[test][:, None])
            if any_blank:
                fails &= ~(blank[asked] & self.blank_passes[test][:, None])
            left |= fails * self.struck[test][:, None]
        # The lowest bit not struck: its number is the exponent of what adding one changes.
        lowest = (left + np.uint32(1)) & ~left
        leaf = np.frexp(lowest.astype(np.float64))[1] - 1
        return np.asarray(np.take_along_axis(self.values, leaf, axis=1).sum(axis=0))


def read_forest(stored: Mapping[str, Any]) -> Forest:
    """Return the forest that `benchmarks/train_evidence.py` stored as plain lists."""
    trees = [_tests(tree) for tree in stored["trees"]]
    most = max(max(len(values) for _, values in trees), 2)
    if most > MOST_LEAVES:
        raise ValueError(f"a tree has {most} leaves; at most {MOST_LEAVES} are read")
    shape = (most - 1, len(trees))
    forest = Forest(
        feature=np.zeros(shape, np.intp),
        threshold=np.zeros(shape, np.float64),
        blank_passes=np.ones(shape, np.bool_),
        struck=np.zeros(shape, np.uint32),
        values=np.zeros((len(trees), most), np.float64),
    )
    for place, (tests, values) in enumerate(trees):
        forest.values[place, : len(values)] = values
        for row, (feature, threshold, blank_passes, struck) in enumerate(tests):
            forest.feature[row, place] = feature
            forest.threshold[row, place] = threshold
            forest.blank_passes[row, place] = blank_passes
            forest.struck[row, place] = struck
    return forest


def _tests(
    tree: Mapping[str, Sequence[Any]],
) -> tuple[list[tuple[int, float, bool, int]], list[float]]:
    """Return a tree's tests, each with the leaves it strikes out, and its leaves in order."""
    tests: list[tuple[int, float, bool, int]] = []
    values: list[float] = []

    def visit(node: int) -> None:
        if tree["left"][node] == node:
            values.append(float(tree["value"][node]))
            return
        before = len(values)
        visit(tree["left"][node])
        struck = (1 << len(values)) - (1 << before)
        blank = bool(tree["blank_left"][node])
        tests.append((int(tree["feature"][node]), float(tree["threshold"][node]), blank, struck))
        visit(tree["right"][node])

    visit(0)
    return tests, values
