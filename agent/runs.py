"""Runs, kept: every event of a run, so that it can be looked at again.

One SQLite file beside the corpus. What is older, or more, than the settings allow is
dropped when a run is added.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import InputError, StoreUnavailable
from ..graphs.events import Event, RunFinished, RunStarted
from ..tools.types import Noun

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])

_SCHEMA = """
create table if not exists runs (
    id text primary key, question text not null, strategy text not null,
    status text not null, at real not null, seconds real not null,
    bytes integer not null, events blob not null
) strict;
create index if not exists runs_at on runs (at, bytes);
"""


LAST = "last"
"""Stands for the latest run wherever a run's id is asked for."""


class RunSummary(Noun):
    """One kept run, in a line. `at` is seconds since the epoch."""

    id: str
    question: str
    strategy: str
    status: str
    at: float
    seconds: float


class RunStore:
    """Keeps runs in `path`, at most `days` old and `megabytes` in all; 0 keeps none."""

    def __init__(self, path: Path, *, days: float, megabytes: float) -> None:
        self._path = path
        self._days = days
        self._bytes = int(megabytes * 1_000_000)

    def save(self, events: Sequence[Event]) -> None:
        """Keep one finished run. Raises `StoreUnavailable` where it cannot be written."""
        if not self._days or not self._bytes:
            return
        started = next(event for event in events if isinstance(event, RunStarted))
        ended = next(event for event in reversed(events) if isinstance(event, RunFinished))
        packed = zlib.compress(_EVENTS.dump_json(list(events)), level=1)
        row = (
            started.run_id,
            started.question,
            started.strategy,
            ended.answer.status,
            time.time(),
            ended.at,
            len(packed),
            packed,
        )
        with _connection(self._path) as db:
            db.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._drop_old(db)

    def latest(self, limit: int = 50) -> list[RunSummary]:
        """Return the latest runs, newest first."""
        columns = "id, question, strategy, status, at, seconds"
        query = f"select {columns} from runs order by at desc limit ?"  # noqa: S608 - constants
        if not self._path.exists():
            return []
        with _connection(self._path) as db:
            rows = db.execute(query, (limit,)).fetchall()
        return [RunSummary(**dict(zip(columns.split(", "), row, strict=True))) for row in rows]

    def events(self, run_id: str) -> list[Event]:
        """Return every event of a run; a unique beginning of its id, or "last", will do.

        Raises:
            InputError: there is no such run, or there are several.
        """
        if not self._path.exists():
            raise InputError(f"no runs are kept in {self._path.parent}; ask something first")
        with _connection(self._path) as db:
            if run_id == LAST:
                rows = db.execute("select id, events from runs order by at desc limit 1").fetchall()
            else:
                start = run_id.replace("%", "") + "%"
                rows = db.execute(
                    "select id, events from runs where id like ?", (start,)
                ).fetchall()
        if len(rows) != 1:
            known = ", ".join(run.id for run in self.latest(3)) or "none is kept"
            raise InputError(f'{len(rows)} runs are called "{run_id}"; the latest: {known}')
        try:
            return _EVENTS.validate_json(zlib.decompress(rows[0][1]))
        except (ValidationError, zlib.error) as error:
            raise StoreUnavailable(
                f"run {rows[0][0]} was kept by another version of Suffice; ask again"
            ) from error

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
            if not db.execute("select 1 from sqlite_master where name = 'runs'").fetchone():
                db.executescript(_SCHEMA)
            yield db
            db.commit()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the runs in {path} cannot be kept or read: {error}") from error
