"""The same questions under two settings: what changed, and whether it is more than noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...tools.types import Noun
from ..settings import Settings
from .intervals import draw
from .outcome import Outcome
from .questions import EvalQuestion
from .runner import Evaluation
from .summary import PairSummary, Summary, paired, summarize
from .table import tabulate


class Flip(Noun):
    """One question that changed between right and wrong, and its two outcomes."""

    question: EvalQuestion
    gained: bool
    first: Outcome
    second: Outcome


class Comparison(Noun):
    """Two evaluations of the same questions, held to each other.

    `changed` names the settings that differ, each with its two values.
    """

    first: str
    second: str
    changed: dict[str, tuple[Any, Any]]
    summaries: tuple[Summary, Summary]
    pair: PairSummary
    flipped: tuple[Flip, ...]


def compare(names: tuple[str, str], first: Evaluation, second: Evaluation) -> Comparison | None:
    """Hold the second evaluation to the first; None where no question was asked in both.

    Each is of one strategy, on the same questions in the same order.
    """
    (before,), (after,) = first.outcomes.values(), second.outcomes.values()
    rows = [
        (question, a, b)
        for question, a, b in zip(first.questions, before, after, strict=True)
        if a is not None and b is not None
    ]
    if not rows:
        return None
    questions = [question for question, _, _ in rows]
    tables = (
        tabulate(questions, [a for _, a, _ in rows]),
        tabulate(questions, [b for *_, b in rows]),
    )
    pair = paired(questions, (names[0], tables[0]), (names[1], tables[1]), draw(len(rows)))
    gained, lost = set(pair.flips.gained), set(pair.flips.lost)
    return Comparison(
        first=names[0],
        second=names[1],
        changed=changed(first.settings, second.settings),
        summaries=(summarize(first), summarize(second)),
        pair=pair,
        flipped=tuple(
            Flip(question=question, gained=question.id in gained, first=a, second=b)
            for question, a, b in rows
            if question.id in gained | lost
        ),
    )


def changed(first: Settings, second: Settings) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, with both values."""
    # Neither says anything about answers, and tokens are secrets.
    beside = {"server", "tokens"}
    one, other = (each.model_dump(mode="json", exclude=beside) for each in (first, second))
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


OF_THE_INDEX = ("embedder", "weights", "max_chars")
"""Settings that a corpus is built with: settings that differ in one need one corpus each."""


def own_place(place: str, settings: Settings, other: Settings) -> str:
    """Return a place of its own for an index that the other settings could not use."""
    apart = [name for name in OF_THE_INDEX if getattr(settings, name) != getattr(other, name)]
    if not apart:
        return place
    told = "-".join(str(getattr(settings, name)) for name in apart)
    safe = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in told)
    return str(Path(place).with_name(f"{Path(place).name}-{safe}"))
