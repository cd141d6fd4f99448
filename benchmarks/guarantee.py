"""Whether a promise of `suffice calibrate` is kept: on question sets, split at random.

    uv run --group benchmarks python benchmarks/guarantee.py FOLDER
    uv run --group benchmarks python benchmarks/guarantee.py FOLDER --half tune

FOLDER holds the question sets. Each question is asked once, without a model. Then, 1,000
times: one half of the questions, drawn at random, chooses the threshold, the other half
shows how many of its answers are wrong. Beside it the naive choice: the lowest threshold
that would have kept the error on the first half.

Columns: `promised` the share of wrong answers not to exceed, with a confidence of 90 %;
`exceeded` the share of splits in which the other half had more of them (to stay below
10 %); `promises` the share of splits in which there was a promise at all; `answered` the
share of the other half's questions that were answered where there was; `wrong` the share
of wrong answers among all that were given under a promise.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from given import SETS, given_answers

from suffice.agent.evaluation.calibration import Given, calibrate

PROMISED = (0.05, 0.1, 0.2, 0.3)
CONFIDENCE = 0.9

Chooser = Callable[[Sequence[Given], int, float], float | None]
"""Chooses a threshold from answers, how many were asked, and the error to keep; or refuses."""


@dataclass(frozen=True)
class Split:
    """What a threshold did on the other half; `answers` is 0 where none was chosen."""

    promised: bool
    asked: int
    answers: int
    wrong: int

    def exceeded(self, max_error: float) -> bool:
        return self.wrong > max_error * self.answers


def learned(given: Sequence[Given], asked: int, max_error: float) -> float | None:
    found = calibrate(given, asked=asked, max_error=max_error, confidence=CONFIDENCE)
    return found.chosen.threshold if found.chosen else None


def naive(given: Sequence[Given], asked: int, max_error: float) -> float | None:
    """The lowest threshold that would have kept the error on these answers."""
    chosen, wrong = None, 0
    for place, one in enumerate(sorted(given, key=lambda one: -one.confidence), 1):
        wrong += not one.right
        chosen = one.confidence if wrong <= max_error * place else chosen
    return chosen


def split(
    questions: Sequence[Given | None], choose: Chooser, max_error: float, seed: int
) -> Split:
    """Draw half of the questions, choose by them, and look at the other half."""
    order = random.Random(seed).sample(range(len(questions)), len(questions))
    here, there = (
        [questions[i] for i in part]
        for part in (order[: len(order) // 2], order[len(order) // 2 :])
    )
    threshold = choose([one for one in here if one], len(here), max_error)
    if threshold is None:
        return Split(False, len(there), 0, 0)
    told = [one for one in there if one and one.confidence >= threshold]
    return Split(True, len(there), len(told), sum(not one.right for one in told))


def row(
    questions: Sequence[Given | None], choose: Chooser, max_error: float, splits: int
) -> tuple[float, float, float, float]:
    """The share of splits exceeded and with a promise; the share answered, and of it wrong."""
    found = [split(questions, choose, max_error, seed) for seed in range(splits)]
    kept = [one for one in found if one.promised]
    answers, asked = sum(one.answers for one in kept), sum(one.asked for one in kept)
    return (
        sum(one.exceeded(max_error) for one in found) / splits,
        len(kept) / splits,
        answers / asked if asked else 0.0,
        sum(one.wrong for one in kept) / answers if answers else 0.0,
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
    print(f"{chosen.splits:,} splits of each set, {chosen.half} part, confidence {CONFIDENCE:.0%}\n")
    columns = ("exceeded", "promises", "answered", "wrong")
    print(f"{'set':18}{'n':>5}{'promised':>10}  {'':8}", *(f"{name:>10}" for name in columns))
    for name, questions in sets.items():
        for max_error in PROMISED:
            for choose in (learned, naive):
                figures = row(questions, choose, max_error, chosen.splits)
                print(
                    f"{name:18}{len(questions):>5}{max_error:>10.0%}  {choose.__name__:8}",
                    *(f"{figure:>10.1%}" for figure in figures),
                )


if __name__ == "__main__":
    main()
