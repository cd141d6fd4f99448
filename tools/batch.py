"""Many small calls that arrive together, made as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GATHER_SECONDS = 0.001


class Batcher(Generic[Item, Result]):
    """Collects the calls of about a millisecond and runs them as one batch.

    The branches of a round reach the same tool within microseconds of one another;
    one batch costs little more than one call. Bound to the event loop it is used in.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._run = run
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._flushes: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Result:
        """Return the result for `item`; raises what the batch raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1:
            loop.call_later(GATHER_SECONDS, self._start)
        return await future

    def _start(self) -> None:
        batch, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._flush(batch))
        self._flushes.add(task)  # a task nobody holds may be collected while it runs
        task.add_done_callback(self._flushes.discard)

    async def _flush(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        live = [(item, future) for item, future in batch if not future.done()]
        if not live:
            return
        try:
            results = await self._run([item for item, _ in live])
        except BaseException as error:
            for _, future in live:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(live, results, strict=True):
            if not future.done():
                future.set_result(result)
