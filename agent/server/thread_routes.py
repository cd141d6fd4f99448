"""Conversations: each caller has its own."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from ...errors import InputError
from ...tools.types import Noun
from .hosted import By, Here, Hosted, Served
from .refusals import refusal

router = APIRouter(prefix="/v1/threads", tags=["conversations"])

ThreadId = Annotated[str, Path(max_length=128, pattern=r"^[\w.\-]+$")]


class ThreadSeen(Noun):
    """One conversation, in a line."""

    id: str
    title: str
    corpus: str
    at: float
    turns: int


class Threads(Noun):
    """The latest conversations, newest first."""

    threads: tuple[ThreadSeen, ...]


class TurnSeen(Noun):
    """One question of a conversation: `asked` is what was typed, `question` what stood alone."""

    run_id: str
    asked: str
    question: str
    status: str
    text: str
    at: float


class Thread(Noun):
    """A conversation, oldest turn first."""

    id: str
    corpus: str
    turns: tuple[TurnSeen, ...]


@router.get("", response_model=Threads)
async def threads(
    served: Here,
    caller: By,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    corpus: str | None = None,
) -> Threads:
    """List conversations, newest first, of one corpus or of all."""
    asked = [served.corpus(corpus)] if corpus else list(served.hosted.values())

    async def latest(hosted: Hosted) -> list[ThreadSeen]:
        found = await hosted.agent.threads.latest(limit, owner=caller.owner)
        return [ThreadSeen(corpus=hosted.name, **one.model_dump()) for one in found]

    lists = await asyncio.gather(*map(latest, asked))
    found = sorted((one for some in lists for one in some), key=lambda one: -one.at)
    return Threads(threads=tuple(found[:limit]))


@router.get("/{thread}", response_model=Thread)
async def thread(thread: ThreadId, served: Here, caller: By, corpus: str | None = None) -> Thread:
    """Return a conversation."""
    for hosted in _where(served, corpus):
        turns = await hosted.agent.threads.turns(thread, owner=caller.owner)
        if turns:
            fields = set(TurnSeen.model_fields)
            seen = tuple(TurnSeen(**turn.model_dump(include=fields)) for turn in turns)
            return Thread(id=thread, corpus=hosted.name, turns=seen)
    raise refusal(404, "there is no such conversation", "see GET /v1/threads")


@router.delete("/{thread}", status_code=204)
async def forget(thread: ThreadId, served: Here, caller: By, corpus: str | None = None) -> Response:
    """Forget a conversation; its runs stay."""
    for hosted in _where(served, corpus):
        try:
            await hosted.agent.threads.delete(thread, owner=caller.owner)
        except InputError:
            continue
        return Response(status_code=204)
    raise refusal(404, "there is no such conversation", "see GET /v1/threads")


def _where(served: Served, corpus: str | None) -> list[Hosted]:
    return [served.corpus(corpus)] if corpus else list(served.hosted.values())
