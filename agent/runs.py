"""Runs, kept: every event of a run, so that it can be looked at again.

One SQLite file beside the corpus. What is older, or more, than the settings allow is
dropped when a run is added. A run belongs to its owner: for anybody else it is not there.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import InputError, StoreUnavailable
from ..graphs.events import Event, RunFinished, RunStarted
from ..tools.types import Noun

log = logging.getLogger("suffice")

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])

LAYOUT = 1
"""The layout of the file, in its `user_version`; 0 is the first, without an owner."""

_SCHEMA = """
create table if not exists runs (
    id text primary key, question text not null, strategy text not null,
    status text not null, at real not null, seconds real not null,
    bytes integer not null, events blob not null,
    owner text not null default '', thread text not null default '',
    asked text not null default ''
) strict;
create index if not exists runs_at on runs (at, bytes);
create index if not exists runs_of on runs (owner, thread, at);
"""
_ADDED = ("owner", "thread", "asked")
_COLUMNS = "id, question, strategy, status, at, seconds, owner, thread, asked"

LAST = "last"
"""Stands for the latest run wherever a run's id is asked for."""


class RunSummary(Noun):
    """One kept run, in a line. `at` is seconds since the epoch.

    `asked` is what was typed, where `question` is what was made of it; `thread` the
    conversation it belongs to, or "".
    """

    id: str
    question: str
    strategy: str
    status: str
    at: float
    seconds: float
    owner: str = ""
    thread: str = ""
    asked: str = ""


class RunStore:
    """Keeps runs in `path`, at most `days` old and `megabytes` in all; 0 keeps none.

    Wherever an `owner` can be given, None stands for all of them. Safe to use from many
    threads. All calls raise `StoreUnavailable` where the file cannot be read or written.
    """

    def __init__(self, path: Path, *, days: float, megabytes: float) -> None:
        self._path = path
        self._days = days
        self._bytes = int(megabytes * 1_000_000)
        self._lock = threading.Lock()
        self._writer: ThreadPoolExecutor | None = None

    @property
    def keeps(self) -> bool:
        """Whether runs are kept at all."""
        return bool(self._days and self._bytes)

    def save(self, events: Sequence[Event], *, owner: str = "", thread: str = "") -> None:
        """Keep one finished run."""
        if not self.keeps:
            return
        started = next(event for event in events if isinstance(event, RunStarted))
        ended = next(event for event in reversed(events) if isinstance(event, RunFinished))
        packed = zlib.compress(_EVENTS.dump_json(list(events)), level=1)
        values = {
            "id": started.run_id,
            "question": started.question,
            "strategy": started.strategy,
            "status": ended.answer.status,
            "at": time.time(),
            "seconds": ended.at,
            "bytes": len(packed),
            "events": packed,
            "owner": owner,
            "thread": thread or started.thread,
            "asked": started.asked,
        }
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with _connection(self._path) as db:
            insert = f"insert or replace into runs ({names}) values ({marks})"  # noqa: S608
            db.execute(insert, [*values.values()])
            self._drop_old(db)

    def save_soon(self, events: Sequence[Event], *, owner: str = "", thread: str = "") -> None:
        """Keep one finished run without waiting for it; every look at the runs waits instead.

        A run that cannot be kept is only warned of: its answer is not withheld for that.
        """
        if not self.keeps:
            return
        with self._lock:
            if self._writer is None:
                self._writer = ThreadPoolExecutor(1, thread_name_prefix="suffice-runs")
            self._writer.submit(self._save_or_warn, list(events), owner, thread)

    def flush(self) -> None:
        """Wait until every run handed over so far is kept."""
        with self._lock:
            waiting = self._writer and self._writer.submit(lambda: None)
        if waiting:
            waiting.result()

    def close(self) -> None:
        """Keep what was handed over and end the thread that does it; harmless twice."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.shutdown(wait=True)

    def latest(
        self,
        limit: int = 50,
        *,
        owner: str | None = None,
        before: float | None = None,
        thread: str | None = None,
    ) -> list[RunSummary]:
        """Return the latest runs, newest first.

        Args:
            limit: how many at most.
            owner: only this owner's.
            before: only those older than this, in seconds since the epoch.
            thread: only those of this conversation.
        """
        self.flush()
        if not self._path.exists():
            return []
        wanted = [("owner = ?", owner), ("at < ?", before), ("thread = ?", thread)]
        given = [(condition, value) for condition, value in wanted if value is not None]
        where = " and ".join(condition for condition, _ in given) or "true"
        query = f"select {_COLUMNS} from runs where {where} order by at desc limit ?"  # noqa: S608 - constants
        with _connection(self._path) as db:
            rows = db.execute(query, (*(value for _, value in given), limit)).fetchall()
        return [RunSummary(**dict(zip(_COLUMNS.split(", "), row, strict=True))) for row in rows]

    def events(self, run_id: str, *, owner: str | None = None) -> list[Event]:
        """Return every event of a run; a unique beginning of its id, or "last", will do.

        Raises:
            InputError: there is no such run of this owner, or there are several.
        """
        found, packed = self._one(run_id, owner)
        try:
            return _EVENTS.validate_json(zlib.decompress(packed))
        except (ValidationError, zlib.error) as error:
            raise StoreUnavailable(
                f"run {found} was kept by another version of Suffice; ask again"
            ) from error

    def summary(self, run_id: str, *, owner: str | None = None) -> RunSummary:
        """Return a run in a line, by its full id.

        Raises:
            InputError: there is no such run of this owner.
        """
        self.flush()
        if self._path.exists():
            query = f"select {_COLUMNS} from runs where id = ? and (? is null or owner = ?)"  # noqa: S608
            with _connection(self._path) as db:
                row = db.execute(query, (run_id, owner, owner)).fetchone()
            if row is not None:
                return RunSummary(**dict(zip(_COLUMNS.split(", "), row, strict=True)))
        raise InputError(f'no run is called "{run_id}"')

    def delete(self, run_id: str, *, owner: str | None = None) -> None:
        """Forget a run.

        Raises:
            InputError: there is no such run of this owner, or there are several.
        """
        found, _ = self._one(run_id, owner)
        with _connection(self._path) as db:
            db.execute("delete from runs where id = ?", (found,))

    def _save_or_warn(self, events: Sequence[Event], owner: str, thread: str) -> None:
        try:
            self.save(events, owner=owner, thread=thread)
        except StoreUnavailable as error:
            log.warning(str(error))

    def _one(self, run_id: str, owner: str | None) -> tuple[str, bytes]:
        """Return the full id and the packed events of the one run that is meant."""
        self.flush()
        if not self._path.exists():
            raise InputError(f"no runs are kept in {self._path.parent}; ask something first")
        mine = "(? is null or owner = ?)"
        with _connection(self._path) as db:
            if run_id == LAST:
                query = f"select id, events from runs where {mine} order by at desc limit 1"  # noqa: S608
                rows = db.execute(query, (owner, owner)).fetchall()
            else:
                # substr and not like: an id is no pattern.
                query = f"select id, events from runs where {mine} and substr(id, 1, ?) = ?"  # noqa: S608
                rows = db.execute(query, (owner, owner, len(run_id), run_id)).fetchall()
        if len(rows) != 1 or not run_id:
            known = ", ".join(run.id for run in self.latest(3, owner=owner)) or "none is kept"
            raise InputError(f'{len(rows)} runs are called "{run_id}"; the latest: {known}')
        found: tuple[str, bytes] = rows[0]
        return found

    def _drop_old(self, db: sqlite3.Connection) -> None:
        db.execute("delete from runs where at < ?", (time.time() - self._days * 86_400,))
        (size,) = db.execute("select coalesce(sum(bytes), 0) from runs").fetchone()
        while size > self._bytes:
            oldest, length = db.execute("select id, bytes from runs order by at limit 1").fetchone()
            db.execute("delete from runs where id = ?", (oldest,))
            size -= length


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """One connection for one piece of work, committed and closed at its end.

    Raises `StoreUnavailable` where the file cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=10)) as db:
            db.execute("pragma journal_mode = wal")
            # A killed process loses nothing by this, and a run is no document: it is not
            # worth the wait for the disk at the end of every question.
            db.execute("pragma synchronous = off")
            _lay_out(db, path)
            yield db
            db.commit()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the runs in {path} cannot be kept or read: {error}") from error


def _lay_out(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this layout: make it, or add what an older version did not have."""
    (layout,) = db.execute("pragma user_version").fetchone()
    if layout == LAYOUT:
        return
    if layout > LAYOUT:
        raise StoreUnavailable(
            f"the runs in {path} were kept by a newer version of Suffice; update it, "
            "or move the file away to begin anew"
        )
    db.execute("begin immediate")  # two processes may come upon the same old file
    there = {row[1] for row in db.execute("pragma table_info(runs)")}
    for name in _ADDED if there else ():
        if name not in there:
            db.execute(f"alter table runs add column {name} text not null default ''")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"pragma user_version = {LAYOUT}")
    db.commit()
