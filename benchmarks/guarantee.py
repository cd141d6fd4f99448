"""Whether a promise of `suffice calibrate` is kept: on question sets, split at random.

    uv run --group benchmarks python benchmarks/guarantee.py FOLDER
    uv run --group benchmarks python benchmarks/guarantee.py FOLDER --half tune

FOLDER holds the question sets. Each question is asked once, without a model. Then, 1,000
times: one half of the questions, drawn at random, chooses the threshold, the other half
shows how many of its answers are wrong. Three ways to choose: `learned`, as `suffice
calibrate` does for the error named; `best`, the best that it says it can promise; and
`naive`, the lowest threshold that would have kept the error on the first half.

Columns: `promised` the share of wrong answers not to exceed, with a confidence of 90 %
(of `best`: the mean of what was promised); `exceeded` the share of splits in which the
other half had more of them; `promises` the share of splits in which there was a promise at
all; `answered` the share of the other half's questions that were answered where there was;
`wrong` the share of wrong answers among those.

The other half is a sample too: of a few answers more may be wrong than the rate that was
promised, and what is lucky in one half lacks in the other. So `in truth` draws as many
questions as half of them with replacement, and holds the promise against the whole set:
of such draws the set is the population, and its rate of error is known. There the promise
is to be exceeded in less than 10 % of the draws, whatever the set.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from given import SETS, given_answers

from suffice.agent.evaluation.calibration import Given, calibrate

PROMISED = (0.05, 0.1, 0.2, 0.3)
CONFIDENCE = 0.9

Promise = tuple[float, float]
"""A threshold, and the share of wrong answers that it is said not to exceed."""

Chooser = Callable[[Sequence[Given], int, float], Promise | None]
"""Chooses from answers, how many were asked, and the error to keep; or refuses."""


@dataclass(frozen=True)
class Split:
    """What a promise came to on the other half."""

    promised: float
    answers: int
    wrong: int

    @property
    def exceeded(self) -> bool:
        return self.wrong > self.promised * self.answers


def learned(given: Sequence[Given], asked: int, max_error: float) -> Promise | None:
    chosen = calibrate(given, asked=asked, max_error=max_error, confidence=CONFIDENCE).chosen
    return (chosen.threshold, max_error) if chosen else None


def best(given: Sequence[Given], asked: int, max_error: float) -> Promise | None:
    found = calibrate(given, asked=asked, max_error=max_error, confidence=CONFIDENCE).best
    return (found.threshold, found.bound) if found else None


def naive(given: Sequence[Given], asked: int, max_error: float) -> Promise | None:
    """The lowest threshold that would have kept the error on these answers."""
    chosen, wrong = None, 0
    for place, one in enumerate(sorted(given, key=lambda one: -one.confidence), 1):
        wrong += not one.right
        chosen = one.confidence if wrong <= max_error * place else chosen
    return None if chosen is None else (chosen, max_error)


def split(
    questions: Sequence[Given | None], choose: Chooser, max_error: float, seed: int
) -> Split | None:
    """Draw half of the questions, choose by them, and look at the other half."""
    order = random.Random(seed).sample(range(len(questions)), len(questions))
    middle = len(order) // 2
    here, there = ([questions[i] for i in part] for part in (order[:middle], order[middle:]))
    return _held(here, there, choose, max_error)


def draw(
    questions: Sequence[Given | None], choose: Chooser, max_error: float, seed: int
) -> Split | None:
    """Draw with replacement as many as half of them, choose, and look at the whole set."""
    here = random.Random(seed).choices(questions, k=len(questions) // 2)
    return _held(here, questions, choose, max_error)


def _held(
    here: Sequence[Given | None],
    there: Sequence[Given | None],
    choose: Chooser,
    max_error: float,
) -> Split | None:
    promise = choose([one for one in here if one], len(here), max_error)
    if promise is None:
        return None
    told = [one for one in there if one and one.confidence >= promise[0]]
    return Split(promise[1], len(told), sum(not one.right for one in told))


@dataclass(frozen=True)
class Row:
    """What came of all splits; shares from 0 to 1."""

    promised: float
    in_truth: float
    exceeded: float
    promises: float
    answered: float
    wrong: float


def row(questions: Sequence[Given | None], choose: Chooser, max_error: float, splits: int) -> Row:
    """Split so many times, each with a seed of its own."""
    each = [split(questions, choose, max_error, seed) for seed in range(splits)]
    drawn = [draw(questions, choose, max_error, seed) for seed in range(splits)]
    found = [one for one in each if one]
    answers = sum(one.answers for one in found)
    asked = len(found) * (len(questions) - len(questions) // 2)
    return Row(
        promised=sum(one.promised for one in found) / len(found) if found else max_error,
        in_truth=sum(one.exceeded for one in drawn if one) / splits,
        exceeded=sum(one.exceeded for one in found) / splits,
        promises=len(found) / splits,
        answered=answers / asked if asked else 0.0,
        wrong=sum(one.wrong for one in found) / answers if answers else 0.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="folder to keep the outcomes in, to go on from")
    chosen = parser.parse_args()
    sets = {name: given_answers(chosen.folder, name, chosen.half, chosen.keep) for name in SETS}
    sets["all together"] = [one for questions in sets.values() for one in questions]
    print(
        f"{chosen.splits:,} splits of each set, {chosen.half} part, confidence {CONFIDENCE:.0%}\n"
    )
    columns = ("promised", "in truth", "exceeded", "promises", "answered", "wrong")
    print(f"{'set':14}{'n':>5}  {'':8}" + "".join(f"{name:>10}" for name in columns))
    for name, questions in sets.items():
        _print(name, questions, best, 0.0, chosen.splits)
        for max_error in PROMISED:
            for choose in (learned, naive):
                _print(name, questions, choose, max_error, chosen.splits)


def _print(
    name: str, questions: Sequence[Given | None], choose: Chooser, max_error: float, splits: int
) -> None:
    found = row(questions, choose, max_error, splits)
    shown = "".join(f"{figure:>10.1%}" for figure in astuple(found))
    print(f"{name:14}{len(questions):>5}  {choose.__name__:8}{shown}", flush=True)


if __name__ == "__main__":
    main()
