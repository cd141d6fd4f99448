"""The one place where async becomes sync: an event loop in a thread of its own.

Everything async runs on this loop, whoever calls and from wherever, so that a
connection never meets a second loop. Sync calls wait for it, and so work inside a
running event loop too; async calls are handed over and awaited. Whoever stops waiting
cancels the work, and goes on once it has really ended.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from typing import Any, Generic, TypeVar

from ..errors import StoreError

Result = TypeVar("Result")
Item = TypeVar("Item")

_END = object()


class LoopThread:
    """An event loop in a daemon thread, started on first use and ended by `close`.

    `name` says in errors what is closed, as in "the corpus at notes".
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` to its end and return its result. Ctrl-C cancels it and waits."""
        job = self._submit(work)
        try:
            return job.ended.result()
        except CancelledError:
            raise self._gone() from None
        finally:
            job.end()

    async def arun(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The same, awaited from any other loop; cancelling the await cancels `work`."""
        job = self._submit(work)
        ended = asyncio.wrap_future(job.ended)
        try:
            await asyncio.wait([ended])
        finally:
            await job.aend(ended)
        if ended.cancelled():
            raise self._gone()
        return ended.result()

    def iterate(self, items: Callable[[], AsyncIterator[Item]]) -> Iterator[Item]:
        """Yield what `items()` yields; leaving early cancels it."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        job = self._submit(_pump(items, inbox.put))
        job.ended.add_done_callback(lambda _: inbox.put(_END))
        try:
            while (item := inbox.get()) is not _END:
                yield item
            job.ended.result()
        except CancelledError:
            raise self._gone() from None
        finally:
            job.end()

    async def aiterate(self, items: Callable[[], AsyncIterator[Item]]) -> AsyncIterator[Item]:
        """The same for `async for`, from any other loop."""
        here, inbox = asyncio.get_running_loop(), asyncio.Queue[Any]()

        def put(item: Any) -> None:
            here.call_soon_threadsafe(inbox.put_nowait, item)

        job = self._submit(_pump(items, put))
        ended = asyncio.wrap_future(job.ended)
        ended.add_done_callback(lambda _: inbox.put_nowait(_END))
        try:
            while (item := await inbox.get()) is not _END:
                yield item
        finally:
            await job.aend(ended)
        if ended.cancelled():
            raise self._gone()
        ended.result()

    def close(self, last: Coroutine[Any, Any, None] | None = None) -> None:
        """Cancel what still runs, do the `last` work and end the thread.

        Closing twice is harmless. From within the loop itself, where a forgotten corpus may
        be collected, this is left to another thread.
        """
        if threading.current_thread() is self._thread:
            threading.Thread(target=self.close, args=(last,), name="suffice-closing").start()
            return
        with self._lock:
            self._closed = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            if last is not None:
                last.close()
            return
        try:
            _Job(loop, _finish(loop, last)).ended.result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _submit(self, work: Coroutine[Any, Any, Result]) -> _Job[Result]:
        try:
            # The lock is held so that nothing is handed to a loop that is being closed.
            with self._lock:
                return _Job(self._started(), work)
        except BaseException:
            work.close()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise self._gone()
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"a sync call of {self._name} from within its own loop")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="suffice-loop", daemon=True
            )
            self._thread.start()
        return self._loop

    def _gone(self) -> StoreError:
        return StoreError(f"{self._name} is closed; open it again to go on")


class _Job(Generic[Result]):
    """Work on the loop; `ended` is done only when the work has really come to its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> None:
        self.ended: Future[Result] = Future()
        self._loop = loop
        self._task: asyncio.Task[Result] | None = None
        loop.call_soon_threadsafe(self._start, work)

    def end(self) -> None:
        """Cancel the work unless it has ended, and wait until it has.

        Within the loop itself, where a forgotten stream may be collected, there is no
        waiting: the loop would wait for itself.
        """
        if not self.ended.done():
            self._cancel()
            if not self._inside():
                wait([self.ended])

    async def aend(self, ended: asyncio.Future[Result]) -> None:
        """The same from another loop, on which `ended` stands for the end."""
        if not ended.done():
            self._cancel()
            await asyncio.wait([ended])
            # Looked at, so that nobody warns of an error whose reader has left.
            if not ended.cancelled():
                ended.exception()

    def _inside(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _cancel(self) -> None:
        with suppress(RuntimeError):  # the loop is closed, so the work has ended
            self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def _start(self, work: Coroutine[Any, Any, Result]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[Result]) -> None:
        if task.cancelled():
            self.ended.cancel()
            self.ended.set_running_or_notify_cancel()
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


async def _pump(items: Callable[[], AsyncIterator[Item]], put: Callable[[Any], Any]) -> None:
    iterator = items()
    try:
        async for item in iterator:
            put(item)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


async def _finish(loop: asyncio.AbstractEventLoop, last: Coroutine[Any, Any, None] | None) -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    try:
        if last is not None:
            await last
    finally:
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
