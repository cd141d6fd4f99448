"""Runs, while they go on and afterwards: each caller has its own, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from ...errors import InputError
from ...graphs.events import Event
from ...tools.types import Noun
from ..runs import RunSummary
from . import sse
from .ask_routes import followed
from .forms import RunId
from .hosted import By, Here, Hosted, Served
from .refusals import refusal
from .rights import Caller

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


class RunSeen(Noun):
    """One kept run, in a line. `asked` is what was typed, where that is not the question."""

    id: str
    question: str
    asked: str
    status: str
    strategy: str
    corpus: str
    thread: str
    at: float
    seconds: float


class RunPage(Noun):
    """Some kept runs, newest first; `more` says whether there are older ones."""

    runs: tuple[RunSeen, ...]
    more: bool


class RunWhole(Noun):
    """A run and everything it said."""

    run: RunSeen
    events: tuple[dict[str, Any], ...]


@router.get("", response_model=RunPage)
async def runs(
    served: Here,
    caller: By,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[float | None, Query(description="seconds since the epoch")] = None,
    thread: Annotated[str | None, Query(max_length=128)] = None,
    corpus: str | None = None,
) -> RunPage:
    """List kept runs, newest first, of one corpus or of all."""
    asked = [served.corpus(corpus)] if corpus else list(served.hosted.values())

    def latest(hosted: Hosted) -> list[RunSeen]:
        found = hosted.agent.runs.latest(limit + 1, owner=caller.sees, before=before, thread=thread)
        return [_seen(hosted, one) for one in found]

    lists = await asyncio.gather(*(asyncio.to_thread(latest, hosted) for hosted in asked))
    found = sorted((run for some in lists for run in some), key=lambda run: -run.at)
    return RunPage(runs=tuple(found[:limit]), more=len(found) > limit)


@router.get("/{run_id}", response_model=RunWhole)
async def run(run_id: RunId, served: Here, caller: By, download: bool = False) -> JSONResponse:
    """Return a kept run and everything it said."""
    hosted, summary = await _find(served, caller, run_id)
    events = await asyncio.to_thread(hosted.agent.runs.events, run_id, owner=caller.sees)
    whole = {
        "run": _seen(hosted, summary).model_dump(mode="json"),
        "events": _EVENTS.dump_python(events, mode="json"),
    }
    attached = {"Content-Disposition": f'attachment; filename="run-{run_id}.json"'}
    return JSONResponse(whole, headers=attached if download else None)


@router.delete("/{run_id}", status_code=204)
async def forget(run_id: RunId, served: Here, caller: By) -> Response:
    """Forget a kept run."""
    hosted, _ = await _find(served, caller, run_id)
    await asyncio.to_thread(hosted.agent.runs.delete, run_id, owner=caller.sees)
    return Response(status_code=204)


@router.get("/{run_id}/events", response_class=sse.EventStream, status_code=200)
async def events(
    run_id: RunId,
    served: Here,
    caller: By,
    after: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Any:
    """Replay what a run said, and go on with it live where it still runs."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdecimal():
        after = int(last_event_id)
    live = served.live.get(run_id, caller.sees)
    if live is not None:
        served.live.attach(live)
        return followed(served, live, after)
    return sse.EventStream(_replayed(await events_of(served, caller, run_id), after))


@router.post("/{run_id}/stop", status_code=204)
async def stop(run_id: RunId, served: Here, caller: By) -> Response:
    """Stop a run that goes on; one that has ended is left as it is."""
    live = served.live.get(run_id, caller.sees)
    if live is None:
        await _find(served, caller, run_id)
    else:
        served.live.stop(live)
    return Response(status_code=204)


async def events_of(served: Served, caller: Caller, run_id: str) -> list[Event]:
    """Return the events of a kept run of this caller. Raises a 404."""
    hosted, _ = await _find(served, caller, run_id)
    return await asyncio.to_thread(hosted.agent.runs.events, run_id, owner=caller.sees)


async def _find(served: Served, caller: Caller, run_id: str) -> tuple[Hosted, RunSummary]:
    """Return a kept run of this caller, and where it is kept.

    Another's run and one that never was are the same to the caller: a 404.
    """
    for hosted in served.hosted.values():
        try:
            kept = hosted.agent.runs.summary
            return hosted, await asyncio.to_thread(kept, run_id, owner=caller.sees)
        except InputError:
            continue
    raise refusal(404, "there is no such run", "see GET /v1/runs")


def _seen(hosted: Hosted, run: RunSummary) -> RunSeen:
    return RunSeen(corpus=hosted.name, **run.model_dump(exclude={"owner"}))


async def _replayed(events: list[Event], after: int) -> AsyncGenerator[bytes]:
    for number, event in enumerate(events, 1):
        if number > after:
            yield sse.event(event.type, event.model_dump_json(), number)
