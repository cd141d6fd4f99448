"""What a model call is likely to cost, held against the budget before it is made."""

from __future__ import annotations

import time

from ...errors import BudgetExceeded
from ...prompts import Prompt
from ..types import Budget
from .protocol import LanguageModel
from .tokens import estimate

_MARGIN = 0.1
"""Seconds by which a call's own deadline comes before the run's."""


def afford(model: LanguageModel, prompt: Prompt, expected: int, left: Budget) -> None:
    """Return if a call with `expected` tokens of reply fits into what is left.

    Raises:
        BudgetExceeded: it does not; names the limit.
    """
    if left.llm_calls is not None and left.llm_calls < 1:
        raise BudgetExceeded("llm_calls")
    needed = estimate(prompt.system) + estimate(prompt.user)
    if left.tokens is not None and needed + expected > left.tokens:
        raise BudgetExceeded("tokens", f"the next call needs about {needed + expected} tokens")
    if left.seconds is not None and left.seconds <= _MARGIN:
        raise BudgetExceeded("seconds")
    if left.usd is not None:
        _afford_price(model, needed, expected, left.usd)


def _afford_price(model: LanguageModel, needed: int, expected: int, usd: float) -> None:
    price = model.cost(needed, expected)
    if price is None:
        raise BudgetExceeded(
            "usd", f"a budget in money cannot be kept: the price of {model.name} is not known"
        )
    if price > usd:
        raise BudgetExceeded("usd", f"the next call costs about ${price:.5f}; ${usd:.5f} is left")


def room(template_tokens: int, expected: int, wanted: int, left: Budget) -> int:
    """Return how many tokens of evidence a call may take: what is wanted, or what is left."""
    if left.tokens is None:
        return wanted
    return min(wanted, max(left.tokens - template_tokens - expected, 0))


def may_ask_again(prompt: Prompt, expected: int, left: Budget) -> bool:
    """Tell whether a second asking would still fit."""
    calls = left.llm_calls is None or left.llm_calls >= 2
    needed = 2 * (estimate(prompt.system) + estimate(prompt.user) + expected)
    return calls and (left.tokens is None or needed <= left.tokens)


def deadline(left: Budget) -> float | None:
    """Return the moment on `time.monotonic()` when a call must be over."""
    return None if left.seconds is None else time.monotonic() + left.seconds - _MARGIN
