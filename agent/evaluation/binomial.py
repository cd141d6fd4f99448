"""Exact binomial bounds: how often something may really happen that was seen so often."""

from __future__ import annotations

import math
from functools import lru_cache

_STEPS = 60
"""Halvings of an interval from 0 to 1: finer than a float can tell."""


def at_most(seen: int, of: int, rate: float) -> float:
    """Return the probability of at most `seen` events in `of` trials of a given rate."""
    if seen >= of or rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return 0.0
    hit, miss = math.log(rate), math.log1p(-rate)
    logs = [_choose(of, k) + k * hit + (of - k) * miss for k in range(seen + 1)]
    return min(1.0, math.fsum(map(math.exp, logs)))


@lru_cache(maxsize=4096)
def upper_bound(seen: int, of: int, level: float) -> float:
    """Return the rate that the true one does not exceed, with a probability of `level`.

    Clopper and Pearson (1934), one-sided: the greatest rate under which so few events would
    still be seen with a probability of 1 - `level`. 1.0 of no trials.
    """
    if seen >= of:
        return 1.0
    low, high = seen / of, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if at_most(seen, of, middle) < 1 - level else (middle, high)
    return high


def _choose(of: int, among: int) -> float:
    """Return the logarithm of the number of ways to choose."""
    return math.lgamma(of + 1) - math.lgamma(among + 1) - math.lgamma(of - among + 1)
