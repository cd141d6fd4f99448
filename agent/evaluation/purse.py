"""One budget over a whole evaluation: granted question by question, never overspent."""

from __future__ import annotations

import asyncio
import time

from ...tools.types import Budget, Usage

UNLIMITED = Budget(rounds=None, llm_calls=None, tokens=None, usd=None, seconds=None)

AMPLE = 1.5
"""What has to be left for a question to begin: so many times the dearest one yet."""


class Purse:
    """Grants each question what it may take at most, out of one budget.

    What is granted is set aside until the question has ended, so that the questions under
    way can never take more than there is. Seconds are those of the clock on the wall.
    """

    def __init__(self, total: Budget = UNLIMITED) -> None:
        self._total = total.model_copy(update={"rounds": None})
        self._began = time.monotonic()
        self.spent = Usage()
        self._dearest = Usage()
        self._aside: list[Budget] = []
        self._settled = asyncio.Condition()

    async def grant(self, own: Budget) -> Budget | None:
        """Return what a question may take, at most its `own`; None when too little is left.

        Waits while too little is left only because questions under way have it set aside.
        """
        async with self._settled:
            while True:
                left = self._left()
                if self._enough(left):
                    granted = _least(own, left)
                    self._aside.append(granted)
                    return granted
                if not self._aside:
                    return None
                await self._settled.wait()

    async def settle(self, granted: Budget, used: Usage) -> None:
        """Take back what was set aside for a question, less what it used."""
        async with self._settled:
            self._aside.remove(granted)
            self.spent += used
            self._dearest = _most(self._dearest, used)
            self._settled.notify_all()

    def _left(self) -> Budget:
        spent = self.spent.model_copy(update={"seconds": time.monotonic() - self._began})
        left = self._total.left(spent)
        for granted in self._aside:
            left = left.left(_as_usage(granted))
        return left

    def _enough(self, left: Budget) -> bool:
        needed = _as_usage(
            Budget(
                llm_calls=self._dearest.llm_calls,
                tokens=int(AMPLE * (self._dearest.input_tokens + self._dearest.output_tokens)),
                usd=AMPLE * (self._dearest.cost_usd or 0.0),
            )
        )
        return left.left(needed).spent() is None if _used(needed) else left.spent() is None


def _least(first: Budget, second: Budget) -> Budget:
    """Return the lesser of each limit; None is no limit."""
    limits = {}
    for name in Budget.model_fields:
        known = [v for v in (getattr(first, name), getattr(second, name)) if v is not None]
        limits[name] = min(known, default=None)
    return Budget(**limits)


def _as_usage(limits: Budget) -> Usage:
    """Return the usage of a question that takes all it may, but for the time it takes."""
    return Usage(
        llm_calls=limits.llm_calls or 0,
        input_tokens=limits.tokens or 0,
        cost_usd=limits.usd or 0.0,
    )


def _used(usage: Usage) -> bool:
    return bool(usage.llm_calls or usage.input_tokens or usage.cost_usd)


def _most(first: Usage, second: Usage) -> Usage:
    return Usage(
        llm_calls=max(first.llm_calls, second.llm_calls),
        input_tokens=max(first.input_tokens, second.input_tokens),
        output_tokens=max(first.output_tokens, second.output_tokens),
        cost_usd=max(first.cost_usd or 0.0, second.cost_usd or 0.0),
    )
