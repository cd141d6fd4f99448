"""The measures: each a figure over a table of outcomes.

Retrieval, answers, citations, refusal and cost. Every measure says over which questions it
is taken, so that no figure hides what it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .table import KS, NAN, Table

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


def _column(name: str) -> Callable[[Table], Column]:
    return lambda table: table[name]


def _answerable_right(table: Table) -> Column:
    able = (table["answerable"] == 1) & (table["known"] == 1)
    return where(able, table["correct"])


def _right_of_given(table: Table) -> Column:
    return where((table["given"] == 1) & (table["known"] == 1), 1.0 - table["correct"])


def _sum(name: str) -> Callable[[Table], float]:
    return lambda table: float(table[name].sum())


def _ranking() -> list[Measure]:
    found = [
        Measure(
            f"recall@{k}",
            "retrieval",
            f"share of the gold that is among the first {k} passages",
            mean_of=_column(f"recall@{k}"),
        )
        for k in KS
    ]
    found += [
        Measure(
            f"all_gold@{k}",
            "retrieval",
            f"share of questions with all their gold among the first {k} passages",
            mean_of=_column(f"all_gold@{k}"),
        )
        for k in KS
    ]
    return found


MEASURES: tuple[Measure, ...] = (
    *_ranking(),
    Measure("ndcg@10", "retrieval", "how high the gold stands", "score", mean_of=_column("ndcg@10")),
    Measure("mrr", "retrieval", "mean of 1 / rank of the first gold", "score", mean_of=_column("mrr")),
    Measure(
        "correct",
        "answers",
        "share of all questions answered right, or rightly refused",
        mean_of=_column("correct"),
    ),
    Measure(
        "right",
        "answers",
        "share of answerable questions answered right; a refusal is not",
        mean_of=_answerable_right,
    ),
    Measure(
        "exact_match",
        "answers",
        "share of answerable questions whose short answer is a gold answer (SQuAD)",
        mean_of=_column("exact_match"),
    ),
    Measure("f1", "answers", "shared words of answer and gold answer (SQuAD)", mean_of=_column("f1")),
    Measure(
        "gold_in_quote",
        "answers",
        "share of answerable questions with a gold answer in what is quoted",
        mean_of=_column("gold_in_quote"),
    ),
    Measure(
        "citation_precision",
        "citations",
        "share of an answer's citations that are gold",
        mean_of=_column("citation_precision"),
    ),
    Measure(
        "citation_recall",
        "citations",
        "share of the gold that an answer cites",
        mean_of=_column("citation_recall"),
    ),
    Measure(
        "citations_found",
        "citations",
        "share of quotes that stand, letter for letter, in the stored text",
        of=lambda t: float(t["resolved"].sum() / n) if (n := t["citations"].sum()) else NAN,
    ),
    Measure(
        "answered",
        "refusal",
        "share of all questions that got an answer",
        better=0,
        mean_of=_column("given"),
    ),
    Measure(
        "wrong",
        "refusal",
        "share of the answers given that are wrong",
        better=-1,
        mean_of=_right_of_given,
    ),
    Measure(
        "refusal_precision",
        "refusal",
        "share of refusals that are right to refuse",
        mean_of=lambda t: where(t["refused"], 1.0 - t["answerable"]),
    ),
    Measure(
        "refusal_recall",
        "refusal",
        "share of unanswerable questions that are refused",
        mean_of=lambda t: where(1.0 - t["answerable"], t["refused"]),
    ),
    Measure(
        "risk_coverage_area",
        "refusal",
        "mean share of wrong answers as ever less confident ones are let through",
        better=-1,
        unit="score",
        of=lambda t: risk_coverage(t).area,
    ),
    Measure(
        "selective_accuracy@80",
        "refusal",
        "share right of the most confident answers, to 80 % of the questions or all it answers",
        of=lambda t: risk_coverage(t).accuracy_at(0.80),
    ),
    Measure(
        "selective_accuracy@95",
        "refusal",
        "share right of the most confident answers, to 95 % of the questions or all it answers",
        of=lambda t: risk_coverage(t).accuracy_at(0.95),
    ),
    Measure(
        "calibration_error",
        "refusal",
        "mean gap between the confidence of answers and the share of them that are right",
        better=-1,
        unit="score",
        of=calibration_error,
    ),
    Measure(
        "crag_score",
        "refusal",
        "right answers less wrong ones, by question; a refusal counts nothing",
        unit="score",
        mean_of=_column("score"),
    ),
    Measure("seconds_p50", "cost", "time of a question, median", "seconds", -1, of=quantile("seconds", 0.5)),
    Measure("seconds_p95", "cost", "time of a question, 95th percentile", "seconds", -1, of=quantile("seconds", 0.95)),
    Measure("rounds", "cost", "rounds of search a question", "number", 0, _column("rounds")),
    Measure("searches", "cost", "searches a question", "number", 0, _column("searches")),
    Measure("llm_calls", "cost", "model calls a question", "number", -1, _column("llm_calls")),
    Measure("input_tokens", "cost", "tokens sent to models a question", "number", -1, _column("input_tokens")),
    Measure("output_tokens", "cost", "tokens written by models a question", "number", -1, _column("output_tokens")),
    Measure("usd", "cost", "money a question, where prices are known", "usd", -1, _column("usd")),
    Measure("usd_total", "cost", "money in all; not known if one price is not", "usd", -1, of=_sum("usd")),
    Measure("failed", "cost", "share of questions that something broke", "share", -1, _column("failed")),
)  # fmt: skip
"""All measures, in the order they are shown."""

BY_NAME = {measure.name: measure for measure in MEASURES}


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
