"""Gradient-boosted trees, evaluated without the library that grew them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Forest:
    """T trees of at most M nodes each, side by side in arrays (T, M).

    An inner node sends a row left where `feature` is at most `threshold`, and where it
    is not a number if `blank_left`. A leaf leads to itself; `value` is what it adds.
    """

    feature: Places
    threshold: Numbers
    blank_left: NDArray[np.bool_]
    left: Places
    right: Places
    value: Numbers
    depth: int

    def score(self, features: NDArray[np.floating[Any]]) -> Numbers:
        """Return the sum over all trees for each row of `features` (N, F)."""
        rows = np.arange(len(features))[:, None]
        trees = np.arange(len(self.feature))[None, :]
        node = np.zeros((len(features), len(self.feature)), np.int32)
        columns = features.astype(np.float64)
        for _ in range(self.depth):
            value = columns[rows, self.feature[trees, node]]
            blank = np.isnan(value)
            goes_left = np.where(
                blank, self.blank_left[trees, node], value <= self.threshold[trees, node]
            )
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        return np.asarray(self.value[trees, node].sum(axis=1))


def read_forest(stored: Mapping[str, Any]) -> Forest:
    """Return the forest that `benchmarks/train_evidence.py` stored as plain lists."""
    trees = stored["trees"]
    width = max(len(tree["value"]) for tree in trees)

    def table(key: str, kind: Any) -> Any:
        filled = np.zeros((len(trees), width), kind)
        for row, tree in enumerate(trees):
            filled[row, : len(tree[key])] = tree[key]
        return filled

    return Forest(
        feature=table("feature", np.int32),
        threshold=table("threshold", np.float64),
        blank_left=table("blank_left", np.bool_),
        left=table("left", np.int32),
        right=table("right", np.int32),
        value=table("value", np.float64),
        depth=int(stored["depth"]),
    )
