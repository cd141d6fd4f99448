"""Scripted parts for tests of the graph: a reasoner and a searcher that do as told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from suffice.graphs import build
from suffice.graphs.events import Event, RunFinished, run_events
from suffice.graphs.state import Tools, fresh_state
from suffice.tools.reason.protocol import (
    Draft,
    DraftClaim,
    Finding,
    Followup,
    Plan,
    PlannedQuery,
    Quote,
    Say,
    Situation,
    Standalone,
    SubQuestion,
    Turn,
    Verdict,
)
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.types import Answer, Budget, Passage, Query


def passage(name: str, text: str) -> Passage:
    return Passage(id=name, document_id=name, title=name, text=text, start=0, end=len(text))


def query(text: str, part: str = "1", where: dict | None = None) -> PlannedQuery:
    return PlannedQuery(query=Query(text=text, where=where), subquestion=part)


def found(part: str, where: str, quote: str) -> Finding:
    quotes = (Quote(passage_id=where, text=quote),)
    return Finding(subquestion=part, found=True, text=quote, quotes=quotes, confidence=0.9)


def missing(part: str, what: str) -> Finding:
    return Finding(subquestion=part, found=False, missing=what)


def parts(*texts: str, after: dict[str, tuple[str, ...]] | None = None) -> tuple[SubQuestion, ...]:
    return tuple(
        SubQuestion(id=str(n), text=text, after=(after or {}).get(str(n), ()))
        for n, text in enumerate(texts, 1)
    )


def claim(where: str, quote: str, text: str = "") -> DraftClaim:
    return DraftClaim(text=text or quote, quotes=(Quote(passage_id=where, text=quote),))


class FakeSearcher:
    """Finds, for each query, the passages scripted for it; a scripted error is raised."""

    def __init__(self, results: dict[str, Sequence[Passage] | Exception]) -> None:
        self.results = results
        self.asked: list[Query] = []

    async def search(self, query: Query) -> list[Candidate]:
        self.asked.append(query)
        result = self.results.get(query.text, ())
        if isinstance(result, Exception):
            raise result
        return [
            Candidate(passage=one, asked=(query.text,), signals={"rank": float(rank)})
            for rank, one in enumerate(result)
        ]


class NoFields:
    """A store that knows no metadata."""

    async def fields(self) -> dict:
        return {}


Step = Callable[[Situation], object] | object


@dataclass
class ScriptedReasoner:
    """Thinks what it is told; a callable is given the situation, an exception raised."""

    plans: Sequence[Step] = ()
    verdicts: Sequence[Step] = ()
    drafts: Sequence[Step] = ()
    followups: Sequence[Step] = ()
    name: str = "scripted"
    seen: list[tuple[str, Situation]] = field(default_factory=list)

    async def contextualize(self, followup: Followup) -> Standalone:
        return await self._next("contextualize", self.followups, followup)

    async def plan(self, situation: Situation) -> Plan:
        return await self._next("plan", self.plans, situation)

    async def judge(self, situation: Situation) -> Verdict:
        return await self._next("judge", self.verdicts, situation)

    async def write(self, situation: Situation, say: Say) -> Draft:
        draft = await self._next("write", self.drafts, situation)
        for one in draft.claims:
            say(one.text)
        return draft

    async def close(self) -> None:
        pass

    async def _next(self, kind: str, steps: Sequence[Step], situation: Situation):
        turn = sum(seen == kind for seen, _ in self.seen)
        self.seen.append((kind, situation))
        step = steps[min(turn, len(steps) - 1)]
        step = step(situation) if callable(step) else step
        if asyncio.iscoroutine(step):
            step = await step
        if isinstance(step, Exception):
            raise step
        return step


@dataclass
class Ran:
    """What a run came to, and every event on the way."""

    answer: Answer
    events: list[Event]

    def visits(self) -> list[str]:
        return [event.node for event in self.events if event.type == "node_started"]


def run(
    reasoner: ScriptedReasoner,
    searcher: FakeSearcher,
    question: str = "who?",
    *,
    strategy: str = "iterative",
    where: dict | None = None,
    budget: Budget | None = None,
    threshold: float = 0.0,
    reranker: object = None,
    history: tuple[Turn, ...] = (),
) -> Ran:
    tools = Tools(NoFields(), searcher, reranker, reasoner, threshold=threshold)
    conversation = {"thread": "t", "history": history} if history else {}
    state = fresh_state(
        "run-1", question, where, budget or Budget(), time.monotonic(), **conversation
    )

    async def collect() -> list[Event]:
        return [event async for event in run_events(build(strategy), state, tools)]

    events = asyncio.run(collect())
    assert isinstance(events[-1], RunFinished)
    return Ran(events[-1].answer, events)
