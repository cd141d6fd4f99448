"""Measures that mean the same in any corpus: of each candidate, relative to the others."""

from __future__ import annotations

import numpy as np

from .evidence_pool import Array

Features = dict[str, Array]


def log_rank(values: Array) -> Array:
    """Return the binary logarithm of the rank from 1; equal values share the best."""
    ranks = np.searchsorted(np.sort(-values), -values, side="left")
    return np.asarray(np.log2(1 + ranks), np.float32)


def gap(values: Array) -> Array:
    """Return the distance to the best, in spreads of the candidates."""
    return np.asarray((values.max() - values) / (values.std() + 1e-6), np.float32)


def standard(values: Array) -> Array:
    """Return values from their mean, in spreads."""
    return np.asarray((values - values.mean()) / (values.std() + 1e-6), np.float32)


def everywhere(value: float, size: int) -> Array:
    """Return the same value for each candidate: what holds for the question as a whole."""
    return np.full(size, value, np.float32)
