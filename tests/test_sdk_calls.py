"""The calls of the SDK: sync and async twins, from any thread and from inside a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tugs
from scripted import ScriptedReasoner, claim, found, parts, query

from suffice import Agent, Answer, Corpus, Document, FilterError, InputError, QuestionError
from suffice.tools.reason.protocol import Draft, Plan, Verdict


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with Corpus.open(tmp_path_factory.mktemp("calls") / "notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        yield corpus


@pytest.fixture(scope="module")
def agent(corpus: Corpus) -> Iterator[Agent]:
    with Agent(corpus) as agent:
        yield agent


def check_answer(answer: Answer, name: str) -> None:
    """An answer is right, and each of its citations stands where it says."""
    assert answer.status == "answered"
    assert tugs.answer(name) in answer.text
    assert answer.citations
    for citation in answer.citations:
        assert citation.quote == tugs.text(name)[citation.start : citation.end]
        assert citation.source == f"tugs/{name.lower()}.md"


# One engine, two manners of calling it


def test_ask_answers_with_quotes_that_are_there(agent: Agent) -> None:
    check_answer(agent.ask(tugs.question("Curlew")), "Curlew")


def test_the_async_twins_give_the_same(agent: Agent, corpus: Corpus) -> None:
    async def twins() -> tuple[object, ...]:
        question = tugs.question("Egret")
        answer = await agent.aask(question)
        return (
            answer.text,
            [p.id for p in await agent.aretrieve(question, limit=3)],
            [p.id for p in await corpus.asearch(question, limit=3)],
        )

    question = tugs.question("Egret")
    assert asyncio.run(twins()) == (
        agent.ask(question).text,
        [p.id for p in agent.retrieve(question, limit=3)],
        [p.id for p in corpus.search(question, limit=3)],
    )


def test_a_sync_call_works_inside_a_running_loop(agent: Agent, corpus: Corpus) -> None:
    async def notebook() -> tuple[Answer, int, int]:
        answer = agent.ask(tugs.question("Heron"))
        return answer, len(corpus.search("tug")), len(agent.retrieve("tug master"))

    answer, searched, retrieved = asyncio.run(notebook())
    check_answer(answer, "Heron")
    assert searched
    assert retrieved


def test_loops_that_come_and_go_share_one_corpus(agent: Agent) -> None:
    for name in tugs.NAMES[:3]:
        check_answer(asyncio.run(agent.aask(tugs.question(name))), name)


def test_32_questions_from_8_threads_are_each_answered_with_their_own(agent: Agent) -> None:
    asked = tugs.NAMES * 4
    together = threading.Barrier(8)

    def ask(name: str) -> Answer:
        if name is asked[0]:
            together.reset()
        return agent.ask(tugs.question(name))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, asked))
    for name, answer in zip(asked, answers, strict=True):
        check_answer(answer, name)
    assert len({answer.run_id for answer in answers}) == 32


def test_many_questions_at_once_on_one_loop(agent: Agent) -> None:
    async def gathered() -> list[Answer]:
        return await asyncio.gather(*(agent.aask(tugs.question(name)) for name in tugs.NAMES))

    for name, answer in zip(tugs.NAMES, asyncio.run(gathered()), strict=True):
        check_answer(answer, name)


def test_adding_while_others_ask_loses_nothing(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "busy", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add(tugs.documents())
        more = [[Document(text=f"Buoy {n} is lit at night.", source=f"b{n}")] for n in range(12)]
        with ThreadPoolExecutor(6) as threads:
            reports = [threads.submit(corpus.add, each) for each in more]
            answers = [threads.submit(agent.ask, tugs.question(name)) for name in tugs.NAMES]
        assert sum(report.result().added for report in reports) == 12
        for name, answer in zip(tugs.NAMES, answers, strict=True):
            check_answer(answer.result(), name)
        assert corpus.count() == len(tugs.NAMES) + 12


# Filters


def test_where_narrows_a_search_a_question_and_a_retrieval(agent: Agent, corpus: Corpus) -> None:
    where = {"year": {"gte": 2017, "lte": 2019}, "team": "pilots"}
    for passages in (
        corpus.search("tug", where=where),
        agent.retrieve("tug", where=where),
        list(agent.ask("Where is the tug moored?", where=where).passages),
    ):
        assert {(p.metadata["year"], p.metadata["team"]) for p in passages} == {(2018, "pilots")}
    assert corpus.count(where) == 1


def test_where_holds_in_every_hop_whatever_the_reasoner_asks(corpus: Corpus) -> None:
    where = {"team": "pilots"}
    quote = "The tug Bittern is moored at berth 4."
    hops = [
        Plan(
            sufficient=False,
            subquestions=parts("who?", "where?"),
            queries=(query("tug Anchor master"), query("Curlew", where={"year": {"gte": 2000}})),
        )
    ]
    again = Verdict(sufficient=False, queries=(query("Egret berth", where={"team": "engineers"}),))
    passage = corpus.search("Bittern", limit=1)[0]
    done = Verdict(sufficient=True, findings=(found("1", passage.id, quote),))
    draft = Draft(claims=(claim(passage.id, quote),), confidence=0.9)
    reasoner = ScriptedReasoner(plans=hops, verdicts=[again, done], drafts=[draft])
    with Agent(corpus, reasoner=reasoner) as agent:
        answer = agent.ask("Who and where?", where=where)
    assert len(answer.searches) >= 3
    assert all((search.where or {}).get("team") for search in answer.searches)
    assert answer.passages
    assert {passage.metadata["team"] for passage in answer.passages} == {"pilots"}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"yeer": 2018}, 'Did you mean "year"'),
        ({"year": {"gt": 2018}}, "Operators: eq, in, not_in, gte, lte"),
        ({"year": {"gte": "soon"}}, "needs a number or an ISO date"),
        ({"team": {"in": "pilots"}}, "needs a list"),
    ],
)
def test_a_filter_that_cannot_be_used_says_how_it_could(
    agent: Agent, corpus: Corpus, where: dict, says: str
) -> None:
    calls = (
        lambda: agent.ask("Who?", where=where),
        lambda: agent.retrieve("Who?", where=where),
        lambda: list(agent.stream("Who?", where=where)),
        lambda: corpus.search("Who?", where=where),
        lambda: corpus.count(where),
    )
    for call in calls:
        with pytest.raises(FilterError, match=says):
            call()


# Limits


def test_limits_are_kept(agent: Agent, corpus: Corpus) -> None:
    assert len(corpus.search("tug master berth", limit=3)) == 3
    assert len(agent.retrieve("tug master berth", limit=2)) == 2
    for limit in (0, -1):
        with pytest.raises(InputError, match="at least 1"):
            corpus.search("tug", limit=limit)
        with pytest.raises(InputError, match="at least 1"):
            agent.retrieve("tug", limit=limit)


def test_a_search_may_ask_for_more_than_a_reranker_usually_sees(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "many", **tugs.QUICK) as corpus:
        corpus.add(Document(text=f"Buoy number {n}", source=str(n)) for n in range(120))
        assert len(corpus.search("buoy", limit=100)) == 100


@pytest.mark.parametrize("question", ["", "   ", "\n\t", "\N{NO-BREAK SPACE}"])
def test_an_empty_question_is_refused(agent: Agent, corpus: Corpus, question: str) -> None:
    for call in (agent.ask, agent.retrieve, agent.stream, corpus.search):
        with pytest.raises(QuestionError, match="empty"):
            call(question)


def test_a_text_of_100_000_characters_is_no_question(agent: Agent, corpus: Corpus) -> None:
    for call in (agent.ask, agent.retrieve, agent.stream, corpus.search):
        with pytest.raises(QuestionError, match="100,000 characters, 8,000 are the most"):
            call("x" * 100_000)


def test_odd_characters_in_a_question_break_nothing(agent: Agent) -> None:
    for text in ("\x00", "Where is \udce9 moored?", "👩‍👩‍👧 tug?", '"; drop table; --', "a" * 8000):
        assert agent.ask(text).status in ("abstained", "answered", "partial")


# Documents


def test_documents_can_be_listed_read_and_removed(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "kept", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        listed = corpus.documents()
        assert {document.title for document in listed} == {f"Tug {name}" for name in tugs.NAMES}
        anchor = next(d for d in listed if d.title == "Tug Anchor")
        stored = corpus.document(anchor.id)
        assert stored is not None
        assert stored.text == tugs.text("Anchor")
        corpus.remove(anchor.id)
        assert corpus.document(anchor.id) is None
        assert corpus.count() == len(tugs.NAMES) - 1
        asyncio.run(corpus.aremove([d.id for d in listed]))
        assert corpus.count() == 0


def test_adding_again_is_unchanged_and_a_change_is_an_update(tmp_path: Path) -> None:
    folder = tugs.write_folder(tmp_path / "tugs")
    with Corpus.open(tmp_path / "kept", **tugs.QUICK) as corpus:
        assert corpus.add(folder).added == len(tugs.NAMES)
        assert asyncio.run(corpus.aadd([folder])).unchanged == len(tugs.NAMES)
        (folder / "anchor.md").write_text("The tug Anchor was sold.", "utf-8")
        (folder / "heron.md").unlink()
        report = corpus.add(folder)
        assert (report.added, report.updated, report.removed) == (0, 1, 1)


def test_progress_is_told(tmp_path: Path) -> None:
    told = []
    with Corpus.open(tmp_path / "kept", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents(), progress=told.append)
    assert told[-1].done == told[-1].total == len(tugs.NAMES)
