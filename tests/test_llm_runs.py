"""Whole runs with a model: what they cost, how they stream, and how they end in time."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from model_world import QUESTION, check_citations, judge, open_corpus, plan, shown_ids, written
from pydantic import BaseModel

from suffice import Agent, Corpus, Document
from suffice.graphs.events import Token
from suffice.prompts import Prompt
from suffice.testing import FunctionModel, Scripted, reasoner
from suffice.tools.llm.chat import ChatModel
from suffice.tools.llm.prices import Price
from suffice.tools.llm.wire import Said
from suffice.tools.reason.llm import LlmReasoner
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.types import Answer, Budget


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with open_corpus(tmp_path_factory.mktemp("runs")) as corpus:
        yield corpus


def careful(prompt: Prompt, schema: type[BaseModel] | None) -> Scripted:
    ids = shown_ids(prompt.user)
    if schema is None:
        return written(ids)
    return plan(ids) if schema.__name__ == "PlanReply" else judge(ids)


def at_once(prompt: Prompt, schema: type[BaseModel] | None) -> Scripted:
    ids = shown_ids(prompt.user)
    last = judge(ids)["parts"][0] | {"question": "When was {1} born?", "after": [1]}
    return {"parts": [plan(ids)["parts"][0], last]}


def ask(corpus: Corpus, model: FunctionModel, **options: Any) -> Answer:
    with Agent(corpus, reasoner=reasoner(model)) as agent:
        return agent.ask(QUESTION, **options)


def test_an_easy_question_takes_one_call(corpus: Corpus) -> None:
    answer = ask(corpus, FunctionModel(at_once))
    assert (answer.status, answer.usage.llm_calls, answer.usage.rounds) == ("answered", 1, 1)
    assert answer.text.startswith("4 March 1910")
    check_citations(answer)


def test_a_bridge_takes_two(corpus: Corpus) -> None:
    answer = ask(corpus, FunctionModel(careful))
    assert (answer.status, answer.usage.llm_calls, answer.usage.rounds) == ("answered", 2, 2)
    assert [query.text for query in answer.searches] == [QUESTION, "Jan Kowal born in Lodz"]
    check_citations(answer)


@pytest.mark.parametrize(
    "budget",
    [
        Budget(llm_calls=0),
        Budget(llm_calls=1),
        Budget(llm_calls=2),
        Budget(tokens=100),
        Budget(tokens=900),
        Budget(tokens=1500),
        Budget(usd=0.0),
        Budget(usd=0.002),
        Budget(rounds=1),
        Budget(rounds=0),
    ],
    ids=str,
)
def test_every_budget_is_kept_and_ends_in_a_word(corpus: Corpus, budget: Budget) -> None:
    answer = ask(corpus, FunctionModel(careful, price=Price(1.0, 1.0)), budget=budget)
    used = answer.usage
    assert budget.llm_calls is None or used.llm_calls <= budget.llm_calls
    assert budget.tokens is None or used.input_tokens + used.output_tokens <= budget.tokens
    assert budget.usd is None or (used.cost_usd or 0.0) <= budget.usd
    assert answer.status in ("partial", "abstained", "answered")
    if answer.status != "answered":
        assert answer.reason == "budget"
    check_citations(answer)


def test_a_claim_that_does_not_hold_is_dropped_and_never_said(corpus: Corpus) -> None:
    def liar(prompt: Prompt, schema: type[BaseModel] | None) -> Scripted:
        reply = at_once(prompt, schema) if "You find out" in prompt.system else judge({})
        assert isinstance(reply, dict)
        reply["parts"][-1]["claim"] = "Jan Kowal was born on 5 May 1950 in Oslo."
        reply["parts"][-1]["answer"] = "5 May 1950"
        return reply

    answer = ask(corpus, FunctionModel(liar))
    assert "1950 in Oslo" not in answer.text
    assert "5 May" not in answer.text
    check_citations(answer)


class GatedWire:
    """Writes one line, and the next only when the first has reached the asker."""

    def __init__(self, heard: threading.Event) -> None:
        self.heard = heard

    def open(self) -> None: ...

    async def complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, seconds: float
    ) -> Said:
        raise AssertionError("the writer is only to stream")

    async def stream(
        self, prompt: Prompt, max_tokens: int, seconds: float
    ) -> AsyncGenerator[str | Said, None]:
        lines = written(shown_ids(prompt.user)).splitlines(keepends=True)
        yield lines[0]
        if not await asyncio.to_thread(self.heard.wait, 20):
            raise AssertionError("the first words were held back")
        for line in lines[1:]:
            yield line
        yield Said("")

    def adapt(self, error: Exception, complaint: str) -> bool:
        return False

    async def close(self) -> None: ...


def test_words_reach_the_asker_while_the_model_still_writes(corpus: Corpus) -> None:
    heard = threading.Event()
    writer = ChatModel("test:gated", GatedWire(heard))
    with Agent(corpus, reasoner=reasoner(FunctionModel(careful), writer)) as agent:
        for event in agent.stream(QUESTION):
            if isinstance(event, Token):
                assert "4 March 1910" in event.text or heard.is_set()
                heard.set()
    assert heard.is_set()


def test_many_questions_at_once(corpus: Corpus, tmp_path: Path) -> None:
    with Agent(corpus, reasoner=reasoner(FunctionModel(careful))) as agent:

        async def together() -> list[Answer]:
            return await asyncio.gather(*(agent.aask(QUESTION) for _ in range(6)))

        answers = asyncio.run(together())
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {answer.usage.llm_calls for answer in answers} == {2}


def test_the_example_of_the_page_on_models_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "models.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with Corpus.open("notes") as notes:
        notes.add([Document(text="The master signs it.", title="Signing")])
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["answer"].status == "answered"
    assert names["answer"].citations[0].quote.startswith("The master signs it")


def boasting(prompt: Prompt, schema: type[BaseModel] | None) -> Scripted:
    """A judge that holds the same sentence for an answer to whatever is asked, and is sure."""
    asked = "Who directed Polonaise?" if "directed Polonaise" in prompt.user else UNSAID
    part = plan(shown_ids(prompt.user))["parts"][0] | {"question": asked, "sure": 1.0}
    return {"parts": [part]}


UNSAID = "How many trams cross Lodz on a Sunday?"


def boasted(corpus: Corpus, asked: str, sufficiency: Sufficiency | None) -> float:
    thinking = LlmReasoner(FunctionModel(boasting), sufficiency=sufficiency)
    with Agent(corpus, reasoner=thinking) as agent:
        answer = agent.ask(asked)
    assert answer.status == "answered", answer
    return answer.confidence


def test_a_judges_word_counts_less_where_the_evidence_does_not_bear_it_out(corpus: Corpus) -> None:
    said = "Who directed Polonaise?"
    alone = [boasted(corpus, asked, None) for asked in (said, UNSAID)]
    beside = [boasted(corpus, asked, Sufficiency()) for asked in (said, UNSAID)]
    assert alone[0] == alone[1], "without the estimate there is only its word"
    assert beside[0] > beside[1] + 0.05
    assert beside[1] < alone[1]
