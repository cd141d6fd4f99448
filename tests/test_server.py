"""The HTTP server: asking, streaming, runs, the corpus, the picture, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tugs
from served import Running, events, serve

from suffice import Agent, Corpus
from suffice.agent.server.logs import JsonLines

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


def ask(client: httpx.Client, question: str = QUESTION, **more: object) -> dict:
    answered = client.post("/v1/ask", json={"question": question, **more})
    assert answered.status_code == 200, answered.text
    return answered.json()


def error(response: httpx.Response, status: int) -> dict:
    assert response.status_code == status, response.text
    told = response.json()["error"]
    assert told["type"]
    assert told["message"]
    return told


# Asking


def test_a_question_is_answered_as_json(client: httpx.Client) -> None:
    answered = client.post("/v1/ask", json={"question": QUESTION})
    answer = answered.json()
    assert (answer["status"], tugs.answer("Fulmar") in answer["text"]) == ("answered", True)
    assert answered.headers["x-run-id"] == answer["run_id"]


@pytest.mark.parametrize("how", ["by the body", "by the header"])
def test_a_question_is_answered_as_events(client: httpx.Client, how: str) -> None:
    asked = {"question": QUESTION, "stream": how == "by the body"}
    accept = {"Accept": "text/event-stream"} if how == "by the header" else {}
    with client.stream("POST", "/v1/ask", json=asked, headers=accept) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        said = list(events(stream))
    assert [event.id for event in said] == [str(n) for n in range(1, len(said) + 1)]
    assert (said[0].event, said[-1].event) == ("run_started", "run_finished")
    assert tugs.answer("Fulmar") in said[-1].json()["answer"]["text"]
    assert all(event.json()["type"] == event.event for event in said)


def test_a_filter_and_a_strategy_are_followed(client: httpx.Client) -> None:
    answer = ask(client, where={"team": "engineers"}, strategy="single_pass")
    assert {passage["metadata"]["team"] for passage in answer["passages"]} == {"engineers"}
    whole = client.get(f"/v1/runs/{answer['run_id']}").json()
    assert whole["run"]["strategy"] == "single_pass"


def test_a_caller_may_allow_a_question_less_or_a_little_more(agent: Agent) -> None:
    with (
        Agent(agent.corpus, budget={"rounds": 1}) as frugal,
        serve(frugal) as running,
        running.client() as client,
    ):
        for asked, rounds in ((5, 2), (0, 0)):
            run_id = ask(client, budget={"rounds": asked})["run_id"]
            events = client.get(f"/v1/runs/{run_id}").json()["events"]
            begun = next(event for event in events if event["type"] == "node_started")
            assert begun["input"]["budget"]["rounds"] == rounds


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"question": ""}, 422),
        ({"question": "   "}, 400),
        ({"question": "x" * 8_001}, 413),
        ({"question": QUESTION, "strategy": "retrieval"}, 400),
        ({"question": QUESTION, "corpus": "elsewhere"}, 404),
        ({"question": QUESTION, "where": {"colour": "red"}}, 400),
        ({"question": QUESTION, "where": {"year": {"about": 3}}}, 400),
        ({"question": QUESTION, "where": {"year": {"gte": {"a": {"b": {"c": {}}}}}}}, 422),
        ({"question": QUESTION, "where": {"year": 2**70}}, 422),
        ({"question": QUESTION, "budget": {"rounds": -1}}, 422),
        ({"question": QUESTION, "thread": ""}, 422),
        ({"question": QUESTION, "colour": "red"}, 422),
    ],
)
def test_what_cannot_be_asked_is_refused(client: httpx.Client, asked: dict, status: int) -> None:
    error(client.post("/v1/ask", json=asked), status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"text"',
        b"\xff",
        b'{"question": "\\ud800"}',
        b'{"question": "' + QUESTION.encode() + b'", "where": {"year": NaN}}',
        b'{"question": "' + QUESTION.encode() + b'", "where": {"team": "\\ud800"}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_request_is_refused(client: httpx.Client, body: bytes) -> None:
    sent = client.post("/v1/ask", content=body, headers={"Content-Type": "application/json"})
    assert error(sent, sent.status_code)["message"]
    assert sent.status_code in (400, 422)


# Runs


def test_runs_are_listed_looked_at_and_forgotten(client: httpx.Client) -> None:
    first, second = ask(client), ask(client)
    page = client.get("/v1/runs", params={"limit": 1}).json()
    assert (page["runs"][0]["id"], page["more"]) == (second["run_id"], True)
    older = client.get("/v1/runs", params={"before": page["runs"][0]["at"], "limit": 1}).json()
    assert older["runs"][0]["id"] == first["run_id"]

    one = client.get(f"/v1/runs/{first['run_id']}", params={"download": True})
    assert one.headers["content-disposition"].endswith(f'"run-{first["run_id"]}.json"')
    assert one.json()["run"]["question"] == QUESTION
    assert one.json()["events"][-1]["answer"] == first

    assert client.delete(f"/v1/runs/{first['run_id']}").status_code == 204
    error(client.get(f"/v1/runs/{first['run_id']}"), 404)
    error(client.delete(f"/v1/runs/{first['run_id']}"), 404)


def test_a_run_is_replayed_from_where_a_reader_left(client: httpx.Client) -> None:
    run_id = ask(client)["run_id"]
    with client.stream("GET", f"/v1/runs/{run_id}/events") as stream:
        whole = list(events(stream))
    with client.stream(
        "GET", f"/v1/runs/{run_id}/events", headers={"Last-Event-ID": "3"}
    ) as stream:
        rest = list(events(stream))
    with client.stream("GET", f"/v1/runs/{run_id}/events", params={"after": 3}) as stream:
        assert list(events(stream)) == rest
    assert rest == whole[3:]


def test_a_beginning_of_an_id_is_not_the_id_of_a_run(client: httpx.Client) -> None:
    run_id = ask(client)["run_id"]
    for name in (run_id[:-1], "last", "..%2f..", "%00"):
        assert client.delete(f"/v1/runs/{name}").status_code in (404, 422)
    assert client.get(f"/v1/runs/{run_id}").status_code == 200


# Conversations


def test_a_follow_up_is_understood_and_the_conversation_kept(own: httpx.Client) -> None:
    upload(own, *((f"{name}.md", tugs.text(name)) for name in ("Egret", "Fulmar")))
    first = ask(own, thread="t-1")
    second = ask(own, "And who is her master?", thread="t-1")
    assert "Fulmarsen" in second["text"]
    run = own.get(f"/v1/runs/{second['run_id']}").json()["run"]
    assert (run["asked"], run["thread"]) == ("And who is her master?", "t-1")
    assert "Fulmar" in run["question"]

    (kept,) = own.get("/v1/threads").json()["threads"]
    assert (kept["id"], kept["title"], kept["turns"]) == ("t-1", QUESTION, 2)
    turns = own.get("/v1/threads/t-1").json()["turns"]
    assert [turn["run_id"] for turn in turns] == [first["run_id"], second["run_id"]]
    of_thread = own.get("/v1/runs", params={"thread": "t-1"}).json()["runs"]
    assert [run["id"] for run in of_thread] == [second["run_id"], first["run_id"]]

    assert own.delete("/v1/threads/t-1").status_code == 204
    error(own.get("/v1/threads/t-1"), 404)
    error(own.delete("/v1/threads/t-1"), 404)
    assert own.get("/v1/threads").json() == {"threads": []}


# The corpus


def test_the_corpus_is_shown_page_by_page(client: httpx.Client) -> None:
    page = client.get("/v1/corpus", params={"limit": 3, "offset": 6}).json()
    assert (page["total"], page["passages"], len(page["documents"])) == (8, 8, 2)
    assert page["documents"][0]["title"] == "Tug Gannet"
    assert page["documents"][0]["passages"] == 1
    assert {"team", "year"} <= {field["name"] for field in page["fields"]}
    assert page["bytes"] > 0


def test_a_document_is_shown_as_it_is_stored(client: httpx.Client) -> None:
    listed = client.get("/v1/corpus").json()["documents"][0]
    whole = client.get(f"/v1/corpus/documents/{listed['id']}").json()
    assert whole["text"] == tugs.text("Anchor")
    error(client.get("/v1/corpus/documents/nothing"), 404)


def test_a_search_finds_passages(client: httpx.Client) -> None:
    found = client.post("/v1/corpus/search", json={"query": QUESTION, "limit": 2}).json()
    assert len(found["passages"]) == 2
    assert found["passages"][0]["title"] == "Tug Fulmar"
    narrowed = {"query": QUESTION, "where": {"year": {"gte": 2021}}}
    found = client.post("/v1/corpus/search", json=narrowed).json()
    assert {passage["title"] for passage in found["passages"]} == {"Tug Gannet", "Tug Heron"}


# Adding and removing, in a corpus of their own


@pytest.fixture
def own(tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        Corpus.open(tmp_path / "own", **tugs.QUICK) as corpus,
        Agent(corpus) as agent,
        serve(agent) as running,
        running.client() as client,
    ):
        yield client


def upload(client: httpx.Client, *files: tuple[str, str], **options: object) -> httpx.Response:
    sent = [("files", (name, text.encode())) for name, text in files]
    return client.post("/v1/corpus/documents", files=sent, **options)


def listed(client: httpx.Client) -> dict[str, str]:
    documents = client.get("/v1/corpus").json()["documents"]
    return {document["source"]: document["id"] for document in documents}


def test_uploads_go_in_and_a_bad_one_is_told_of(own: httpx.Client) -> None:
    report = upload(own, ("fulmar.md", tugs.text("Fulmar")), ("x.pdf", "%PDF-1.4"), ("e.md", ""))
    told = report.json()
    assert told["added"] == 1
    assert {failure["source"]: failure["reason"] for failure in told["failed"]} == {
        "upload:x.pdf": "is a PDF, which is not read",
        "upload:e.md": "is empty",
    }
    answer = ask(own)
    assert tugs.answer("Fulmar") in answer["text"]
    assert answer["citations"][0]["source"] == "upload:fulmar.md"


def test_an_upload_sent_again_replaces_what_it_brought(own: httpx.Client) -> None:
    lines = [json.dumps({"text": tugs.text(name)}) for name in ("Egret", "Fulmar")]
    assert upload(own, ("a.jsonl", "\n".join(lines))).json()["added"] == 2
    assert upload(own, ("a.jsonl", "\n".join(lines))).json()["unchanged"] == 2
    again = upload(own, ("a.jsonl", lines[0])).json()
    assert (again["unchanged"], again["removed"]) == (1, 1)
    assert upload(own, ("b.md", "One.")).json()["added"] == 1
    assert upload(own, ("b.md", "Two.")).json()["updated"] == 1


def test_documents_are_added_as_json_and_removed(own: httpx.Client) -> None:
    documents = [document.model_dump() for document in tugs.documents()[:2]]
    report = own.post("/v1/corpus/documents", json={"documents": documents}).json()
    assert report["added"] == 2
    name = listed(own)["tugs/anchor.md"]
    assert own.delete(f"/v1/corpus/documents/{name}").status_code == 204
    error(own.delete(f"/v1/corpus/documents/{name}"), 404)
    assert list(listed(own)) == ["tugs/bittern.md"]


def test_adding_tells_how_far_it_is(own: httpx.Client) -> None:
    files = [("files", (f"{name}.md", tugs.text(name).encode())) for name in tugs.NAMES]
    accept = {"Accept": "text/event-stream"}
    with own.stream("POST", "/v1/corpus/documents", files=files, headers=accept) as stream:
        said = list(events(stream))
    assert [event.event for event in said[:-1]] == ["progress"] * (len(said) - 1)
    assert len(said) > 1
    assert said[-1].event == "report"
    assert said[-1].json()["added"] == len(tugs.NAMES)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"text", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"data": {"corpus": "own"}}, 415),
        ({"json": {"documents": [{"title": "no text"}]}}, 422),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"files": {"other": ("a.md", b"text")}}, 422),
    ],
)
def test_what_cannot_be_added_is_refused(own: httpx.Client, sent: dict, status: int) -> None:
    error(own.post("/v1/corpus/documents", **sent), status)


# What the page asks


def test_the_session_says_what_is_served(client: httpx.Client) -> None:
    session = client.get("/v1/session").json()
    corpus = session["corpora"][0]
    assert (corpus["name"], corpus["documents"], corpus["passages"]) == ("tugs", 8, 8)
    assert (corpus["embedder"], corpus["reasoner"]) == ("none", "extractive")
    assert session["strategies"] == ["iterative", "single_pass", "long_context"]
    assert (session["auth"], session["keeps_runs"]) == (False, True)
    assert session["limits"]["question_chars"] == 8_000


def test_the_picture_is_of_the_graph_and_of_a_run(client: httpx.Client) -> None:
    graph = client.get("/v1/graph").json()
    assert graph["name"] == "iterative"
    assert not any(node["visits"] for node in graph["nodes"])
    run_id = ask(client, strategy="single_pass")["run_id"]
    drawn = client.get("/v1/graph", params={"run": run_id}).json()
    assert drawn["name"] == "single_pass"
    assert any(edge["taken"] for edge in drawn["edges"])
    picture = client.get("/v1/graph.svg", params={"run": run_id})
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    error(client.get("/v1/graph", params={"strategy": "retrieval"}), 400)
    error(client.get("/v1/graph", params={"run": "none"}), 404)


def test_the_server_says_how_it_is(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    ask(client)
    numbers = client.get("/metrics").text
    assert 'suffice_runs_total{status="answered"}' in numbers
    assert 'route="/v1/ask",status="200"' in numbers
    assert QUESTION not in numbers


@pytest.mark.parametrize("asked", [False, True])
def test_the_log_holds_a_question_only_where_it_is_asked_for(
    agent: Agent, caplog: pytest.LogCaptureFixture, asked: bool
) -> None:
    secret = "the secret of the tug Fulmar"
    with (
        caplog.at_level("INFO", "suffice.server"),
        serve(agent, log_questions=asked) as running,
        running.client() as client,
    ):
        run_id = ask(client, f"What is {secret}?")["run_id"]
        client.get("/v1/corpus", params={"corpus": secret})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    (run,) = [line for line in lines if line["event"] == "run"]
    assert (run["run"], run["corpus"], run["level"]) == (run_id, "tugs", "info")
    routes = {line["route"]: line["status"] for line in lines if line["event"] == "request"}
    assert routes == {"/v1/ask": 200, "/v1/corpus": 404}
    assert (secret in str(lines)) == asked


def test_the_endpoints_are_documented_without_anybody_elses_host(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    page = client.get("/docs")
    assert all(path.replace("{", "{") in page.text for path in paths)
    assert "<script" not in page.text
    assert "://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    assert client.get("/docs.css").headers["content-type"].startswith("text/css")


def test_several_corpora_are_served_by_name(agent: Agent, tmp_path: Path) -> None:
    with (
        Corpus.open(tmp_path / "tugs", **tugs.QUICK) as corpus,
        Agent(corpus) as second,
        serve(agent, second) as running,
        running.client() as client,
    ):
        names = [corpus["name"] for corpus in client.get("/v1/session").json()["corpora"]]
        assert names == ["tugs", "tugs-2"]
        assert ask(client, corpus="tugs-2")["status"] == "abstained"
        assert ask(client)["status"] == "answered"
        runs = client.get("/v1/runs", params={"limit": 2}).json()["runs"]
        assert [run["corpus"] for run in runs] == ["tugs", "tugs-2"]
        only = client.get("/v1/runs", params={"corpus": "tugs-2"}).json()["runs"]
        assert [run["corpus"] for run in only] == ["tugs-2"]
        models = [model["id"] for model in client.get("/v1/models").json()["data"]]
        assert "suffice-single-pass@tugs-2" in models
