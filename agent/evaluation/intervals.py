"""How sure a figure is: bootstrap intervals, paired differences, McNemar's exact test.

Questions are drawn again with replacement, as often as there are, a thousand times; the
interval holds the middle 95 % of the figures that come of it (Efron and Tibshirani, 1993).
Two settings are compared on the same draws, so that what a question is like falls out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...tools.types import Noun
from .measures import Measure
from .table import NAN, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

DRAWS = 1000
LEVEL = 0.95
SEED = 20_250_513
"""Fixed, so that the same outcomes give the same interval."""


class Estimate(Noun):
    """A figure with its 95 % interval, over `questions` that count; None where none does."""

    value: float | None
    low: float | None = None
    high: float | None = None
    questions: int


class Difference(Noun):
    """How much more the second setting has of a figure than the first, and how surely.

    `p` is the two-sided bootstrap probability of so large a difference by chance alone.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out no difference at all."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class Flips(Noun):
    """Questions of which one setting is right and the other is not; McNemar's exact p."""

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    p: float = 1.0


@dataclass(frozen=True)
class Draws:
    """Questions drawn again: `rows[b]` are the rows of draw b, `counts[b]` how often each came."""

    rows: Array
    counts: Array


def draw(questions: int, draws: int = DRAWS) -> Draws:
    """Draw `questions` out of as many, with replacement, `draws` times."""
    import numpy as np

    rows = np.random.default_rng(SEED).integers(0, questions, (draws, questions))
    counts = np.stack([np.bincount(row, minlength=questions) for row in rows]).astype(float)
    return Draws(rows, counts)


def estimate(measure: Measure, table: Table, drawn: Draws) -> Estimate:
    """Return a figure with its interval."""
    value = measure.value(table)
    low, high = _middle(_figures(measure, table, drawn))
    return Estimate(
        value=_known(value), low=_known(low), high=_known(high), questions=_counted(measure, table)
    )


def difference(measure: Measure, first: Table, second: Table, drawn: Draws) -> Difference:
    """Return how a figure differs between two tables of the same questions."""
    import numpy as np

    value = measure.value(second) - measure.value(first)
    if math.isnan(value):
        return Difference(value=None)
    figures = _figures(measure, second, drawn) - _figures(measure, first, drawn)
    low, high = _middle(figures)
    figures = figures[~np.isnan(figures)]
    tail = min((figures <= 0).mean(), (figures >= 0).mean()) if len(figures) else 0.5
    p = min(1.0, 2 * (float(tail) * len(figures) + 1) / (len(figures) + 1))
    return Difference(value=value, low=_known(low), high=_known(high), p=p)


def flips(ids: Sequence[str], first: Table, second: Table) -> Flips:
    """Return the questions that changed between right and wrong, and the chance of it.

    Right is a right answer or a right refusal. McNemar's test, exact: of the questions that
    changed, as many should have gained as lost.
    """
    before, after = first["correct"], second["correct"]
    gained = tuple(i for i, b, a in zip(ids, before, after, strict=True) if (b, a) == (0, 1))
    lost = tuple(i for i, b, a in zip(ids, before, after, strict=True) if (b, a) == (1, 0))
    return Flips(gained=gained, lost=lost, p=mcnemar(len(gained), len(lost)))


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided exact probability of a split so uneven, were both as likely."""
    changed, few = gained + lost, min(gained, lost)
    tail = sum(math.comb(changed, i) for i in range(few + 1))
    return float(min(1.0, 2 * tail / 2**changed))


def _figures(measure: Measure, table: Table, drawn: Draws) -> Array:
    """Return the figure of each draw."""
    import numpy as np

    if measure.mean_of is None:
        return np.array([measure.of(table.take(rows)) for rows in drawn.rows])
    column = measure.mean_of(table)
    counts = ~np.isnan(column)
    totals = drawn.counts @ np.where(counts, column, 0.0)
    with np.errstate(invalid="ignore"):
        figures: Array = totals / (drawn.counts @ counts.astype(float))
    return figures


def _middle(figures: Array) -> tuple[float, float]:
    import numpy as np

    known = figures[~np.isnan(figures)]
    if not len(known):
        return NAN, NAN
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _counted(measure: Measure, table: Table) -> int:
    import numpy as np

    if measure.mean_of is None:
        return len(table)
    return int((~np.isnan(measure.mean_of(table))).sum())


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
