"""A promise of how often answers are wrong, from questions asked of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...tools.types import Budget
from ..corpus import Corpus
from .calibration import Calibration, Given, calibrate
from .outcome import Outcome
from .questions import EvalQuestion
from .runner import AT_ONCE, Asked, evaluate


@dataclass(frozen=True)
class Promise:
    """What can be promised, and what it was worked out from.

    `failed` questions broke down and `unjudged` answers have nothing to be held against;
    neither counts as asked. `notices` says what is not as one might think.
    """

    calibration: Calibration
    failed: int
    unjudged: int
    notices: tuple[str, ...]


def promise(
    corpus: Corpus,
    questions: Sequence[EvalQuestion],
    *,
    max_error: float,
    confidence: float,
    budget: Budget | None = None,
    at_once: int = AT_ONCE,
    fresh: bool = False,
    progress: Callable[[Asked], None] | None = None,
) -> Promise:
    """Ask all questions with nothing refused for want of confidence; see what can be promised.

    Args:
        max_error: the share of wrong answers not to exceed, between 0 and 1.
        confidence: the probability with which the promise is to hold.
        budget: what all questions together may take.

    Raises:
        StoreError, SettingsError, CallFailed: the questions cannot be asked.
    """
    settings = corpus.settings.changed(threshold=0.0)
    evaluation = evaluate(
        corpus,
        questions,
        settings=settings,
        budget=budget,
        at_once=at_once,
        fresh=fresh,
        progress=progress,
    )
    (outcomes,) = evaluation.outcomes.values()
    known = [one for one in outcomes if one is not None]
    failed = [one for one in known if one.status == "failed"]
    unjudged = [one for one in known if one.given and one.right is None]
    found = calibrate(
        [Given(one.confidence, one.right) for one in known if one.given and one.right is not None],
        asked=len(known) - len(failed) - len(unjudged),
        max_error=max_error,
        confidence=confidence,
    )
    said = (*evaluation.notices, *_notices(failed, unjudged, evaluation.unasked))
    return Promise(found, len(failed), len(unjudged), said)


def _notices(failed: Sequence[Outcome], unjudged: Sequence[Outcome], unasked: int) -> list[str]:
    found = []
    if failed:
        why = failed[0].error or failed[0].text
        found.append(f"{len(failed)} questions failed and are left out; the first: {why}")
    if unjudged:
        names = ", ".join(one.question_id for one in unjudged[:3])
        found.append(f"{len(unjudged)} answers have no gold answer and are left out: {names}, …")
    if unasked:
        found.append(f"the budget ended with {unasked} questions unasked; they are left out")
    return found
