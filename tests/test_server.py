"""The HTTP server: asking, streaming, runs, the corpus, the picture, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import tugs
from served import Running, events, serve

from suffice import Agent, Corpus

QUESTION = tugs.question("Fulmar")


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with Corpus.open(tmp_path_factory.mktemp("server") / "tugs", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        with Agent(corpus) as agent:
            yield agent


@pytest.fixture(scope="module")
def server(agent: Agent) -> Iterator[Running]:
    with serve(agent) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def test_a_question_is_answered_as_json(client: httpx.Client) -> None:
    answered = client.post("/v1/ask", json={"question": QUESTION})
    assert answered.status_code == 200
    answer = answered.json()
    assert (answer["status"], tugs.answer("Fulmar") in answer["text"]) == ("answered", True)
    assert answered.headers["x-run-id"] == answer["run_id"]


def test_a_question_is_answered_as_events(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/ask", json={"question": QUESTION, "stream": True}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        said = list(events(stream))
    assert [event.id for event in said] == [str(n) for n in range(1, len(said) + 1)]
    assert (said[0].event, said[-1].event) == ("run_started", "run_finished")
    assert tugs.answer("Fulmar") in said[-1].json()["answer"]["text"]
    assert all(event.json()["type"] == event.event for event in said)
