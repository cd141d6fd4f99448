"""`Agent`: questions to checked answers."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from ..errors import SettingsError, StoreUnavailable
from ..graphs import build
from ..graphs.events import MOST_STEPS, Event, RunFinished, RunStarted, run_events
from ..graphs.state import State, Tools, fresh_state
from ..graphs.tracing import traced
from ..tools.types import Answer, Budget, Passage, Where
from .corpus import Corpus, check_limit, checked
from .parts import is_server
from .reasoner import open_reasoner
from .runs import RunStore
from .settings import Settings
from .status import describe
from .threads import ThreadStore, turn_of

if TYPE_CHECKING:
    from typing import Self

    from ..tools.reason.protocol import Reasoner, Turn


log = logging.getLogger("suffice")

RECALLED = 8
"""Turns before a follow-up that are looked at to understand it."""

OF_THE_CORPUS = ("embedder", "weights", "reranker", "trail", "max_chars")
"""Settings that were put to use when the corpus was opened; an agent cannot change them."""


class Agent:
    """Asks a corpus until the evidence suffices. Safe to use from many threads.

    Args:
        corpus: an open `Corpus`, or where one is, which the agent then opens and closes.
        settings: default: the corpus's own.
        reasoner: what plans, judges and writes; default: the one the settings name.
        overrides: single settings, such as `small="openai:gpt-5-nano"`.
    """

    def __init__(
        self,
        corpus: Corpus | str | Path,
        *,
        settings: Settings | None = None,
        reasoner: Reasoner | None = None,
        **overrides: Any,
    ) -> None:
        self._opened_corpus = not isinstance(corpus, Corpus)
        self._opened_reasoner = reasoner is None
        self.corpus = (
            corpus
            if isinstance(corpus, Corpus)
            else Corpus.open(corpus, settings=settings, **overrides)
        )
        try:
            self.settings = _settings(self.corpus, settings, overrides)
            self._graph = build(self.settings.strategy)
            self._reasoner = reasoner or open_reasoner(
                self.settings, self.corpus._parts.embedder, self.corpus._parts.cache
            )
        except BaseException:
            if self._opened_corpus:
                self.corpus.close()
            raise
        self.runs = run_store(self.corpus.place, self.settings)
        self.threads = thread_store(self.corpus.place, self.settings)

    # Asking

    def ask(
        self,
        question: str,
        *,
        where: Where | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        thread: str | None = None,
        owner: str = "",
    ) -> Answer:
        """Answer a question with quotes, or abstain and say what is missing.

        Args:
            question: up to 8,000 characters.
            where: narrows every search by metadata: `{"year": {"gte": 2021}}`.
            budget: what this question may take, instead of the settings'.
            thread: the conversation it belongs to, under any name of yours. A follow-up
                is first made into a question that stands alone.
            owner: whose run and thread this is; nobody else's thread is continued.

        Raises:
            QuestionError, FilterError: the question or the filter cannot be used. An
                outage is no exception: it is an `Answer` with the status `failed`.
        """
        return self.corpus._loop.run(self._ask(question, where, budget, thread, owner))

    async def aask(
        self,
        question: str,
        *,
        where: Where | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        thread: str | None = None,
        owner: str = "",
    ) -> Answer:
        """The async twin of `ask`; cancelling it cancels the run."""
        return await self.corpus._loop.arun(self._ask(question, where, budget, thread, owner))

    def stream(
        self,
        question: str,
        *,
        where: Where | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        thread: str | None = None,
        history: Sequence[Turn] = (),
        owner: str = "",
    ) -> Iterator[Event]:
        """Yield the events of a run as it goes; the last is `RunFinished` with the answer.

        `history` are the turns of a conversation that is kept elsewhere, not as a `thread`.
        """
        text = checked(question)
        return self.corpus._loop.iterate(
            lambda: self._run(text, where, budget, thread, owner, history)
        )

    def astream(
        self,
        question: str,
        *,
        where: Where | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        thread: str | None = None,
        history: Sequence[Turn] = (),
        owner: str = "",
    ) -> AsyncIterator[Event]:
        """The async twin of `stream`; leaving the loop early cancels the run."""
        text = checked(question)
        return self.corpus._loop.aiterate(
            lambda: self._run(text, where, budget, thread, owner, history)
        )

    def retrieve(self, question: str, limit: int = 20, where: Where | None = None) -> list[Passage]:
        """Plan, search and rerank over rounds, without writing. Best first.

        Raises:
            QuestionError, FilterError, CallFailed, StoreError: as they say; an outage is
                never an empty list.
        """
        return self.corpus._loop.run(self._retrieve(question, limit, where))

    async def aretrieve(
        self, question: str, limit: int = 20, where: Where | None = None
    ) -> list[Passage]:
        """The async twin of `retrieve`."""
        return await self.corpus._loop.arun(self._retrieve(question, limit, where))

    # Telling

    def status(self) -> dict[str, Any]:
        """Return what is in the corpus, which parts are in use and why, and what it weighs."""
        return self.corpus._loop.run(describe(self.corpus, self.settings, self._reasoner))

    # Closing

    def close(self) -> None:
        """Close the reasoner and the corpus, each only if the agent opened it itself."""
        self.runs.close()
        if self._opened_reasoner and not self.corpus.closed:
            self.corpus._loop.run(self._reasoner.close())
        if self._opened_corpus:
            self.corpus.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Agent({self.corpus!r}, reasoner={self._reasoner.name!r})"

    async def _ask(
        self,
        question: str,
        where: Where | None,
        budget: Budget | Mapping[str, Any] | None,
        thread: str | None,
        owner: str,
    ) -> Answer:
        run = self._run(checked(question), where, budget, thread, owner)
        async with aclosing(run) as events:
            async for event in events:
                if isinstance(event, RunFinished):
                    return event.answer
        raise RuntimeError("the run ended without an answer")

    async def _run(
        self,
        question: str,
        where: Where | None,
        budget: Budget | Mapping[str, Any] | None,
        thread: str | None,
        owner: str,
        history: Sequence[Turn] = (),
    ) -> AsyncGenerator[Event]:
        """Run the graph and yield its events; keep them before the last is yielded."""
        state = self._state(question, where, budget)
        if thread is None and history:
            state |= {"history": tuple(history[-RECALLED:])}
        if thread is not None:
            turns = await self.threads.turns(thread, owner=owner)
            state |= {"thread": thread, "history": turns[-RECALLED:]}
        with suppress(StoreUnavailable):  # the graph will meet the outage, and answer with it
            await self._check(where)
        kept: list[Event] = []
        run = traced(run_events(self._graph, state, self._tools()))
        async with aclosing(run) as events:
            async for event in events:
                kept.append(event)
                if isinstance(event, RunFinished):
                    self.runs.save_soon(kept, owner=owner, thread=thread or "")
                    if thread is not None:
                        await self._remember(thread, kept, event.answer, owner)
                yield event

    async def _remember(self, thread: str, events: list[Event], answer: Answer, owner: str) -> None:
        """Add a turn to its thread. An answer is not withheld because that cannot be done."""
        started = next(event for event in events if isinstance(event, RunStarted))
        try:
            turn = turn_of(answer, started.question, started.asked)
            await self.threads.add(thread, turn, owner=owner)
        except StoreUnavailable as error:
            log.warning(str(error))

    async def _check(self, where: Where | None) -> None:
        """Refuse what cannot be asked before a run begins."""
        parts = self.corpus._parts
        await parts.check(adding=False)
        if where:
            await parts.store.count(where)

    async def _retrieve(self, question: str, limit: int, where: Where | None) -> list[Passage]:
        check_limit(limit)
        state = self._state(checked(question), where, None)
        await self._check(where)
        final = await build("retrieval").ainvoke(
            cast(State, state),
            config={"recursion_limit": MOST_STEPS},
            context=self._tools(evidence=limit),
        )
        return list(final["evidence"])[:limit]

    def _state(
        self, question: str, where: Where | None, budget: Budget | Mapping[str, Any] | None
    ) -> dict[str, Any]:
        limits = self.settings.changed(budget=budget).budget
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        return fresh_state(run_id, question, where or None, limits, time.monotonic())

    def _tools(self, evidence: int = 0) -> Tools:
        parts = self.corpus._parts
        return Tools(
            store=parts.store,
            searcher=parts.searcher,
            reranker=parts.reranker,
            reasoner=self._reasoner,
            evidence=max(evidence, self.settings.evidence),
            threshold=self.settings.threshold,
        )


def run_store(place: str, settings: Settings) -> RunStore:
    """Return where the runs of the corpus at `place` are kept: in it, if it is a folder."""
    folder = _beside(place)
    days = 0.0 if place == ":memory:" else settings.keep_runs_days
    return RunStore(folder / "runs.sqlite", days=days, megabytes=settings.keep_runs_mb)


def thread_store(place: str, settings: Settings) -> ThreadStore:
    """Return where the threads of the corpus at `place` are kept: in it, if it is a folder."""
    days = 0.0 if place == ":memory:" else settings.keep_threads_days
    path = _beside(place) / "threads.sqlite"
    return ThreadStore(path, days=days, megabytes=settings.keep_threads_mb)


def _beside(place: str) -> Path:
    return Path(".suffice") if is_server(place) else Path(place).expanduser()


def _settings(corpus: Corpus, given: Settings | None, overrides: dict[str, Any]) -> Settings:
    """Return the agent's settings. Raises `SettingsError` where they come too late."""
    settings = (given or corpus.settings).changed(**overrides)
    for name in OF_THE_CORPUS:
        asked, used = getattr(settings, name), getattr(corpus.settings, name)
        if asked != used:
            raise SettingsError(
                f"{name} is {asked!r}, but the corpus was opened with {used!r}; "
                f"give it to Corpus.open: Corpus.open(…, {name}={asked!r})"
            )
    return settings
