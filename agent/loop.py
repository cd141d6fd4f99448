"""The one place where async becomes sync: an event loop in a thread of its own.

Everything async runs on this loop, whoever calls and from wherever, so that a
connection never meets a second loop. Sync calls wait for it, and so work inside a
running event loop too; async calls are handed over and awaited.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")

_END = object()


class LoopThread:
    """An event loop in a daemon thread, started on first use and ended by `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` to its end and return its result. Ctrl-C cancels it and waits."""
        future = self._submit(work)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                self._settle()
            raise

    async def arun(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The same, awaited from any other loop; cancelling the await cancels `work`."""
        return await asyncio.wrap_future(self._submit(work))

    def iterate(self, items: Callable[[], AsyncIterator[Item]]) -> Iterator[Item]:
        """Yield what `items()` yields; leaving early cancels it."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        pump = self._submit(_pump(items, inbox.put))
        try:
            while (item := inbox.get()) is not _END:
                yield item
            pump.result()
        finally:
            if pump.cancel():
                self._settle()

    async def aiterate(self, items: Callable[[], AsyncIterator[Item]]) -> AsyncIterator[Item]:
        """The same for `async for`, from any other loop."""
        here, inbox = asyncio.get_running_loop(), asyncio.Queue[Any]()
        pump = self._submit(
            _pump(items, lambda item: here.call_soon_threadsafe(inbox.put_nowait, item))
        )
        try:
            while (item := await inbox.get()) is not _END:
                yield item
            await asyncio.wrap_future(pump)
        finally:
            pump.cancel()

    def close(self) -> None:
        """Cancel what still runs and end the thread. Closing twice is harmless."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        try:
            loop = self._started()
        except RuntimeError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, loop)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the {self._name} is closed")
            if threading.current_thread() is self._thread:
                raise RuntimeError(f"a sync call of the {self._name} from within its own loop")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name=f"suffice-{self._name}", daemon=True
                )
                self._thread.start()
            return self._loop

    def _settle(self) -> None:
        """Let cancelled work run its clean-up before the caller goes on."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result()


async def _pump(items: Callable[[], AsyncIterator[Item]], put: Callable[[Any], Any]) -> None:
    iterator = items()
    try:
        async for item in iterator:
            put(item)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
        put(_END)


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
