"""Runs are kept beside the corpus, as long as they may be, and an answer never waits for them."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tugs

from suffice import Agent, Corpus, Document, InputError, StoreUnavailable
from suffice.graphs.events import RunFinished, RunStarted


@pytest.fixture
def corpus(own_folder: Path) -> Iterator[Corpus]:
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        yield corpus


def test_a_run_is_kept_with_every_event(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        told = list(agent.stream(tugs.question("Anchor")))
        kept = agent.runs.events("last")
    assert kept == told
    assert isinstance(kept[0], RunStarted)
    assert isinstance(kept[-1], RunFinished)


def test_runs_are_listed_latest_first_and_found_by_the_beginning_of_their_name(
    corpus: Corpus,
) -> None:
    with Agent(corpus) as agent:
        ids = [agent.ask(tugs.question(name)).run_id for name in tugs.NAMES[:3]]
        listed = agent.runs.latest()
        assert [run.id for run in listed] == ids[::-1]
        assert [run.question for run in listed][-1] == tugs.question("Anchor")
        assert {run.status for run in listed} == {"answered"}
        assert agent.runs.latest(1)[0].id == ids[-1]
        unique = next(n for n in range(1, 99) if sum(i.startswith(ids[0][:n]) for i in ids) == 1)
        assert agent.runs.events(ids[0][:unique])[0] == agent.runs.events(ids[0])[0]
        with pytest.raises(InputError, match=rf'0 runs are called "nope"; the latest: {ids[2]}'):
            agent.runs.events("nope")
        with pytest.raises(InputError, match="3 runs are called"):
            agent.runs.events(ids[0][:4])


def test_where_no_run_is_kept_there_is_none(corpus: Corpus) -> None:
    with Agent(corpus, keep_runs_days=0) as agent:
        agent.ask(tugs.question("Anchor"))
        assert agent.runs.latest() == []
        with pytest.raises(InputError, match="ask something first"):
            agent.runs.events("last")
    assert not Path("notes/runs.sqlite").exists()


def test_an_old_run_is_dropped_when_another_is_kept(corpus: Corpus) -> None:
    with Agent(corpus, keep_runs_days=1) as agent:
        old = agent.ask(tugs.question("Anchor")).run_id
        agent.runs.flush()
        with sqlite3.connect("notes/runs.sqlite") as db:
            db.execute("update runs set at = at - 90000 where id = ?", (old,))
        db.close()
        new = agent.ask(tugs.question("Bittern")).run_id
        assert [run.id for run in agent.runs.latest()] == [new]


def test_the_oldest_runs_give_way_when_there_are_too_many_bytes(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        agent.ask(tugs.question("Anchor"))
        agent.runs.flush()
        with sqlite3.connect("notes/runs.sqlite") as db:
            (size,) = db.execute("select length(events) from runs").fetchone()
        db.close()
    with Agent(corpus, keep_runs_mb=2.5 * size / 1e6) as agent:
        ids = [agent.ask(tugs.question(name)).run_id for name in tugs.NAMES[:5]]
        assert [run.id for run in agent.runs.latest()] == ids[:2:-1]


def test_a_run_that_cannot_be_kept_does_not_withhold_the_answer(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    Path("notes/runs.sqlite").write_bytes(b"this is no database, whatever it is called" * 99)
    with Agent(corpus) as agent:
        assert tugs.answer("Curlew") in agent.ask(tugs.question("Curlew")).text
        agent.runs.flush()
        assert "notes/runs.sqlite cannot be kept or read: file is not a database" in caplog.text
        with pytest.raises(StoreUnavailable, match="file is not a database"):
            agent.runs.latest()


def test_a_run_of_another_version_says_so(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        run_id = agent.ask(tugs.question("Anchor")).run_id
        agent.runs.flush()
        with sqlite3.connect("notes/runs.sqlite") as db:
            future = zlib.compress(b'[{"type": "of the future"}]')
            db.execute("update runs set events = ?", (future,))
        db.close()
        with pytest.raises(StoreUnavailable, match=rf"{run_id} was kept by another version"):
            agent.runs.events("last")


def test_asking_an_empty_corpus_does_not_stand_in_the_way_of_adding(own_folder: Path) -> None:
    with Corpus.open("notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        answer = agent.ask(tugs.question("Anchor"))
        assert (answer.status, answer.reason) == ("abstained", "no_evidence")
        assert corpus.add(Document(text=tugs.text("Anchor"))).added == 1
        assert tugs.answer("Anchor") in agent.ask(tugs.question("Anchor")).text
        assert len(agent.runs.latest()) == 2


def test_a_file_of_the_first_layout_is_brought_to_the_new_one(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        old = agent.ask(tugs.question("Anchor")).run_id
    with sqlite3.connect("notes/runs.sqlite") as db:
        db.execute("drop index runs_of")
        for name in ("owner", "thread", "asked"):
            db.execute(f"alter table runs drop column {name}")
        db.execute("pragma user_version = 0")
    db.close()
    with Agent(corpus) as agent:
        new = agent.ask(tugs.question("Bittern"), owner="ada", thread="t").run_id
        assert [(run.id, run.owner, run.thread) for run in agent.runs.latest()] == [
            (new, "ada", "t"),
            (old, "", ""),
        ]
        assert agent.runs.events(old)[-1].answer.run_id == old


def test_a_file_of_a_newer_layout_is_left_alone_and_says_so(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect("notes/runs.sqlite") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with Agent(corpus) as agent:
        assert tugs.answer("Curlew") in agent.ask(tugs.question("Curlew")).text
        with pytest.raises(StoreUnavailable, match="newer version of Suffice"):
            agent.runs.latest()
    assert "newer version" in caplog.text


def test_runs_are_listed_by_owner_thread_and_age_and_can_be_deleted(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        first = agent.ask(tugs.question("Anchor"), owner="ada", thread="t").run_id
        second = agent.ask(tugs.question("Bittern"), owner="bo").run_id
        assert [run.id for run in agent.runs.latest(owner="ada")] == [first]
        assert [run.id for run in agent.runs.latest(thread="t")] == [first]
        newest = agent.runs.latest(1)[0]
        assert [run.id for run in agent.runs.latest(before=newest.at)] == [first]
        agent.runs.delete(second, owner="bo")
        assert [run.id for run in agent.runs.latest()] == [first]
