"""How much of a run's budget is left, and what is held back for the last word."""

from __future__ import annotations

import time

from ..tools.types import Budget, Usage
from .state import State

MOST_ROUNDS = 10
"""Rounds a run may take when its budget names no limit: every loop is counted."""

RESERVE = 0.25
"""The share of tokens, money and seconds that planning and judging leave to writing."""


def used(state: State) -> Usage:
    """Return the run's usage so far, with the rounds and seconds it has taken."""
    usage = state.get("usage") or Usage()
    rounds, seconds = state.get("round", 0), time.monotonic() - state["started"]
    return usage.model_copy(update={"rounds": rounds, "seconds": seconds})


def remaining(state: State, *, last_word: bool = False) -> Budget:
    """Return what is left; unless it is for the `last_word`, less the share held back."""
    budget = state["budget"]
    rounds = MOST_ROUNDS if budget.rounds is None else min(budget.rounds, MOST_ROUNDS)
    budget = budget.model_copy(update={"rounds": rounds})
    if not last_word:
        budget = budget.model_copy(update=_held_back(budget))
    return budget.left(used(state))


def _held_back(budget: Budget) -> dict[str, float | int | None]:
    def share(limit: float | None) -> float | None:
        return None if limit is None else limit * (1 - RESERVE)

    calls = None if budget.llm_calls is None else max(budget.llm_calls - 1, 0)
    tokens = None if budget.tokens is None else int(budget.tokens * (1 - RESERVE))
    return {
        "llm_calls": calls,
        "tokens": tokens,
        "usd": share(budget.usd),
        "seconds": share(budget.seconds),
    }
