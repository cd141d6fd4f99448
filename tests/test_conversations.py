"""Conversations: a follow-up is understood, shown, remembered, and nobody else's."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import tugs

from suffice import Agent, Corpus, InputError
from suffice.errors import CallFailed
from suffice.graphs.events import NodeFinished, RunFinished, RunStarted
from suffice.testing import FunctionModel, ScriptedModel, reasoner
from suffice.tools.reason.protocol import Turn


@pytest.fixture
def corpus(own_folder: Path) -> Iterator[Corpus]:
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        yield corpus


def started(events: list) -> RunStarted:
    return next(event for event in events if isinstance(event, RunStarted))


def test_a_follow_up_is_made_into_a_question_that_stands_alone_and_shown(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        agent.ask(tugs.question("Anchor"), thread="t")
        events = list(agent.stream("and who is her master?", thread="t"))
        first = started(events)
        assert events[0] == first
        assert first.asked == "and who is her master?"
        assert first.question == "Who is the tug Anchor’s master?"
        assert first.thread == "t"
        assert "Anchorsen" in events[-1].answer.text
        assert next(e.node for e in events if isinstance(e, NodeFinished)) == "contextualize"
        kept = agent.runs.latest(1)[0]
        assert (kept.asked, kept.question, kept.thread) == (first.asked, first.question, "t")


def test_a_first_question_and_one_without_a_thread_are_not_rewritten(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        for thread in (None, "new"):
            events = list(agent.stream(tugs.question("Anchor"), thread=thread))
            assert started(events).asked == ""
            assert "contextualize" not in [e.node for e in events if isinstance(e, NodeFinished)]


def test_threads_outlive_the_agent(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        agent.ask(tugs.question("Anchor"), thread="t")
    with Agent(corpus) as agent:
        answer = agent.ask("and when was her master appointed?", thread="t")
        assert "2015" in answer.text
        turns = asyncio.run(agent.threads.turns("t"))
        assert [turn.asked for turn in turns][1] == "and when was her master appointed?"
        assert all(isinstance(turn, Turn) for turn in turns)
        listed = asyncio.run(agent.threads.latest())
        assert [(one.id, one.turns, one.title) for one in listed] == [
            ("t", 2, tugs.question("Anchor"))
        ]


def test_another_owners_thread_is_as_unknown_as_none(corpus: Corpus) -> None:
    with Agent(corpus) as agent:
        run = agent.ask(tugs.question("Anchor"), thread="t", owner="ada").run_id
        other = list(agent.stream("and who is her master?", thread="t", owner="bo"))
        assert started(other).asked == ""
        assert asyncio.run(agent.threads.latest(owner="bo"))[0].turns == 1
        asyncio.run(agent.threads.delete("t", owner="bo"))
        with pytest.raises(InputError, match='no thread is called "t"'):
            asyncio.run(agent.threads.delete("t", owner="bo"))
        assert len(asyncio.run(agent.threads.turns("t", owner="ada"))) == 1
        unknown, foreign = [], []
        for found, run_id in ((unknown, "none-such"), (foreign, run)):
            for call in (agent.runs.events, agent.runs.delete):
                with pytest.raises(InputError) as error:
                    call(run_id, owner="cy")
                found.append(str(error.value).replace(run_id, "ID"))
        assert unknown == foreign
        assert agent.runs.latest(owner="cy") == []


def test_threads_are_forgotten_by_age_and_by_size(corpus: Corpus) -> None:
    with Agent(corpus, keep_threads_days=1) as agent:
        agent.ask(tugs.question("Anchor"), thread="old")
        with sqlite3.connect("notes/threads.sqlite") as db:
            db.execute("update threads set at = at - 90000")
        db.close()
        agent.ask(tugs.question("Bittern"), thread="new")
        assert [one.id for one in asyncio.run(agent.threads.latest())] == ["new"]
        assert asyncio.run(agent.threads.turns("old")) == ()
    with Agent(corpus, keep_threads_mb=0.000001) as agent:
        agent.ask(tugs.question("Curlew"), thread="newest")
        assert [one.id for one in asyncio.run(agent.threads.latest())] == ["newest"]


def test_where_nothing_is_kept_a_thread_lives_as_long_as_the_agent(corpus: Corpus) -> None:
    with Agent(corpus, keep_threads_days=0) as agent:
        agent.ask(tugs.question("Anchor"), thread="t")
        assert "Anchorsen" in agent.ask("who is her master?", thread="t").text
        assert [one.turns for one in asyncio.run(agent.threads.latest())] == [2]
    assert not Path("notes/threads.sqlite").exists()
    with Agent(corpus, keep_threads_days=0) as agent:
        assert asyncio.run(agent.threads.latest()) == []


def test_only_the_latest_checkpoint_of_a_thread_is_kept_and_none_is_a_pickle(
    corpus: Corpus,
) -> None:
    with Agent(corpus) as agent:
        for name in tugs.NAMES[:3]:
            agent.ask(tugs.question(name), thread="t")
    with sqlite3.connect("notes/threads.sqlite") as db:
        rows = db.execute("select type from checkpoints").fetchall()
        types = {row[0] for row in db.execute("select distinct type from writes")}
    db.close()
    assert rows == [("msgpack",)]
    assert types <= {"msgpack", "null"}


def test_a_threads_file_that_cannot_be_written_does_not_withhold_an_answer(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    with Agent(corpus) as agent:
        folder = Path("notes/threads.sqlite")
        events = agent.stream(tugs.question("Anchor"), thread="t")
        next(iter(events))
        folder.mkdir()
        last = list(events)[-1]
        assert isinstance(last, RunFinished)
        assert tugs.answer("Anchor") in last.answer.text
        assert "threads.sqlite cannot be kept or read" in caplog.text


def test_a_thread_without_a_name_is_refused(corpus: Corpus) -> None:
    with Agent(corpus) as agent, pytest.raises(InputError, match="a thread needs a name"):
        agent.ask(tugs.question("Anchor"), thread=" ")


# With a model


def planned() -> dict:
    quote = {"id": "p1", "text": tugs.text("Anchor").split(". ")[0] + "."}
    part = {"part": 1, "question": "?", "answer": "berth 3", "claim": "Berth 3.", "quotes": [quote]}
    return {"parts": [part]}


def asked_with(corpus: Corpus, *replies: object, budget: dict | None = None) -> list:
    model = ScriptedModel(replies)
    with Agent(corpus, reasoner=reasoner(model)) as agent:
        turn = Turn(asked=tugs.question("Anchor"), question=tugs.question("Anchor"))
        asyncio.run(agent.threads.add("t", turn))
        return list(agent.stream("and when was her master appointed?", thread="t", budget=budget))


def rewriting(events: list) -> dict:
    return next(e for e in events if isinstance(e, NodeFinished)).result["rewritten"]


def test_a_model_rewrites_in_one_call_that_is_counted(corpus: Corpus) -> None:
    said = "When was the master of the tug Anchor appointed?"
    events = asked_with(corpus, {"question": said}, planned())
    assert started(events).question == said
    assert rewriting(events)["by"] == "model"
    assert events[-1].answer.usage.llm_calls == 2


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        ({"question": "When was Captain Nemo appointed?"}, "the model added “Captain Nemo”"),
        ({"question": "When was the tug Anchor’s master appointed in 1866?"}, "added “1866”"),
    ],
)
def test_what_a_model_invents_is_not_taken(corpus: Corpus, reply: dict, note: str) -> None:
    events = asked_with(corpus, reply, planned())
    assert rewriting(events)["by"] == "rules"
    assert note in rewriting(events)["note"]
    assert started(events).question == "When was the tug Anchor’s master appointed?"


def test_an_unusable_reply_falls_to_the_rules_and_says_so(corpus: Corpus) -> None:
    events = asked_with(corpus, "no form", "none again", planned())
    assert "reply could not be used" in rewriting(events)["note"]
    assert started(events).question == "When was the tug Anchor’s master appointed?"
    assert events[-1].answer.usage.llm_calls == 3


def test_without_budget_for_a_call_the_rules_do_it_and_say_so(corpus: Corpus) -> None:
    events = asked_with(corpus, budget={"llm_calls": 0})
    assert "budget did not allow" in rewriting(events)["note"]


def test_an_outage_while_understanding_is_an_outage(corpus: Corpus) -> None:
    def broken(*_: object) -> CallFailed:
        return CallFailed("the model is away")

    with Agent(corpus, reasoner=reasoner(FunctionModel(broken))) as agent:
        turn = Turn(asked=tugs.question("Anchor"), question=tugs.question("Anchor"))
        asyncio.run(agent.threads.add("t", turn))
        answer = agent.ask("and who is her master?", thread="t")
    assert (answer.status, answer.reason) == ("failed", "outage")
    assert "contextualize: the model is away" in answer.text
