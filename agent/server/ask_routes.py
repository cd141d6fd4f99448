"""Asking, and the runs that come of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from ...errors import InputError, SufficeError
from ...graphs.events import Event
from ...tools.types import Answer, Budget, Noun, Where
from ..runs import RunSummary
from . import refusals, sse
from .hosted import STRATEGIES, By, Here, Served
from .refusals import refusal
from .rights import Caller
from .runs import LiveRun

router = APIRouter(prefix="/v1", tags=["asking"])

RunId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9\-]+$")]
_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
Result = TypeVar("Result")


class Ask(Noun):
    """One question. `where` narrows, within what the token may see anyway."""

    question: str = Field(min_length=1)
    corpus: str | None = None
    where: Where | None = None
    budget: Budget | None = None
    thread: str | None = Field(None, max_length=128)
    strategy: str | None = None
    stream: bool = Field(False, description="answer with the events of the run, as SSE")
    resume: bool = Field(False, description="outlive a short absence of the reader")


class Runs(Noun):
    """Some kept runs, newest first; `more` says whether there are older ones."""

    runs: tuple[RunSummary, ...]
    more: bool


@router.post("/ask", response_model=Answer)
async def ask(request: Request, asked: Ask, served: Here, caller: By) -> Any:
    """Answer a question: as one JSON document, or as the events of the run."""
    run = await started(served, caller, asked)
    accepts = request.headers.get("accept", "")
    if asked.stream or "text/event-stream" in accepts:
        return _stream(served, run, 0)
    try:
        await until_gone(request, _ended(served, run))
    finally:
        served.live.leave(run)
    return JSONResponse(answered(run).model_dump(mode="json"), headers={"X-Run-Id": run.id})


async def started(served: Served, caller: Caller, asked: Ask) -> LiveRun:
    """Start the run that answers, unless limits or the question forbid it."""
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
    try:
        events = agent.astream(asked.question, where=where, budget=asked.budget)
        return await served.live.start(
            events,
            owner=caller.owner,
            corpus=hosted.name,
            resume=asked.resume,
            keeps=hosted.keeps_runs,
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


def _stream(served: Served, run: LiveRun, after: int) -> sse.EventStream:
    """Return the stream for a reader that is counted already."""
    return sse.EventStream(
        _sent(served, run, after), lambda: served.live.leave(run), {"X-Run-Id": run.id}
    )


async def _sent(served: Served, run: LiveRun, after: int) -> AsyncGenerator[bytes]:
    async for said in served.live.follow(run, after):
        yield sse.event(said.type, said.text, said.number) if said else sse.HEARTBEAT


# Runs, while they go on and afterwards


def events_of(served: Served, caller: Caller, run_id: str) -> list[Event]:
    """Return the events of a kept run of this caller, from whichever corpus. Raises a 404."""
    for hosted in served.hosted.values():
        try:
            return hosted.agent.runs.events(run_id)
        except InputError:
            continue
    raise refusal(404, "there is no such run", "see GET /v1/runs")


@router.get("/runs", response_model=Runs)
async def runs(
    served: Here,
    caller: By,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[float | None, Query(description="seconds since the epoch")] = None,
    thread: Annotated[str | None, Query(max_length=128)] = None,
    corpus: str | None = None,
) -> Runs:
    """List kept runs, newest first."""
    found = await asyncio.to_thread(served.corpus(corpus).agent.runs.latest, limit + 1)
    return Runs(runs=tuple(found[:limit]), more=len(found) > limit)


@router.get("/runs/{run_id}")
async def one_run(run_id: RunId, served: Here, caller: By, download: bool = False) -> JSONResponse:
    """Return everything a run said."""
    events = await asyncio.to_thread(events_of, served, caller, run_id)
    headers = {"Content-Disposition": f'attachment; filename="run-{run_id}.json"'}
    return JSONResponse(
        {"events": _EVENTS.dump_python(events, mode="json")},
        headers=headers if download else None,
    )


@router.get("/runs/{run_id}/events")
async def run_events(
    run_id: RunId,
    served: Here,
    caller: By,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Any:
    """Replay what a run said, and go on with it live where it still runs."""
    if last_event_id and last_event_id.isdecimal():
        after = int(last_event_id[:9])
    run = served.live.get(run_id, caller.sees)
    if run is not None:
        served.live.attach(run)
        return _stream(served, run, after)
    events = await asyncio.to_thread(events_of, served, caller, run_id)
    return sse.EventStream(_replayed(events, after))


async def _replayed(events: list[Event], after: int) -> AsyncGenerator[bytes]:
    for number, event in enumerate(events, 1):
        if number > after:
            yield sse.event(event.type, event.model_dump_json(), number)


@router.post("/runs/{run_id}/stop", status_code=204)
async def stop(run_id: RunId, served: Here, caller: By) -> Response:
    """Stop a run that goes on; one that has ended is left as it is."""
    run = served.live.get(run_id, caller.sees)
    if run is None:
        await asyncio.to_thread(events_of, served, caller, run_id)
    else:
        served.live.stop(run)
    return Response(status_code=204)
