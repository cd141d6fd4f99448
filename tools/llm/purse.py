"""What a tool spends of a run's budget where its protocol speaks of neither.

A node opens a purse around the tools it calls; a tool that calls a model takes from it.
Without a purse, as in a single search, there is no limit and nobody counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..types import Budget, Usage

NO_LIMIT = Budget(rounds=None, llm_calls=None, tokens=None, usd=None, seconds=None)


class Purse:
    """A budget and what was taken of it. Calls under way count as made."""

    def __init__(self, budget: Budget = NO_LIMIT) -> None:
        self._budget = budget
        self._held = Usage()
        self.usage = Usage()

    @property
    def left(self) -> Budget:
        """Return what may still be spent."""
        return self._budget.left(self.usage + self._held)

    @contextmanager
    def hold(self, tokens: int) -> Iterator[None]:
        """Set aside one call of about so many tokens, until it is paid for or has failed."""
        held = Usage(llm_calls=1, input_tokens=tokens)
        self._held += held
        try:
            yield
        finally:
            self._held = Usage(
                llm_calls=self._held.llm_calls - held.llm_calls,
                input_tokens=self._held.input_tokens - held.input_tokens,
            )

    def pay(self, usage: Usage) -> None:
        """Take off what a call has used."""
        self.usage += usage


_OPEN: ContextVar[Purse | None] = ContextVar("purse", default=None)


@contextmanager
def spending(budget: Budget) -> Iterator[Purse]:
    """Open a purse for all tools called within, also in tasks that begin there."""
    purse = Purse(budget)
    token = _OPEN.set(purse)
    try:
        yield purse
    finally:
        _OPEN.reset(token)


def open_purse() -> Purse:
    """Return the purse that is open here, or one without a limit."""
    return _OPEN.get() or Purse()
