"""Asking: an answer as one document, or the events of the run that finds it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from ...errors import SufficeError
from ...tools.reason.protocol import Turn
from ...tools.types import Answer, Budget, Noun
from . import refusals, sse
from .forms import Filter, Name
from .hosted import STRATEGIES, By, Here, Served
from .refusals import refusal
from .rights import Caller
from .runs import LiveRun

router = APIRouter(prefix="/v1", tags=["asking"])

Result = TypeVar("Result")


WIDENED = ("rounds", "llm_calls", "tokens", "seconds")
"""Limits of a budget that a question may ask to have widened; money is not among them."""


def widened(budget: Budget, times: float) -> Budget:
    """Return the most that a question may ask for: so many times the budget."""
    limits = {name: getattr(budget, name) for name in WIDENED}
    wider = {name: math.ceil(limit * times) for name, limit in limits.items() if limit is not None}
    return budget.model_copy(update=wider)


class Allowed(Noun):
    """What one question may take, up to what the server allows."""

    rounds: int | None = Field(None, ge=0)
    llm_calls: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)
    usd: float | None = Field(None, ge=0, allow_inf_nan=False)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)

    def within(self, budget: Budget, most: Budget) -> Budget:
        """Return the budget with what is asked for, limit by limit, and no more than `most`."""
        asked = {name: value for name, value in self if value is not None}
        limits = {name: getattr(most, name) for name in asked}
        return budget.model_copy(
            update={
                name: value if limits[name] is None else min(value, limits[name])
                for name, value in asked.items()
            }
        )


class Ask(Noun):
    """One question. `where` narrows, within what the token may see anyway."""

    question: str = Field(min_length=1)
    corpus: Name | None = None
    where: Filter | None = None
    budget: Allowed | None = None
    thread: Name | None = None
    strategy: Name | None = None
    stream: bool = Field(False, description="answer with the events of the run, as SSE")
    resume: bool = Field(False, description="outlive a short absence of the reader")


@router.post("/ask", response_model=Answer)
async def ask(request: Request, asked: Ask, served: Here, caller: By) -> Any:
    """Answer a question: as one JSON document, or as the events of the run."""
    run = await started(served, caller, asked)
    accepts = request.headers.get("accept", "")
    if asked.stream or "text/event-stream" in accepts:
        return followed(served, run, 0)
    try:
        await until_gone(request, _ended(served, run))
    finally:
        served.live.leave(run)
    return JSONResponse(answered(run).model_dump(mode="json"), headers={"X-Run-Id": run.id})


async def started(
    served: Served, caller: Caller, asked: Ask, history: Sequence[Turn] = ()
) -> LiveRun:
    """Start the run that answers, unless limits or the question forbid it.

    `history` are the turns of a conversation that the client keeps itself.
    """
    if len(asked.question) > served.serving.question_chars:
        raise refusal(
            413,
            f"the question has {len(asked.question):,} characters, "
            f"{served.serving.question_chars:,} are the most",
        )
    if asked.strategy not in (None, *STRATEGIES):
        raise refusal(400, "there is no such strategy", f"there are: {', '.join(STRATEGIES)}")
    hosted = served.corpus(asked.corpus)
    _check_room(served, caller)
    agent = hosted.agent_for(asked.strategy)
    where = await hosted.filter_for(caller, asked.where)
    budget, most = agent.settings.budget, served.serving.wider
    try:
        events = agent.astream(
            asked.question,
            where=where,
            budget=asked.budget.within(budget, widened(budget, most)) if asked.budget else None,
            thread=asked.thread,
            history=history,
            owner=caller.owner,
        )
        return await served.live.start(
            events,
            owner=caller.owner,
            corpus=hosted.name,
            resume=asked.resume,
            keeps=agent.runs.keeps,
        )
    except SufficeError as error:
        raise refusals.told(error, fenced=bool(caller.where)) from None


def _check_room(served: Served, caller: Caller) -> None:
    """Refuse a run too many, of all or of one caller."""
    full = len(served.live) >= served.serving.runs_at_once
    mine = served.guarded and served.live.of(caller.owner) >= served.serving.runs_at_once_each
    if full or mine:
        whose = "your" if mine else "the server's"
        raise refusal(
            429, f"all of {whose} runs are busy", "try again shortly", headers={"Retry-After": "2"}
        )


def answered(run: LiveRun) -> Answer:
    """Return a run's answer. Raises what is told of a run that ended without one."""
    if run.answer is not None:
        return run.answer
    if run.failure is None:
        raise refusal(409, "the run was stopped")
    if isinstance(run.failure, SufficeError):
        raise refusals.told(run.failure, fenced=True)
    raise run.failure


async def _ended(served: Served, run: LiveRun) -> None:
    async for _ in served.live.follow(run):
        pass


async def until_gone(request: Request, work: Awaitable[Result]) -> Result:
    """Await `work`, and cancel it when the client leaves.

    Raises `asyncio.CancelledError` then: there is nobody left to answer.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise refusal(499, "the client has left")
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait([working, leaving])


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def followed(served: Served, run: LiveRun, after: int) -> sse.EventStream:
    """Return the stream for a reader that is counted already."""
    return sse.EventStream(
        _sent(served, run, after), lambda: served.live.leave(run), {"X-Run-Id": run.id}
    )


async def _sent(served: Served, run: LiveRun, after: int) -> AsyncGenerator[bytes]:
    async for said in served.live.follow(run, after):
        yield sse.event(said.type, said.text, said.number) if said else sse.HEARTBEAT
