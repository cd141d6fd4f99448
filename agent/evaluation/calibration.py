"""From which confidence to answer, so that what is answered is wrong no more than so often.

The method is Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei: "Learn then
Test: Calibrating Predictive Algorithms to Achieve Risk Control", 2021), for selective
answering as in Geifman and El-Yaniv ("Selective Classification for Deep Neural Networks",
2017). The answers are ordered by their confidence. At ranks that are fixed by their number
alone, all that stands above is tested: of the k answers above a cut, the
wrong ones are binomial with k and the true rate of error above that cut. So the exact bound
of Clopper and Pearson holds for each cut, and by Bonferroni's inequality for all of them at
once: whichever is chosen, and whatever is promised of it, holds with the confidence asked
for. Nothing is assumed of how good the confidence is; a poor one costs answers, not truth.

The assumption: questions to come are like those calibrated on (exchangeable with them), and
corpus and settings stay what they were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .binomial import at_most, upper_bound

METHOD = (
    "Learn then Test (Angelopoulos et al. 2021) with exact binomial bounds "
    "(Clopper and Pearson 1934) and Bonferroni's correction"
)
ASSUMPTION = (
    "the questions to come are like these (exchangeable), and corpus and settings stay as they are"
)

STEP = 0.7
"""Each cut is tried on so much of the answers that the one before it kept."""

MOST_CUTS = 6
FEWEST = 20
"""Answers below which a further cut is not tried: it could promise nothing of use."""

FIXED = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Thresholds tried where confidences are few, as where a model states them in round numbers:
a rank would part what cannot be told apart."""

GRID = 10_000
"""Confidences are told apart to one part in so many, so that a threshold is a short number."""

MOST_NEEDED = 100_000


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given: how sure of it the run was, and whether it was right."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold and what it does: of the `kept` answers, `wrong` were wrong.

    `bound` is the rate of wrong answers that is not exceeded.
    """

    threshold: float
    kept: int
    wrong: int
    bound: float

    @property
    def error(self) -> float:
        """The share of wrong answers that was seen."""
        return self.wrong / self.kept


@dataclass(frozen=True, slots=True)
class Calibration:
    """What can be promised.

    Args:
        asked: questions that were asked; `given`: answers that were given to them.
        cuts: what was tried, the most answers first.
        chosen: the cut that keeps the most answers of those that hold `max_error`, or None.
        best: the cut with the lowest bound: the best that can be promised.
        needed: answers, as good as those of `best`, of which `max_error` could be promised;
            None where more of the same would not do.
    """

    max_error: float
    confidence: float
    asked: int
    given: int
    cuts: tuple[Cut, ...]
    chosen: Cut | None
    best: Cut | None
    needed: int | None


def calibrate(
    given: Sequence[Given], *, asked: int, max_error: float, confidence: float
) -> Calibration:
    """Return the threshold that keeps the most answers, and what can be promised of it.

    Args:
        given: the answers given while nothing was refused for want of confidence.
        asked: how many questions were asked in all.
        max_error: the share of wrong answers not to exceed, between 0 and 1.
        confidence: the probability with which the promise holds, over the drawing of the
            questions.
    """
    cuts = _cuts(given, confidence)
    holding = [cut for cut in cuts if cut.bound <= max_error]
    best = min(cuts, key=lambda cut: (cut.bound, -cut.kept), default=None)
    return Calibration(
        max_error=max_error,
        confidence=confidence,
        asked=asked,
        given=len(given),
        cuts=cuts,
        chosen=max(holding, key=lambda cut: cut.kept, default=None),
        best=best,
        needed=_needed(best, len(given), max_error, confidence),
    )


def ranks(given: int) -> tuple[int, ...]:
    """Return how many answers each cut is to keep: fixed by their number alone."""
    found = [given] if given else []
    while len(found) < MOST_CUTS and found and (less := math.floor(found[-1] * STEP)) >= FEWEST:
        found.append(less)
    return tuple(found)


def _cuts(given: Sequence[Given], confidence: float) -> tuple[Cut, ...]:
    """Try each threshold. At a rank, none as sure as the first one left out is kept."""
    order = sorted(given, key=lambda one: -one.confidence)
    tried = _thresholds([one.confidence for one in order])
    level = 1 - (1 - confidence) / max(len(tried), 1)
    cuts: dict[float, Cut] = {}
    for threshold in tried:
        kept = [one for one in order if one.confidence >= threshold]
        wrong = sum(not one.right for one in kept)
        if kept:
            cuts[threshold] = Cut(threshold, len(kept), wrong, upper_bound(wrong, len(kept), level))
    return tuple(cuts.values())


def _thresholds(sure: Sequence[float]) -> list[float]:
    """Return what to try, from confidences in falling order and from nothing else."""
    if 2 * len({math.floor(c * GRID) for c in sure}) < len(sure):
        return list(FIXED)
    return [_above(sure[rank]) if rank < len(sure) else 0.0 for rank in ranks(len(sure))]


def _above(confidence: float) -> float:
    """Return the first threshold that leaves out an answer of this confidence."""
    step = math.floor(confidence * GRID)
    while step / GRID <= confidence:
        step += 1
    return step / GRID


def _needed(best: Cut | None, given: int, max_error: float, confidence: float) -> int | None:
    """Return how many answers like those given would do, the best cut keeping its share."""
    if best is None or best.error >= max_error:
        return None
    share = best.kept / given
    for answers in _growing(given):
        kept = math.floor(share * answers)
        level = (1 - confidence) / max(len(ranks(answers)), len(FIXED))
        if at_most(math.ceil(best.error * kept), kept, max_error) <= level:
            return answers
    return None


def _growing(given: int) -> list[int]:
    """Return numbers from `given` on, each about a twentieth more."""
    found = [given]
    while found[-1] < MOST_NEEDED:
        found.append(found[-1] + max(1, found[-1] // 20))
    return found
