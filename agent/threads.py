"""Conversations, kept: the turns of each thread, by LangGraph's own checkpointer.

One SQLite file beside the corpus. A thread belongs to its owner: another owner's thread of
the same name is another thread. Where nothing may be kept, threads live in memory and end
with the agent.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typing_extensions import TypedDict

from ..errors import InputError, StoreUnavailable
from ..tools.reason.protocol import Turn
from ..tools.types import Answer, Noun

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

MOST_TURNS = 200
"""Turns of one thread that are kept; the oldest give way."""

MOST_IN_MEMORY = 200
"""Threads that live in memory where nothing is kept on disk."""

LONGEST_NAME = 200
_LONGEST_TEXT = 2000
_KEEP = "keep"

_SCHEMA = """
create table if not exists threads (
    key text primary key, owner text not null, id text not null, title text not null,
    at real not null, turns integer not null
) strict;
create index if not exists threads_of on threads (owner, at);
"""


class ThreadSummary(Noun):
    """One kept conversation, in a line. `at` is when it was last added to, since the epoch."""

    id: str
    title: str
    at: float
    turns: int


def _joined(known: Sequence[Turn], new: Sequence[Turn]) -> tuple[Turn, ...]:
    """Add turns to those there are; the file gives back a list where a tuple was kept."""
    return (*known, *new)[-MOST_TURNS:]


class _Kept(TypedDict):
    """What is checkpointed of a thread."""

    turns: Annotated[Sequence[Turn], _joined]


def turn_of(answer: Answer, question: str, asked: str) -> Turn:
    """Return what a conversation remembers of an answer."""
    head, short, rest = answer.text.partition("\n\n")
    return Turn(
        asked=asked or question,
        question=question,
        status=answer.status,
        lead=head.strip() if short and len(head) <= 80 else "",
        text=(rest if short else head)[:_LONGEST_TEXT],
        run_id=answer.run_id,
        at=time.time(),
    )


class ThreadStore:
    """Keeps threads in `path`, at most `days` old and `megabytes` in all; 0 keeps none on disk.

    Safe to use from any event loop: each call opens the file for itself. All calls raise
    `StoreUnavailable` where the file cannot be read or written.
    """

    def __init__(self, path: Path, *, days: float, megabytes: float) -> None:
        self._path = path
        self._days = days
        self._bytes = int(megabytes * 1_000_000)
        self._memory: dict[str, tuple[Turn, ...]] = {}

    @property
    def keeps(self) -> bool:
        """Whether threads outlive the process."""
        return bool(self._days and self._bytes)

    async def turns(self, thread: str, *, owner: str = "") -> tuple[Turn, ...]:
        """Return the turns of a thread, oldest first; none of one that is not known."""
        key = _key(thread, owner)
        if not self.keeps:
            return self._memory.get(key, ())
        if not self._path.exists():
            return ()
        async with self._graph() as (graph, _):
            return await _turns(graph, key)

    async def add(self, thread: str, turn: Turn, *, owner: str = "") -> None:
        """Add a turn to a thread, and drop what is too old or too much."""
        key = _key(thread, owner)
        if not self.keeps:
            self._remember(key, turn)
            return
        async with self._graph() as (graph, db):
            known = await _turns(graph, key)
            await graph.aupdate_state(_config(key), {"turns": (turn,)}, as_node=_KEEP)
            title = known[0].question if known else turn.question
            row = (
                key,
                owner,
                thread,
                title[:200],
                turn.at or time.time(),
                min(len(known) + 1, MOST_TURNS),
            )
            await db.execute("insert or replace into threads values (?, ?, ?, ?, ?, ?)", row)
            await _drop_former(db, key)
            await self._drop_old(db, key)
            await db.commit()

    async def latest(self, limit: int = 50, *, owner: str = "") -> list[ThreadSummary]:
        """Return the latest threads of an owner, newest first."""
        if not self.keeps:
            return self._in_memory(owner)[:limit]
        if not self._path.exists():
            return []
        query = "select id, title, at, turns from threads where owner = ? order by at desc limit ?"
        async with self._graph() as (_, db):
            rows = await db.execute_fetchall(query, (owner, limit))
        names = ("id", "title", "at", "turns")
        return [ThreadSummary(**dict(zip(names, row, strict=True))) for row in rows]

    async def delete(self, thread: str, *, owner: str = "") -> None:
        """Forget a thread.

        Raises:
            InputError: this owner has no such thread.
        """
        key = _key(thread, owner)
        if not await self.turns(thread, owner=owner):
            raise InputError(f'no thread is called "{thread}"')
        if not self.keeps:
            del self._memory[key]
            return
        async with self._graph() as (_, db):
            await _forget(db, [key])
            await db.commit()

    def _remember(self, key: str, turn: Turn) -> None:
        self._memory[key] = (*self._memory.pop(key, ()), turn)[-MOST_TURNS:]
        while len(self._memory) > MOST_IN_MEMORY:
            del self._memory[next(iter(self._memory))]

    def _in_memory(self, owner: str) -> list[ThreadSummary]:
        mine = [(json.loads(key), turns) for key, turns in reversed(self._memory.items())]
        return [
            ThreadSummary(id=name, title=turns[0].question, at=turns[-1].at, turns=len(turns))
            for (whose, name), turns in mine
            if whose == owner
        ]

    async def _drop_old(self, db: Any, newest: str) -> None:
        before = time.time() - self._days * 86_400
        rows = await db.execute_fetchall("select key from threads where at < ?", (before,))
        await _forget(db, [row[0] for row in rows])
        query = (
            "select thread_id, sum(length(checkpoint) + length(metadata)) from checkpoints "
            "join threads on thread_id = key group by thread_id order by at"
        )
        sizes = [(row[0], row[1]) for row in await db.execute_fetchall(query)]
        total = sum(size for _, size in sizes)
        for key, size in sizes:
            if total > self._bytes and key != newest:
                await _forget(db, [key])
                total -= size

    @asynccontextmanager
    async def _graph(self) -> AsyncIterator[tuple[CompiledStateGraph[Any], Any]]:
        """Open the file, and the graph that is nothing but its turns."""
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        # Only our own noun is ever made from the file, and nothing is unpickled.
        serde = JsonPlusSerializer(allowed_msgpack_modules=[Turn], pickle_fallback=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            async with AsyncSqliteSaver.from_conn_string(str(self._path)) as saver:
                saver.serde, db = serde, saver.conn
                await saver.setup()
                await db.executescript(_SCHEMA)
                yield _built(saver), db
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(
                f"the threads in {self._path} cannot be kept or read: {error}"
            ) from error


def _built(saver: Any) -> CompiledStateGraph[Any]:
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(_Kept)
    graph.add_node(_KEEP, lambda _: {})
    graph.add_edge(START, _KEEP)
    graph.add_edge(_KEEP, END)
    return graph.compile(checkpointer=saver, name="thread")


async def _turns(graph: CompiledStateGraph[Any], key: str) -> tuple[Turn, ...]:
    values = (await graph.aget_state(_config(key))).values
    # What another version kept in another shape is left out, not guessed at.
    return tuple(turn for turn in values.get("turns", ()) if isinstance(turn, Turn))


async def _drop_former(db: Any, key: str) -> None:
    """Keep the latest checkpoint alone: it holds every turn."""
    for table in ("checkpoints", "writes"):
        await db.execute(
            f"delete from {table} where thread_id = ? and checkpoint_id <> "  # noqa: S608
            "(select max(checkpoint_id) from checkpoints where thread_id = ?)",
            (key, key),
        )


async def _forget(db: Any, keys: list[str]) -> None:
    for key in keys:
        await db.execute("delete from checkpoints where thread_id = ?", (key,))
        await db.execute("delete from writes where thread_id = ?", (key,))
        await db.execute("delete from threads where key = ?", (key,))


def _config(key: str) -> Any:
    return {"configurable": {"thread_id": key, "checkpoint_ns": ""}}


def _key(thread: str, owner: str) -> str:
    """Return the name under which a thread of an owner is kept; no two can share one."""
    if not thread.strip() or len(thread) > LONGEST_NAME:
        raise InputError(f"a thread needs a name of 1 to {LONGEST_NAME} characters")
    return json.dumps([owner, thread])
