"""Who opened what closes it, and only that; what is closed says so."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tugs
from scripted import ScriptedReasoner

from suffice import Agent, Corpus, ProviderMissing, SettingsError, StoreError, StoreMissing

QUESTION = tugs.question("Dunlin")


class Counted(ScriptedReasoner):
    """Counts how often it was closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


def left_behind(before: set[threading.Thread]) -> list[str]:
    """Return the threads that have come since and do not end of themselves."""
    new = set(threading.enumerate()) - before
    for thread in new:
        thread.join(timeout=5)
    return [thread.name for thread in new if thread.is_alive()]


def notes(place: Path) -> Corpus:
    corpus = Corpus.open(place, **tugs.QUICK)
    corpus.add(tugs.documents())
    return corpus


def test_a_corpus_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with notes(tmp_path / "notes") as corpus, Agent(corpus) as agent:
        agent.ask(QUESTION)
        asyncio.run(agent.aask(QUESTION))
    assert left_behind(before) == []


@pytest.mark.slow
def test_nor_does_the_default_embedder(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Corpus.open(tmp_path / "notes") as corpus, Agent(corpus, small="none") as agent:
        corpus.add(tugs.documents())
        agent.ask(QUESTION)
    assert left_behind(before) == []


def test_an_agent_closes_the_corpus_it_opened(tmp_path: Path) -> None:
    notes(tmp_path / "notes").close()
    with Agent(tmp_path / "notes", **tugs.QUICK) as agent:
        corpus = agent.corpus
        assert corpus.count() == len(tugs.NAMES)
    assert corpus.closed


def test_an_agent_leaves_open_what_it_was_given(tmp_path: Path) -> None:
    reasoner = Counted()
    with notes(tmp_path / "notes") as corpus:
        with Agent(corpus, reasoner=reasoner):
            pass
        assert not corpus.closed
        assert reasoner.closed == 0
        assert corpus.count() == len(tugs.NAMES)
    assert corpus.closed


def test_an_agent_that_cannot_be_made_closes_the_corpus_again(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ProviderMissing):
        Agent(tmp_path / "notes", embedder="none", small="nobody:model")
    assert left_behind(before) == []


def test_a_corpus_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ProviderMissing):
        Corpus.open(tmp_path / "notes", embedder="none", reranker="nobody:model")
    with pytest.raises(StoreMissing):
        Corpus.open(tmp_path / "nowhere", create=False, **tugs.QUICK)
    assert left_behind(before) == []


def test_closing_twice_and_in_any_order_is_harmless(tmp_path: Path) -> None:
    corpus = notes(tmp_path / "notes")
    agent = Agent(corpus)
    corpus.close()
    agent.close()
    agent.close()
    corpus.close()
    assert corpus.closed
    with Corpus.open(tmp_path / "notes", **tugs.QUICK) as again:
        assert again.count()


def test_what_is_closed_says_so(tmp_path: Path) -> None:
    corpus = notes(tmp_path / "notes")
    agent = Agent(corpus)
    corpus.close()
    calls = (
        lambda: corpus.search("tug"),
        lambda: corpus.add(tugs.documents()),
        lambda: corpus.count(),
        lambda: corpus.documents(),
        lambda: asyncio.run(corpus.asearch("tug")),
        lambda: agent.ask(QUESTION),
        lambda: asyncio.run(agent.aask(QUESTION)),
        lambda: agent.retrieve(QUESTION),
        lambda: list(agent.stream(QUESTION)),
        lambda: agent.status(),
    )
    for call in calls:
        with pytest.raises(StoreError, match=r"the corpus at .*notes.* is closed"):
            call()


def test_what_was_closed_can_be_opened_again(tmp_path: Path) -> None:
    notes(tmp_path / "notes").close()
    with Agent(tmp_path / "notes", **tugs.QUICK) as agent:
        assert tugs.answer("Dunlin") in agent.ask(QUESTION).text


def test_a_forgotten_corpus_lets_go_of_its_folder(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    agent = Agent(notes(tmp_path / "notes"))
    agent.ask(QUESTION)
    del agent
    gc.collect()
    assert left_behind(before) == []


def test_a_script_that_closes_nothing_ends_quietly_and_loses_nothing(tmp_path: Path) -> None:
    script = (
        "from suffice import Agent, Corpus, Document\n"
        "corpus = Corpus.open('notes', embedder='none')\n"
        "corpus.add(Document(text='The tug Anchor is moored at berth 3.'))\n"
        "print(Agent(corpus, small='none').ask('Where is the tug Anchor moored?').status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "answered\n", "")
    with Corpus.open(tmp_path / "notes", create=False, **tugs.QUICK) as corpus:
        assert corpus.count() == 1


def test_a_setting_that_comes_too_late_is_refused(tmp_path: Path) -> None:
    with notes(tmp_path / "notes") as corpus:
        for late in ({"embedder": "minilm"}, {"reranker": "none"}, {"max_chars": 500}):
            with pytest.raises(SettingsError, match=r"give it to Corpus\.open"):
                Agent(corpus, **late)


def test_a_corpus_in_memory_leaves_nothing_on_the_disk(own_folder: Path) -> None:
    with Corpus.open(":memory:", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        assert corpus.add(tugs.documents()).added == len(tugs.NAMES)
        assert tugs.answer("Dunlin") in agent.ask(QUESTION).text
        assert corpus.count({"year": {"lte": 2016}}) == 2
        assert agent.status()["passages"] == len(tugs.NAMES)
    assert list(own_folder.iterdir()) == []
