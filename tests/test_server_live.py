"""Runs under way over HTTP: clients that leave, reload, stop; limits; the end of the server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import tugs
from held import Held
from served import Running, SseEvent, connected, events, serve

from suffice import Agent, Corpus

ASK = {"question": tugs.question("Fulmar")}
STREAM = {**ASK, "stream": True}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with Corpus.open(tmp_path_factory.mktemp("live") / "tugs", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        yield corpus


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


@contextmanager
def serving(corpus: Corpus, held: Held, **limits: float) -> Iterator[Running]:
    with Agent(corpus, reasoner=held) as agent, serve(agent, **limits) as running:
        try:
            yield running
        finally:
            held.go.set()


def until_thinking(held: Held, stream: httpx.Response) -> tuple[str, Iterator[SseEvent]]:
    """Read a stream until the run thinks; return its id and what is left of the stream."""
    said = events(stream)
    run_id = next(said).json()["run_id"]
    assert held.thinking.wait(10)
    return run_id, said


def test_a_client_that_leaves_a_stream_ends_the_run(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json=STREAM) as stream:
            until_thinking(held, stream)
        assert held.stopped.wait(10)


def test_a_client_that_leaves_before_its_answer_ends_the_run(corpus: Corpus, held: Held) -> None:
    body = json.dumps(ASK)
    head = f"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with serving(corpus, held) as running:
        with connected(running) as connection:
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
            assert held.thinking.wait(10)
        assert held.stopped.wait(10)


def test_a_page_that_was_reloaded_finds_its_run_again(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json={**STREAM, "resume": True}) as stream:
            run_id, _ = until_thinking(held, stream)
        with client.stream("GET", f"/v1/runs/{run_id}/events", params={"after": 1}) as stream:
            said = events(stream)
            assert next(said).id == "2"
            held.go.set()
            rest = list(said)
        assert rest[-1].event == "run_finished"
        assert not held.stopped.is_set()
        assert client.get(f"/v1/runs/{run_id}").json()["events"][-1]["type"] == "run_finished"


def test_a_run_that_nobody_comes_back_to_ends(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held, resume_seconds=0.05) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json={**STREAM, "resume": True}) as stream:
            until_thinking(held, stream)
        assert held.stopped.wait(10)


def test_a_second_reader_keeps_a_run_alive(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json=STREAM) as first:
            run_id, _rest = until_thinking(held, first)
            second = client.send(
                client.build_request("GET", f"/v1/runs/{run_id}/events"), stream=True
            )
            assert second.status_code == 200
        held.go.set()
        assert list(events(second))[-1].event == "run_finished"
        second.close()


def test_a_run_is_stopped_and_its_readers_are_told(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json=STREAM) as stream:
            run_id, rest = until_thinking(held, stream)
            assert client.post(f"/v1/runs/{run_id}/stop").status_code == 204
            last = list(rest)[-1]
        assert (last.event, last.json()["error"]["type"]) == ("error", "stopped")
        assert held.stopped.wait(10)
        assert client.post(f"/v1/runs/{run_id}/stop").status_code == 204
        assert client.get(f"/v1/runs/{run_id}").status_code == 404


def test_a_run_too_many_is_asked_to_wait(corpus: Corpus, held: Held) -> None:
    with serving(corpus, held, runs_at_once=1) as running, running.client() as client:
        with client.stream("POST", "/v1/ask", json=STREAM) as stream:
            _, rest = until_thinking(held, stream)
            refused = client.post("/v1/ask", json=ASK)
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) > 0
            held.go.set()
            assert list(rest)[-1].event == "run_finished"
        assert client.post("/v1/ask", json=ASK).status_code == 200


def test_the_end_of_the_server_ends_its_runs(corpus: Corpus, held: Held) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(serving(corpus, held))
        client = stack.enter_context(running.client())
        stream = stack.enter_context(client.stream("POST", "/v1/ask", json=STREAM))
        _, rest = until_thinking(held, stream)
        ending = threading.Thread(target=lambda: list(rest))
        ending.start()
        running.server.should_exit = True
        ending.join(10)
        assert not ending.is_alive()
        assert held.stopped.wait(10)


def test_a_bug_in_a_run_is_told_without_its_innards(corpus: Corpus) -> None:
    broken = Held()
    broken.plans = [RuntimeError("/home/somebody/secret")]
    with serving(corpus, broken) as running, running.client() as client:
        answered = client.post("/v1/ask", json=ASK)
        assert (answered.status_code, answered.json()["error"]["type"]) == (500, "internal")
        assert "secret" not in answered.text
        assert answered.headers["content-security-policy"]
        with client.stream("POST", "/v1/ask", json=STREAM) as stream:
            last = list(events(stream))[-1]
        assert last.event == "error"
        assert "secret" not in json.dumps(last.json())


def test_runs_that_are_not_kept_can_be_read_again_for_a_while(tmp_path: Path) -> None:
    with (
        Corpus.open(tmp_path / "tugs", keep_runs_days=0, **tugs.QUICK) as corpus,
        Agent(corpus) as agent,
        serve(agent) as running,
        running.client() as client,
    ):
        corpus.add(tugs.documents())
        run_id = client.post("/v1/ask", json=ASK).json()["run_id"]
        with client.stream("GET", f"/v1/runs/{run_id}/events") as stream:
            assert list(events(stream))[-1].event == "run_finished"
        assert client.get("/v1/runs").json() == {"runs": [], "more": False}
        assert client.get("/v1/session").json()["keeps_runs"] is False
