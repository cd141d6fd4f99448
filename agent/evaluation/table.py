"""Outcomes as columns of numbers, one row a question; nan where a column does not apply."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...tools.types import Citation
from .marking import exact_match, f1, gold_in_quote, short_answer
from .outcome import Outcome, Place
from .questions import EvalQuestion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any]

KS = (1, 3, 5, 10, 20)
"""Depths at which a ranking is looked at, in passages."""

NAN = math.nan


@dataclass(frozen=True)
class Table:
    """Columns of equal length, by name. Rows are the questions, in their order."""

    columns: dict[str, Column]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Any) -> Table:
        """Return the table of these rows, by number or by mask; a row may come twice."""
        return Table({name: column[rows] for name, column in self.columns.items()})


def tabulate(questions: Sequence[EvalQuestion], outcomes: Sequence[Outcome]) -> Table:
    """Return the columns of outcomes, of which each belongs to the question at its place."""
    import numpy as np

    rows = [_row(q, o) for q, o in zip(questions, outcomes, strict=True)]
    return Table({name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]})


def _row(question: EvalQuestion, outcome: Outcome) -> dict[str, float]:
    row: dict[str, float] = {
        "given": outcome.given,
        "refused": outcome.refused,
        "failed": outcome.status == "failed",
        "answerable": question.answerable,
        "confidence": outcome.confidence,
        "right": NAN if outcome.right is None else outcome.right,
        **_cost(outcome),
    }
    known = not outcome.given or outcome.right is not None
    row["known"] = known
    row["correct"] = _correct(question, outcome)
    row["score"] = (0.0 if not outcome.given else 1.0 if outcome.right else -1.0) if known else NAN
    for part in (_answer(question, outcome), _citations(question, outcome)):
        row |= part
    return row | _ranking(question, outcome)


def _correct(question: EvalQuestion, outcome: Outcome) -> float:
    """Return 1 for a right answer and for a right refusal, 0 otherwise, nan where unknown."""
    if outcome.given:
        return NAN if outcome.right is None else float(outcome.right)
    return float(outcome.refused and not question.answerable)


def _cost(outcome: Outcome) -> dict[str, float]:
    usage = outcome.usage
    return {
        "seconds": usage.seconds,
        "rounds": usage.rounds,
        "searches": usage.searches,
        "llm_calls": usage.llm_calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "tokens": usage.input_tokens + usage.output_tokens,
        "usd": NAN if usage.cost_usd is None else usage.cost_usd,
    }


def _answer(question: EvalQuestion, outcome: Outcome) -> dict[str, float]:
    """Return the scores of an answer; one not given to a question with one scores 0."""
    scores: dict[str, Callable[[], float]] = {
        "exact_match": lambda: exact_match(short_answer(outcome.text), question.answers),
        "f1": lambda: f1(short_answer(outcome.text), question.answers),
        "gold_in_quote": lambda: float(gold_in_quote(question, outcome)),
    }
    if not question.answerable or not question.answers:
        return dict.fromkeys(scores, NAN)
    if not outcome.given:
        return dict.fromkeys(scores, 0.0)
    return {name: score() for name, score in scores.items()}


def _citations(question: EvalQuestion, outcome: Outcome) -> dict[str, float]:
    cited = outcome.citations if outcome.given else ()
    row = {"citations": float(len(cited)), "resolved": float(outcome.resolved if cited else 0)}
    row["citation_precision"] = row["citation_recall"] = NAN
    if outcome.given and question.answerable and question.gold:
        places = [_cited_place(c) for c in cited]
        hits = [any(place.named(name) for name in question.gold) for place in places]
        found = [any(place.named(name) for place in places) for name in question.gold]
        row["citation_precision"] = sum(hits) / len(hits) if hits else 0.0
        row["citation_recall"] = sum(found) / len(found)
    return row


def _cited_place(citation: Citation) -> Place:
    return Place(
        passage_id=citation.passage_id, document_id=citation.document_id, source=citation.source
    )


def _ranking(question: EvalQuestion, outcome: Outcome) -> dict[str, float]:
    """Return how well the gold passages were ranked; nan where nothing was ranked."""
    names = [*(f"recall@{k}" for k in KS), *(f"all_gold@{k}" for k in KS), "ndcg@10", "mrr"]
    ranked = outcome.status != "failed" and outcome.strategy != "long_context"
    if not (question.answerable and question.gold and ranked):
        return dict.fromkeys(names, NAN)
    ranks = outcome.gold_ranks
    row = {"ndcg@10": ndcg(ranks, 10), "mrr": reciprocal_rank(ranks)}
    for k in KS:
        found = sum(rank is not None and rank < k for rank in ranks)
        row |= {f"recall@{k}": found / len(ranks), f"all_gold@{k}": float(found == len(ranks))}
    return row


def ndcg(ranks: Sequence[int | None], k: int) -> float:
    """Return the normalised discounted cumulative gain at `k` of gold at these ranks (from 0).

    Gains are 0 or 1, discounted by log2(rank + 2) (Järvelin and Kekäläinen, 2002). Several
    golds in one passage share its rank; the gain never passes that of the best order.
    """
    gain = sum(1 / math.log2(rank + 2) for rank in ranks if rank is not None and rank < k)
    best = sum(1 / math.log2(rank + 2) for rank in range(min(len(ranks), k)))
    return min(gain / best, 1.0) if best else NAN


def reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Return 1 / (1 + the first rank of any gold), or 0 where none was ranked."""
    return max((1 / (rank + 1) for rank in ranks if rank is not None), default=0.0)
