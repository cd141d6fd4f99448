"""Products of arrays as small as those of one question."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONE_THREAD = 2**18
"""Multiplications of one product that OpenBLAS does without threads."""


def product(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return `left @ right.T` (N, M) of rows (N, D) and rows (M, D), a few rows at a time.

    Each piece is too small for the linear algebra to start threads: waking them takes longer
    than these products do, and they go on burning a core for a while after each.
    """
    size = max(_ONE_THREAD // max(right.size, 1), 1)
    columns = right.T
    pieces = [left[start : start + size] @ columns for start in range(0, max(len(left), 1), size)]
    return np.concatenate(pieces) if len(pieces) != 1 else pieces[0]
