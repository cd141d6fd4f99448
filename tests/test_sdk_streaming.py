"""Streams of events: whole, left early, cancelled; nothing is left running behind them."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest
import tugs
from scripted import ScriptedReasoner

from suffice import Agent, Corpus, QuestionError, StoreError
from suffice.graphs.events import Event, NodeFinished, NodeStarted, RunFinished, RunStarted

QUESTION = tugs.question("Fulmar")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with Corpus.open(tmp_path_factory.mktemp("streaming") / "notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        yield corpus


@pytest.fixture(scope="module")
def agent(corpus: Corpus) -> Iterator[Agent]:
    with Agent(corpus) as agent:
        yield agent


async def others() -> list[str]:
    """Return what else runs on this loop and does not end of itself, as a search does."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    left = (await asyncio.wait(tasks, timeout=5))[1] if tasks else ()
    return [str(task.get_coro()) for task in left]


def under_way(corpus: Corpus) -> list[str]:
    """Return the same of the corpus's own loop."""
    return corpus._loop.run(others())


def check_whole(events: list[Event]) -> None:
    """A stream begins, pairs each start with its end, and ends with the answer."""
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    started = [event.id for event in events if isinstance(event, NodeStarted)]
    ended = [event.id for event in events if isinstance(event, NodeFinished)]
    assert sorted(started) == sorted(ended)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert tugs.answer("Fulmar") in events[-1].answer.text
    assert events[-1].answer.run_id == events[0].run_id


class Stuck(ScriptedReasoner):
    """Thinks for ever, and notes when it is told to stop."""

    def __init__(self) -> None:
        super().__init__(plans=[self.forever])
        self.thinking = threading.Event()
        self.stopped = threading.Event()

    async def forever(self, _: object) -> None:
        self.thinking.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


def test_a_stream_tells_a_run_from_its_start_to_its_answer(agent: Agent) -> None:
    check_whole(list(agent.stream(QUESTION)))


def test_the_async_stream_tells_the_same(agent: Agent) -> None:
    async def collected() -> list[Event]:
        return [event async for event in agent.astream(QUESTION)]

    check_whole(asyncio.run(collected()))


def test_a_question_is_checked_before_the_stream_begins(agent: Agent) -> None:
    for start in (agent.stream, agent.astream):
        with pytest.raises(QuestionError):
            start("")


def test_a_stream_nobody_reads_starts_nothing(agent: Agent, corpus: Corpus) -> None:
    agent.stream(QUESTION)
    agent.astream(QUESTION)
    assert under_way(corpus) == []


@pytest.mark.parametrize("read", [1, 3, 6])
def test_leaving_a_stream_early_leaves_nothing_behind(
    agent: Agent, corpus: Corpus, read: int
) -> None:
    threads = threading.active_count()
    stream = agent.stream(QUESTION)
    for _ in range(read):
        next(stream)
    stream.close()
    assert under_way(corpus) == []
    assert threading.active_count() <= threads + 1  # a worker of the loop may have been added
    check_whole(list(agent.stream(QUESTION)))


def test_a_stream_forgotten_in_a_circle_blocks_nobody(agent: Agent, corpus: Corpus) -> None:
    stream = agent.stream(QUESTION)
    next(stream)
    circle: list[object] = [stream]
    circle.append(circle)
    del stream, circle

    async def collect() -> None:
        gc.collect()

    corpus._loop.run(collect())
    assert under_way(corpus) == []


def test_leaving_an_async_stream_early_leaves_nothing_behind(agent: Agent, corpus: Corpus) -> None:
    async def leave() -> list[str]:
        async for _ in agent.astream(QUESTION):
            break
        stream = agent.astream(QUESTION)
        await anext(stream)
        await stream.aclose()
        return await others()

    assert asyncio.run(leave(), debug=True) == []
    assert under_way(corpus) == []


def test_leaving_a_stream_stops_what_it_was_waiting_for(corpus: Corpus) -> None:
    stuck = Stuck()
    with Agent(corpus, reasoner=stuck) as agent:
        stream = agent.stream(QUESTION)
        next(event for event in stream if getattr(event, "node", "") == "plan")
        assert stuck.thinking.wait(30)
        stream.close()
        assert stuck.stopped.is_set()
        assert under_way(corpus) == []


def test_cancelling_an_async_call_stops_the_run_before_it_returns(corpus: Corpus) -> None:
    stuck = Stuck()

    async def cancelled(agent: Agent) -> bool:
        task = asyncio.create_task(agent.aask(QUESTION))
        await asyncio.to_thread(stuck.thinking.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return stuck.stopped.is_set()

    with Agent(corpus, reasoner=stuck) as agent:
        assert asyncio.run(cancelled(agent))
    assert under_way(corpus) == []


def test_a_deadline_around_an_async_call_is_kept(corpus: Corpus) -> None:
    async def limited(agent: Agent) -> None:
        async with asyncio.timeout(0.2):
            await agent.aask(QUESTION)

    with Agent(corpus, reasoner=Stuck()) as agent, pytest.raises(TimeoutError):
        asyncio.run(limited(agent))
    assert under_way(corpus) == []


def test_closing_the_corpus_under_a_run_ends_it_with_a_clear_error(tmp_path) -> None:
    stuck = Stuck()
    raised: list[BaseException] = []
    corpus = Corpus.open(tmp_path / "notes", **tugs.QUICK)
    corpus.add(tugs.documents())
    agent = Agent(corpus, reasoner=stuck)

    def ask() -> None:
        try:
            agent.ask(QUESTION)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    stuck.thinking.wait()
    corpus.close()
    thread.join()
    assert [type(error) for error in raised] == [StoreError]
    assert "is closed" in str(raised[0])


def test_an_error_in_a_run_reaches_whoever_reads_the_stream(corpus: Corpus) -> None:
    with Agent(corpus, reasoner=ScriptedReasoner(plans=[ValueError("a bug")])) as agent:
        for read in (lambda: list(agent.stream(QUESTION)), lambda: agent.ask(QUESTION)):
            with pytest.raises(ValueError, match="a bug"):
                read()
        assert under_way(corpus) == []
