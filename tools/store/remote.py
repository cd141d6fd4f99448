"""The connection to a Qdrant server: one client, on one event loop, in one thread.

A store may be used from many event loops and threads, but an HTTP client belongs to the
loop it was made on. So it gets a loop of its own, and calls are handed over to it.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from ...errors import StoreError, StoreUnavailable

T = TypeVar("T")
Call = Callable[[AsyncQdrantClient], Awaitable[T]]

MEMORY = ":memory:"
REQUEST_SECONDS = 30
ATTEMPTS = 4
PATIENCE_SECONDS = 20.0
"""No attempt begins later than this after the first."""

_BACK_OFF = wait_random_exponential(multiplier=0.1, max=2)
_MESSAGE = 300


class Remote:
    """A Qdrant server that is called patiently. Connects when it is first used."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self.address = shown(url)
        self.in_memory = url == MEMORY
        self._url = url
        self._api_key = api_key
        self._guard = threading.Lock()
        self._worker: _Worker | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Remote({self.address!r})"

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine that uses `ask` on the client's loop; await it from any other."""
        future = self._submitted(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise self._is_closed() from None
            raise

    def _submitted(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        # Under the guard, so that a store being closed cancels it or never gets it.
        with self._guard:
            worker = self._started()
            return asyncio.run_coroutine_threadsafe(work(), worker.loop)

    async def ask(self, call: Call[T]) -> T:
        """Make one call, again and again while the trouble may pass. Raises `StoreError`."""
        assert self._worker is not None  # only run() leads here
        client = self._worker.client

        async def attempt() -> T:
            return await call(client)

        retrying = AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(PATIENCE_SECONDS),
            wait=_wait,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except (ApiException, QdrantException) as error:
            # Without its cause, for that may quote what was sent.
            raise self._translated(error) from None
        except ValueError as error:
            raise StoreError(f"{self.address} cannot do this: {self._safe(error)}") from error

    def _started(self) -> _Worker:
        if self._closed:
            raise self._is_closed()
        if self._worker is None:
            self._worker = _Worker(self._client)
            # A store that is dropped without being closed must leave no thread.
            weakref.finalize(self, self._worker.end)
        return self._worker

    def _is_closed(self) -> StoreError:
        return StoreError(f"the store on {self.address} is closed")

    def _client(self) -> AsyncQdrantClient:
        if self.in_memory:
            return AsyncQdrantClient(MEMORY)
        return AsyncQdrantClient(
            url=self._url,
            api_key=self._api_key,
            timeout=REQUEST_SECONDS,
            check_compatibility=False,
        )

    async def close(self) -> None:
        """Close the connection and end the thread."""
        with self._guard:
            self._closed = True
            worker = self._worker
        if worker is not None:
            await asyncio.to_thread(worker.end)

    def _translated(self, error: Exception) -> StoreError:
        said = self._safe(error)
        if isinstance(error, UnexpectedResponse):
            status = error.status_code or 0
            if status in (401, 403):
                return StoreError(
                    f"{self.address} refused the call ({status}): the API key is missing, wrong,"
                    " or without the right to do this. Give another key"
                )
            if status < 500 and status != 429:
                return StoreError(f"{self.address} refused the call: {said}")
        return StoreUnavailable(
            f"{self.address} did not answer as it should, {ATTEMPTS} times: {said}."
            " See whether the server is up and can be reached, and try again"
        )

    def _safe(self, error: Exception) -> str:
        """Say what went wrong in a line, without the API key."""
        text = " ".join(_reason(error).split())[:_MESSAGE]
        return text.replace(self._api_key, "…") if self._api_key else text


def shown(url: str) -> str:
    """Return a server's address without the password that may stand in it."""
    if url == MEMORY:
        return url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _reason(error: Exception) -> str:
    if isinstance(error, ResponseHandlingException):
        return str(error.source) or type(error.source).__name__
    if isinstance(error, UnexpectedResponse):
        return f"{error.status_code} {error.reason_phrase} {error.content[:_MESSAGE]!r}"
    return str(error)


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may well succeed a little later."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code == 429 or (error.status_code or 0) >= 500
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TransportError | OSError)
    return isinstance(error, QdrantException)  # the server asks to be given time


def _wait(state: RetryCallState) -> float:
    """Wait as long as the server asks for, within reason; otherwise longer each time."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ResourceExhaustedResponse):
        return float(min(max(error.retry_after_s, 0), 5))
    return _BACK_OFF(state)


class _Worker:
    """The thread, its loop, and the client that lives there."""

    def __init__(self, connect: Callable[[], AsyncQdrantClient]) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="suffice-qdrant", daemon=True)
        self._thread.start()
        self._ended = threading.Lock()
        self.client = asyncio.run_coroutine_threadsafe(_made(connect), self.loop).result()

    def _live(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    def end(self) -> None:
        """Cancel what is under way, close the client, end the thread."""
        if not self._ended.acquire(blocking=False):
            return
        asyncio.run_coroutine_threadsafe(self._wind_up(), self.loop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    async def _wind_up(self) -> None:
        try:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.client.close()
        finally:
            self.loop.call_soon(self.loop.stop)


async def _made(connect: Callable[[], AsyncQdrantClient]) -> AsyncQdrantClient:
    return connect()
