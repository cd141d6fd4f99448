"""The measures: retrieval, answers, citations, refusal and cost.

Every measure says over which questions it is taken, so that no figure hides what it
leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .measures import Measure, calibration_error, quantile, risk_coverage, where
from .table import KS, NAN, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any]


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


def _costs() -> list[Measure]:
    column = {
        "rounds": "rounds of search a question",
        "searches": "searches a question",
        "llm_calls": "model calls a question",
        "input_tokens": "tokens sent to models a question",
        "output_tokens": "tokens written by models a question",
    }
    seconds, usd = (partial(Measure, group="cost", unit=u, better=-1) for u in ("seconds", "usd"))
    return [
        seconds("seconds_p50", says="time of a question, median", of=quantile("seconds", 0.5)),
        seconds("seconds_p95", says="time of a question, 95 in 100", of=quantile("seconds", 0.95)),
        *(
            Measure(name, "cost", says, "number", -1, _column(name))
            for name, says in column.items()
        ),
        usd("usd", says="money a question", mean_of=_column("usd")),
        usd("usd_total", says="money in all", of=_sum("usd")),
        Measure(
            "failed", "cost", "share of questions broken off", better=-1, mean_of=_column("failed")
        ),
    ]


MEASURES: tuple[Measure, ...] = (
    *_ranking(),
    Measure(
        "ndcg@10", "retrieval", "how high the gold stands", "score", mean_of=_column("ndcg@10")
    ),
    Measure(
        "mrr", "retrieval", "mean of 1 / rank of the first gold", "score", mean_of=_column("mrr")
    ),
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
    Measure(
        "f1", "answers", "shared words of answer and gold answer (SQuAD)", mean_of=_column("f1")
    ),
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
    *_costs(),
)
"""All measures, in the order they are shown."""

BY_NAME = {measure.name: measure for measure in MEASURES}
