"""All that is told of an evaluation, as one value: for the screen, the report and machines."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import Field

from ...tools.types import Noun
from .catalogue import BY_NAME, MEASURES
from .diagnosis import Diagnosis
from .intervals import Difference, Draws, Estimate, Flips, difference, draw, estimate, flips
from .measures import reliability, risk_coverage, times_by_part
from .outcome import Outcome
from .questions import EvalQuestion
from .runner import Evaluation
from .table import Table, tabulate

BY_TYPE = ("correct", "answered", "wrong", "refusal_recall", "recall@5", "seconds_p50")
"""What is told of each type of question."""

CURVE_POINTS = 200
"""Points of a curve that are kept: more cannot be seen."""


class CalibrationBin(Noun):
    """Answers of like confidence: how many, the mean promised and the share right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


class StrategySummary(Noun):
    """The figures of one strategy. A risk–coverage point is (coverage, risk)."""

    strategy: str
    measures: dict[str, Estimate]
    parts: dict[str, dict[str, float]]
    risk_coverage: tuple[tuple[float, float], ...] = ()
    reliability: tuple[CalibrationBin, ...] = ()
    types: dict[str, dict[str, float | None]] = Field(default_factory=dict)


class PairSummary(Noun):
    """How the second of two differs from the first, on the same questions."""

    first: str
    second: str
    measures: dict[str, Difference]
    flips: Flips


class QuestionSummary(Noun):
    """One question and what came of it under each strategy."""

    question: EvalQuestion
    outcomes: tuple[Outcome, ...]


class Summary(Noun):
    """An evaluation in figures. `questions` are those asked under every strategy.

    `why` tells which part lost those that failed, where that was asked for.
    """

    suffice: str
    corpus: str
    passages: int
    reasoner: str
    settings: dict[str, Any]
    at_once: int
    fresh: int
    unasked: int
    seconds: float
    folder: str
    notices: tuple[str, ...] = ()
    strategies: tuple[StrategySummary, ...]
    differences: tuple[PairSummary, ...] = ()
    questions: tuple[QuestionSummary, ...] = ()
    why: Diagnosis | None = None

    def value(self, name: str, strategy: str = "") -> float | None:
        """Return a measure of a strategy, by default of the first."""
        found = next(s for s in self.strategies if strategy in ("", s.strategy))
        return found.measures[name].value


def summarize(evaluation: Evaluation) -> Summary:
    """Work out all figures of an evaluation; the first strategy is what others are held to."""
    questions, outcomes = evaluation.asked()
    tables = {name: tabulate(questions, column) for name, column in outcomes.items() if column}
    drawn = draw(len(questions)) if questions else None
    settings = evaluation.settings
    return Summary(
        suffice=version("suffice"),
        corpus=evaluation.place,
        passages=evaluation.passages,
        reasoner=evaluation.reasoner,
        settings=settings.model_dump(mode="json", exclude={"prices", "server", "tokens"}),
        at_once=evaluation.at_once,
        fresh=evaluation.fresh,
        unasked=evaluation.unasked,
        seconds=evaluation.seconds,
        folder=evaluation.folder,
        notices=tuple(evaluation.notices),
        strategies=tuple(
            _strategy(name, questions, outcomes[name], table, drawn)
            for name, table in tables.items()
            if drawn
        ),
        differences=_differences(questions, tables, drawn) if drawn else (),
        questions=tuple(
            QuestionSummary(question=q, outcomes=tuple(column[i] for column in outcomes.values()))
            for i, q in enumerate(questions)
        ),
    )


def paired(
    questions: Sequence[EvalQuestion],
    first: tuple[str, Table],
    second: tuple[str, Table],
    drawn: Draws,
) -> PairSummary:
    """Hold one table of outcomes to another of the same questions."""
    return PairSummary(
        first=first[0],
        second=second[0],
        measures={m.name: difference(m, first[1], second[1], drawn) for m in MEASURES},
        flips=flips([q.id for q in questions], first[1], second[1]),
    )


def _differences(
    questions: Sequence[EvalQuestion], tables: dict[str, Table], drawn: Draws
) -> tuple[PairSummary, ...]:
    first, *others = tables.items()
    return tuple(paired(questions, first, other, drawn) for other in others)


def _strategy(
    name: str,
    questions: Sequence[EvalQuestion],
    outcomes: Sequence[Outcome],
    table: Table,
    drawn: Draws,
) -> StrategySummary:
    curve = risk_coverage(table)
    return StrategySummary(
        strategy=name,
        measures={measure.name: estimate(measure, table, drawn) for measure in MEASURES},
        parts=times_by_part([one.seconds for one in outcomes]),
        risk_coverage=_thinned(list(zip(curve.coverage, curve.risk, strict=True))),
        reliability=tuple(CalibrationBin(**vars(one)) for one in reliability(table)),
        types=_types(questions, table),
    )


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Keep a curve's ends and no more points than can be seen."""
    step = max(1, len(points) // CURVE_POINTS)
    kept = [*points[::step], *points[-1:]]
    return tuple((float(x), float(y)) for x, y in dict.fromkeys(kept))


def _types(questions: Sequence[EvalQuestion], table: Table) -> dict[str, dict[str, float | None]]:
    """Return some figures for each type of question, where there are several."""
    names = sorted({question.type for question in questions})
    if len(names) < 2:
        return {}
    found: dict[str, dict[str, float | None]] = {}
    for name in names:
        rows = [i for i, question in enumerate(questions) if question.type == name]
        part = table.take(rows)
        values = {measure: BY_NAME[measure].value(part) for measure in BY_TYPE}
        found[name or "(none)"] = {
            "questions": len(rows),
            **{k: None if v != v else v for k, v in values.items()},
        }
    return found
