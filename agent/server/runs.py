"""Runs under way: started once, followed by any number of readers, stopped when nobody reads.

A run goes on in a task of its own, so that a page that was reloaded finds it again. Every
event is kept until the run has ended and can be read from where runs are kept.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from ...errors import SufficeError
from ...graphs.events import Event, RunFinished, RunStarted
from ...tools.types import Answer
from . import refusals
from .sse import HEARTBEAT_SECONDS

LINGER_SECONDS = 30.0
"""How long a run that is not kept can be read again after its end."""

MOST_LINGERING = 32
"""Of how many such runs; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it is sent: its number from 1, its type and its JSON."""

    number: int
    type: str
    text: str


@dataclass(eq=False, slots=True)
class LiveRun:
    """A run and what it has said so far.

    `failure` is what ended it without an answer; `began` is seconds since the epoch.
    """

    owner: str
    corpus: str
    resume: bool
    id: str = ""
    question: str = ""
    began: float = field(default_factory=time.time)
    said: list[Said] = field(default_factory=list)
    answer: Answer | None = None
    failure: BaseException | None = None
    ended: bool = False
    readers: int = 1
    task: asyncio.Task[None] | None = None
    waiting: asyncio.TimerHandle | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """Say what it came to: the status of its answer, stopped or error."""
        if self.answer is not None:
            return self.answer.status
        return "error" if self.failure is not None else "stopped"

    def say(self, kind: str, text: str) -> None:
        """Add an event and wake whoever waits for it."""
        self.said.append(Said(len(self.said) + 1, kind, text))
        self.wake()

    def wake(self) -> None:
        """Let every reader look again."""
        self.news.set()
        self.news = asyncio.Event()


class LiveRuns:
    """The runs of one server, by id. All of it on the server's own event loop."""

    def __init__(self, resume_seconds: float) -> None:
        self._resume_seconds = resume_seconds
        self._under_way: set[LiveRun] = set()
        self._by_id: dict[str, LiveRun] = {}
        self._lingering: list[str] = []
        self._closing = False
        self._watchers: list[Callable[[LiveRun], None]] = []

    def watch(self, ended: Callable[[LiveRun], None]) -> None:
        """Call `ended` with every run at its end."""
        self._watchers.append(ended)

    def __len__(self) -> int:
        return len(self._under_way)

    def of(self, owner: str) -> int:
        """Return how many runs of one owner are under way."""
        return sum(run.owner == owner for run in self._under_way)

    async def start(
        self, events: AsyncIterator[Event], *, owner: str, corpus: str, resume: bool, keeps: bool
    ) -> LiveRun:
        """Start a run and return it once it has begun, with one reader: the caller.

        Raises:
            SufficeError: it could not begin.
        """
        run = LiveRun(owner, corpus, resume)
        self._under_way.add(run)
        run.task = asyncio.create_task(self._pump(run, events, keeps))
        try:
            while not run.said and not run.ended:
                await run.news.wait()
        except asyncio.CancelledError:
            self._cancel(run)
            raise
        if run.failure is not None and not run.id:
            raise run.failure
        return run

    def get(self, run_id: str, owner: str | None) -> LiveRun | None:
        """Return a run of this owner (None is anybody's) by its id, if it is still here."""
        run = self._by_id.get(run_id)
        return run if run is not None and owner in (None, run.owner) else None

    async def follow(self, run: LiveRun, after: int = 0) -> AsyncGenerator[Said | None]:
        """Yield what a run says, from the event after number `after` on, until it ends.

        None says that there was nothing for a while.
        """
        place = after
        while True:
            for said in run.said[place:]:
                place += 1
                yield said
            if run.ended and place >= len(run.said):
                return
            if place >= len(run.said) and not await _within(HEARTBEAT_SECONDS, run.news):
                yield None

    def attach(self, run: LiveRun) -> None:
        """Count one reader more."""
        run.readers += 1
        if run.waiting is not None:
            run.waiting.cancel()
            run.waiting = None

    def leave(self, run: LiveRun) -> None:
        """Count one reader less; a run that nobody reads is ended, at once or after a while."""
        run.readers -= 1
        if run.readers > 0 or run.ended:
            return
        if run.resume and not self._closing:
            loop = asyncio.get_running_loop()
            run.waiting = loop.call_later(self._resume_seconds, self._cancel, run)
        else:
            self._cancel(run)

    def stop(self, run: LiveRun) -> None:
        """End a run because somebody wants it to."""
        self._cancel(run)

    async def close(self) -> None:
        """End all runs and wait until they have ended."""
        self._closing = True
        tasks = [run.task for run in self._under_way if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel(self, run: LiveRun) -> None:
        if run.task is not None and not run.ended:
            run.task.cancel()

    async def _pump(self, run: LiveRun, events: AsyncIterator[Event], keeps: bool) -> None:
        try:
            async with aclosing(cast(AsyncGenerator[Event], events)) as opened:
                async for event in opened:
                    self._take(run, event)
        except asyncio.CancelledError:
            pass  # somebody stopped it, or nobody reads it
        except Exception as error:
            run.failure = error  # told to its readers
        finally:
            self._end(run, keeps)

    def _take(self, run: LiveRun, event: Event) -> None:
        if isinstance(event, RunStarted):
            run.id, run.question = event.run_id, event.question
            self._by_id[run.id] = run
        elif isinstance(event, RunFinished):
            run.answer = event.answer
        run.say(event.type, event.model_dump_json())

    def _end(self, run: LiveRun, keeps: bool) -> None:
        if run.id and run.answer is None:
            run.say("error", ending(run))
        run.ended = True
        self._under_way.discard(run)
        if run.waiting is not None:
            run.waiting.cancel()
        if keeps and run.answer is not None:
            self._by_id.pop(run.id, None)
        elif run.id:
            self._linger(run.id)
        run.wake()
        for ended in self._watchers:
            ended(run)

    def _linger(self, run_id: str) -> None:
        self._lingering.append(run_id)
        while len(self._lingering) > MOST_LINGERING:
            self._by_id.pop(self._lingering.pop(0), None)
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._forget, run_id)

    def _forget(self, run_id: str) -> None:
        self._by_id.pop(run_id, None)
        if run_id in self._lingering:
            self._lingering.remove(run_id)


async def _within(seconds: float, news: asyncio.Event) -> bool:
    """Tell whether there were news within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await news.wait()
    except TimeoutError:
        return False


def ending(run: LiveRun) -> str:
    """Return, as JSON, why a run ended without an answer."""
    if isinstance(run.failure, SufficeError):
        told: Any = refusals.told(run.failure, fenced=True).detail
    elif run.failure is not None:
        refusals.log.error("run %s failed", run.id, exc_info=run.failure)
        told = refusals.body("internal", "something went wrong here")
    else:
        told = refusals.body("stopped", "the run was stopped")
    return json.dumps(told)
