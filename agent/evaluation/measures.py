"""What a measure is, and the figures that are more than a mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .table import NAN, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any]

Group = Literal["retrieval", "answers", "citations", "refusal", "cost"]
Unit = Literal["share", "score", "number", "seconds", "usd"]

BINS = 10
"""Bins of equal width in which confidence is held against truth (Guo et al., 2017)."""


@dataclass(frozen=True)
class Measure:
    """One figure. `better` is 1 where more is better, -1 where less is, 0 where neither.

    `mean_of` is the column whose mean it is, with nan where a question does not count; else
    `of` works it out from a whole table.
    """

    name: str
    group: Group
    says: str
    unit: Unit = "share"
    better: Literal[-1, 0, 1] = 1
    mean_of: Callable[[Table], Column] | None = None
    of: Callable[[Table], float] = field(default=lambda table: NAN)

    def value(self, table: Table) -> float:
        """Return the figure; nan where no question counts."""
        if self.mean_of is None:
            return self.of(table) if len(table) else NAN
        return mean(self.mean_of(table))


def mean(column: Column) -> float:
    """Return the mean of what is not nan, or nan."""
    import numpy as np

    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else NAN


def where(mask: Column, column: Column) -> Column:
    """Return `column` where `mask` holds, nan elsewhere."""
    import numpy as np

    return np.where(mask.astype(bool), column, np.nan)


@dataclass(frozen=True)
class RiskCoverage:
    """Of the most confident answers, how many are wrong.

    `coverage[i]` is the share of all questions answered with the i + 1 most confident
    answers, `risk[i]` the share of these that are wrong. Equal confidences are taken in
    the mean over their orders.
    """

    coverage: Column
    risk: Column

    @property
    def area(self) -> float:
        """The mean risk over the coverages that are reached; nan without an answer."""
        return float(self.risk.mean()) if len(self.risk) else NAN

    def accuracy_at(self, coverage: float) -> float:
        """Return the share right at a coverage, or at the most that is reached if less."""
        import numpy as np

        if not len(self.risk):
            return NAN
        place = int(np.searchsorted(self.coverage, coverage - 1e-9))
        return 1.0 - float(self.risk[min(place, len(self.risk) - 1)])


def risk_coverage(table: Table) -> RiskCoverage:
    """Return the curve over the questions of which it is known whether the answer is right."""
    import numpy as np

    decided = table.take(table["known"] == 1)
    answers = decided.take(decided["given"] == 1)
    if not len(answers):
        return RiskCoverage(np.empty(0), np.empty(0))
    order = np.argsort(-answers["confidence"], kind="stable")
    confidence, wrong = answers["confidence"][order], 1.0 - answers["right"][order]
    _, tie = np.unique(-confidence, return_inverse=True)
    spread = (np.bincount(tie, wrong) / np.bincount(tie))[tie]
    count = np.arange(1, len(answers) + 1)
    return RiskCoverage(count / len(decided), np.cumsum(spread) / count)


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence: how many, what they promised and what they held."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


def reliability(table: Table, bins: int = BINS) -> list[Bin]:
    """Return the bins of confidence that hold an answer known to be right or wrong."""
    import numpy as np

    answers = table.take((table["given"] == 1) & (table["known"] == 1))
    place = np.minimum((answers["confidence"] * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(place):
        held = answers.take(place == number)
        promised, kept = float(held["confidence"].mean()), float(held["right"].mean())
        low = int(number) / bins
        found.append(Bin(low, low + 1 / bins, len(held), promised, kept))
    return found


def calibration_error(table: Table) -> float:
    """Return the expected calibration error: the mean gap between promise and truth."""
    found = reliability(table)
    total = sum(one.count for one in found)
    gap = sum(one.count * abs(one.right - one.confidence) for one in found)
    return gap / total if total else NAN


def quantile(name: str, share: float) -> Callable[[Table], float]:
    """Return the figure below which `share` of a column lies."""

    def of(table: Table) -> float:
        import numpy as np

        known = table[name][~np.isnan(table[name])]
        return float(np.quantile(known, share)) if len(known) else NAN

    return of


def times_by_part(seconds: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return p50, p95 and mean seconds of each part over the questions that reached it."""
    import numpy as np

    parts: dict[str, list[float]] = {}
    for one in seconds:
        for part, took in one.items():
            parts.setdefault(part, []).append(took)
    return {
        part: {
            "questions": len(took),
            "p50": float(np.quantile(took, 0.5)),
            "p95": float(np.quantile(took, 0.95)),
            "mean": float(np.mean(took)),
        }
        for part, took in parts.items()
    }
