"""What is remembered between questions changes no answer: other evidence, other thoughts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tugs
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice import Agent, Answer, Corpus, Document, Settings
from suffice.testing import HashEmbedder
from suffice.tools.arrays import product
from suffice.tools.embed.protocol import Tokens
from suffice.tools.reason.extractive import ExtractiveReasoner
from suffice.tools.reason.extractive.close import REMEMBERED
from suffice.tools.reason.protocol import Draft, Situation
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.types import Passage

QUESTION = "When was the Halvard Bridge opened?"


def bridge(day: str, name: str = "bridge") -> Document:
    text = f"The Halvard Bridge crosses the Orne. The Halvard Bridge was opened on {day}."
    return Document(id=name, title="Halvard Bridge", text=text)


def passages(*days: str) -> tuple[Passage, ...]:
    made = [bridge(day, f"bridge {place}") for place, day in enumerate(days)]
    return tuple(
        Passage(
            id=d.id,
            document_id=d.id,
            title=d.title,
            text=d.text,
            end=len(d.text),
            score=0.9 - i / 9,
        )
        for i, d in enumerate(made)
    )


def quotes(answer: Answer) -> str:
    return "\n".join(citation.quote for citation in answer.citations)


# Questions to one agent


def test_a_document_that_is_changed_between_two_questions_is_quoted_anew(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        for day in ("4 May 1911", "9 June 1927", "4 May 1911"):
            corpus.add([bridge(day)])
            answer = agent.ask(QUESTION)
            assert day in quotes(answer)
            text = bridge(day).text
            assert all(c.quote == text[c.start : c.end] for c in answer.citations)


def test_the_same_question_asked_at_once_of_other_documents_is_answered_from_them(
    tmp_path: Path,
) -> None:
    days = {"first": "4 May 1911", "second": "9 June 1927", "third": "1 July 1930"}
    with Corpus.open(tmp_path / "notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add([bridge(day, name) for name, day in days.items()])

        async def ask(name: str) -> Answer:
            return await agent.aask(QUESTION, where={"document_id": name})

        async def ask_all(names: Sequence[str]) -> list[Answer]:
            return list(await asyncio.gather(*(ask(name) for name in names)))

        asked = [*days, *reversed(days)] * 2
        for name, answer in zip(asked, asyncio.run(ask_all(asked)), strict=True):
            assert days[name] in quotes(answer)
            assert {c.document_id for c in answer.citations} == {name}


def test_what_a_caller_does_to_the_metadata_of_an_answer_stays_with_him(tmp_path: Path) -> None:
    document = bridge("4 May 1911").model_copy(update={"metadata": {"year": 1911}})
    with Corpus.open(tmp_path / "notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add([document])
        agent.ask(QUESTION).passages[0].metadata["year"] = 1800
        assert agent.ask(QUESTION).passages[0].metadata == {"year": 1911}


# Situations of one reasoner


@pytest.mark.parametrize(
    "steps",
    [
        [("4 May 1911",), ("9 June 1927",), ("4 May 1911",)],
        [("4 May 1911", "9 June 1927"), ("9 June 1927", "4 May 1911"), ("9 June 1927",)],
    ],
)
def test_a_reasoner_that_has_thought_before_thinks_like_a_new_one(
    steps: list[tuple[str, ...]],
) -> None:
    async def think() -> None:
        kept = ExtractiveReasoner(HashEmbedder())
        for days in steps:
            situation = Situation(question=QUESTION, evidence=passages(*days), round=1)
            new = ExtractiveReasoner(HashEmbedder())
            assert await kept.plan(situation) == await new.plan(situation)
            assert await kept.judge(situation) == await new.judge(situation)
            assert await draft(kept, situation) == await draft(new, situation)

    asyncio.run(think())


def test_other_scores_of_the_same_passages_are_other_evidence() -> None:
    async def think() -> None:
        kept = ExtractiveReasoner(HashEmbedder())
        first, second = passages("4 May 1911", "9 June 1927")
        for scores in ((0.9, 0.1), (0.1, 0.05)):
            evidence = tuple(
                p.model_copy(update={"score": s})
                for p, s in zip((first, second), scores, strict=True)
            )
            situation = Situation(question=QUESTION, evidence=evidence, round=1)
            new = ExtractiveReasoner(HashEmbedder())
            assert await kept.judge(situation) == await new.judge(situation)

    asyncio.run(think())


async def draft(reasoner: ExtractiveReasoner, situation: Situation) -> Draft:
    return await reasoner.write(situation, lambda piece: None)


# Texts that go out of memory while a question waits


class SlowEmbedder(HashEmbedder):
    """Shows a text as a mark and one word piece; one with "slow" in it has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.through = asyncio.Event(), asyncio.Event()

    async def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        if any("slow" in text for text in texts):
            self.asked.set()
            await self.through.wait()
        return [
            Tokens(np.stack([self._embed(text)] * 2), np.array([[0, 0], [0, len(text)]], np.int32))
            for text in texts
        ]


def test_what_is_forgotten_while_a_question_waits_is_no_error() -> None:
    slow = Passage(id="slow", document_id="slow", text="A slow text of the bridge.", score=0.5)
    crossing = "and over the river " * 30
    text = " ".join(f"Ferry {n} goes {crossing}." for n in range(REMEMBERED + 50))
    long = Passage(id="long", document_id="long", text=text, score=0.9)

    async def ask() -> tuple[float, float]:
        embedder = SlowEmbedder()
        kept, near = Sufficiency(embedder), passages("4 May 1911", "9 June 1927")
        await kept.of(QUESTION, near)
        waiting = asyncio.create_task(kept.of(QUESTION, (*near, slow)))
        await embedder.asked.wait()
        await kept.of("Where does the ferry go?", (long,))
        embedder.through.set()
        return await waiting, await Sufficiency(embedder).of(QUESTION, (*near, slow))

    waited, new = asyncio.run(ask())
    assert waited == new


# Products in pieces


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400), st.integers(1, 60), st.integers(1, 400))
def test_a_product_in_pieces_is_the_product(rows: int, columns: int, size: int) -> None:
    random = np.random.default_rng(rows)
    left, right = random.normal(size=(rows, size)), random.normal(size=(columns, size))
    found = product(left, right)
    assert found.shape == (rows, columns)
    np.testing.assert_allclose(found, left @ right.T, atol=1e-9)


def test_what_changes_hands_while_it_is_searched_never_shows_through_a_filter(
    tmp_path: Path,
) -> None:
    def owned(tenant: str) -> Document:
        text = f"The mooring plan of team {tenant}."
        return Document(id="plan", title="Plan", text=text, metadata={"tenant": tenant})

    with Corpus.open(tmp_path / "c", settings=Settings(embedder="none")) as corpus:
        corpus.add([owned("a")])
        done = threading.Event()

        def swap() -> None:
            for turn in range(60):
                corpus.add([owned("ba"[turn % 2])])
            done.set()

        swapping = threading.Thread(target=swap)
        swapping.start()
        seen = []
        while not done.is_set():
            seen += corpus.search("mooring plan", where={"tenant": "a"})
        swapping.join()
    assert {passage.metadata["tenant"] for passage in seen} <= {"a"}
    assert {passage.text for passage in seen} <= {owned("a").text}
