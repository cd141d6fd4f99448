"""Goals that an evaluation must reach, for machines that build and release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ...errors import InputError
from .catalogue import BY_NAME
from .summary import Summary
from .wording import figure


def parse_goals(goals: Sequence[str]) -> dict[str, float]:
    """Read `right=0.9`, `seconds_p95=2` or `recall@5=90%`.

    Raises:
        InputError: there is no such measure, or the goal is no number.
    """
    found: dict[str, float] = {}
    for goal in goals:
        name, parted, value = (part.strip() for part in goal.partition("="))
        if name not in BY_NAME or not parted:
            near = get_close_matches(name, BY_NAME, 1)
            hint = f'; did you mean "{near[0]}"?' if near and near[0] != name else ""
            raise InputError(
                f'--fail-under takes MEASURE=NUMBER; "{goal}" is none{hint} '
                f"The measures: {', '.join(BY_NAME)}"
            )
        try:
            found[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            raise InputError(f'--fail-under {name}: "{value}" is no number') from None
    return found


def missed(summary: Summary, goals: Mapping[str, float]) -> list[str]:
    """Return a sentence for each goal that the first strategy does not reach.

    A measure of which less is better must not be above its goal, any other not below. A
    measure that no question bears on does not reach a goal.
    """
    sentences = []
    for name, goal in goals.items():
        measure = BY_NAME[name]
        value = summary.value(name) if summary.strategies else None
        if value is None:
            sentences.append(f"{name} cannot be told: no question bears on it")
        elif value > goal if measure.better < 0 else value < goal:
            side = "above" if measure.better < 0 else "under"
            told, asked = figure(value, measure.unit), figure(goal, measure.unit)
            sentences.append(f"{name} is {told}, {side} {asked}")
    return sentences
