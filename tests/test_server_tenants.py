"""Tokens: what is whose, on every way there is to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tugs
from held import Held
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import Running, connected, events, serve

from suffice import Agent, Corpus, Document, Settings, SettingsError
from suffice.agent.server.rights import Caller, joined

PILOTS, ENGINEERS, ALL, READER = ("pilots-" * 4, "engineers-" * 4, "everything-" * 4, "reads-" * 4)
EVERYTHING = ["ask", "add", "remove"]
TOKENS = [
    {"name": "pilots", "token": PILOTS, "where": {"team": "pilots"}, "may": EVERYTHING},
    {"name": "engineers", "token": ENGINEERS, "where": {"team": "engineers"}, "may": EVERYTHING},
    {"name": "all", "token": ALL, "may": EVERYTHING},
    {"name": "reader", "token": READER, "where": {"team": "pilots"}},
]
MINE, THEIRS = tugs.question("Fulmar"), tugs.question("Gannet")  # pilots', engineers'


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Corpus.open(tmp_path / "tugs", keep_replies=True, **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        with Agent(corpus) as agent:
            yield agent


@pytest.fixture
def server(agent: Agent) -> Iterator[Running]:
    with serve(agent, tokens=TOKENS) as running:
        yield running


@pytest.fixture
def pilots(server: Running) -> Iterator[httpx.Client]:
    with server.client(PILOTS) as client:
        yield client


@pytest.fixture
def engineers(server: Running) -> Iterator[httpx.Client]:
    with server.client(ENGINEERS) as client:
        yield client


def ask(client: httpx.Client, question: str, **more: object) -> dict:
    answered = client.post("/v1/ask", json={"question": question, **more})
    assert answered.status_code == 200, answered.text
    return answered.json()


def teams(passages: list[dict]) -> set[str]:
    return {passage["metadata"]["team"] for passage in passages}


def documents(client: httpx.Client) -> dict[str, str]:
    found = client.get("/v1/corpus").json()["documents"]
    return {document["source"]: document["id"] for document in found}


# Tokens


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {PILOTS}x", f"Basic {PILOTS}", PILOTS, "Bearer \xff"],
)
def test_without_a_right_token_nothing_is_answered(server: Running, header: str) -> None:
    with server.client() as client:
        headers = {"Authorization": header.encode("latin-1")} if header else {}
        paths = client.get("/openapi.json").json()["paths"]
        for path, methods in paths.items():
            if path in ("/healthz", "/readyz"):
                continue
            for method in methods:
                answer = client.request(
                    method, path.replace("{", "").replace("}", ""), headers=headers
                )
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert "pilots" not in answer.text


def test_a_body_is_not_even_read_without_a_token(server: Running) -> None:
    head = b"POST /v1/corpus/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
    with connected(server) as connection:
        connection.sendall(head + b"\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 401")


def test_a_token_is_kept_nowhere_as_it_is(server: Running) -> None:
    held = repr(server.app.state.served)
    assert "pilots" in held
    assert PILOTS not in held


def test_what_a_token_may_not_do_is_refused(server: Running) -> None:
    with server.client(READER) as client:
        name = next(iter(documents(client).values()))
        refused = [
            client.post("/v1/corpus/documents", files={"files": ("a.md", b"x")}),
            client.delete(f"/v1/corpus/documents/{name}"),
        ]
        assert [answer.status_code for answer in refused] == [403, 403]
        assert client.get("/v1/session").json()["may"] == ["ask"]


def test_a_token_that_only_adds_sees_nothing(agent: Agent) -> None:
    feeder = {"name": "feeder", "token": PILOTS, "may": ["add"]}
    with serve(agent, tokens=[feeder]) as running, running.client(PILOTS) as client:
        assert client.post("/v1/corpus/documents", files={"files": ("a.md", b"x")}).is_success
        for method, path, body in (
            ("POST", "/v1/ask", {"question": MINE}),
            ("POST", "/v1/corpus/search", {"query": MINE}),
            ("GET", "/v1/corpus", None),
            ("GET", "/v1/runs", None),
            ("GET", "/v1/threads", None),
            ("POST", "/mcp", {}),
            ("POST", "/v1/chat/completions", {"model": "suffice", "messages": [{"role": "user"}]}),
        ):
            assert client.request(method, path, json=body).status_code == 403, path


# Documents and searches


def test_a_caller_sees_its_own_documents_alone(
    pilots: httpx.Client, engineers: httpx.Client
) -> None:
    page = pilots.get("/v1/corpus").json()
    assert (page["total"], page["passages"]) == (4, 4)
    assert {document["metadata"]["team"] for document in page["documents"]} == {"pilots"}
    values = {field["name"]: field["values"] for field in page["fields"]}
    assert values["team"] == ["pilots"]
    assert 2015 not in values["year"]
    corpus = pilots.get("/v1/session").json()["corpora"][0]
    assert (corpus["documents"], corpus["passages"]) == (4, 4)
    for name in documents(engineers).values():
        for answer in (
            pilots.get(f"/v1/corpus/documents/{name}"),
            pilots.delete(f"/v1/corpus/documents/{name}"),
        ):
            assert answer.status_code == 404
            assert answer.json() == pilots.get("/v1/corpus/documents/none").json()
    assert len(documents(engineers)) == 4


@pytest.mark.parametrize(
    "where",
    [
        None,
        {},
        {"team": "engineers"},
        {"team": {"in": ["engineers", "pilots"]}},
        {"team": {"not_in": ["pilots"]}},
        {"document_id": {"not_in": []}},
        {"year": {"gte": 0}},
    ],
)
def test_no_search_goes_beyond_a_token(pilots: httpx.Client, where: dict | None) -> None:
    for question in (MINE, THEIRS):
        asked = {"query": question, "where": where}
        found = pilots.post("/v1/corpus/search", json=asked).json()["passages"]
        assert teams(found) <= {"pilots"}
        for strategy in ("iterative", "single_pass", "long_context"):
            answer = ask(pilots, question, where=where, strategy=strategy)
            run = pilots.get(f"/v1/runs/{answer['run_id']}")
            assert teams(answer["passages"]) <= {"pilots"}
            assert "Gannetsen" not in run.text.replace("Captain Gannetsen?", "")
            assert tugs.answer("Gannet") not in run.text


def test_the_same_search_after_another_finds_ones_own(
    pilots: httpx.Client, engineers: httpx.Client
) -> None:
    asked = {"query": THEIRS}
    for _ in range(2):
        for client, team in ((engineers, "engineers"), (pilots, "pilots")):
            found = client.post("/v1/corpus/search", json=asked).json()["passages"]
            assert teams(found) == {team}
            answer = ask(client, THEIRS)
            assert teams(answer["passages"]) == {team}
            assert (answer["status"] == "answered") == (team == "engineers")


def test_what_a_cache_keeps_of_one_caller_is_not_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider_server: Any, reply: Any
) -> None:
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path / "cache"))
    rows = [{"index": 0, "relevance_score": 0.5}]
    provider_server.replies(reply({"results": rows}))
    reranker = f"cohere:m @ {provider_server.url}"
    settings = {**tugs.QUICK, "reranker": reranker, "keep_replies": True, "trail": False}
    shared = {"text": tugs.text("Fulmar"), "metadata": {"team": ["pilots", "engineers"]}}
    with (
        Corpus.open(tmp_path / "shared", **settings) as corpus,
        Agent(corpus) as agent,
        serve(agent, tokens=TOKENS) as running,
        running.client(PILOTS) as pilots,
        running.client(ENGINEERS) as engineers,
    ):
        corpus.add(Document(**shared))
        for turn, client in enumerate((pilots, engineers, pilots, engineers)):
            found = client.post("/v1/corpus/search", json={"query": MINE}).json()["passages"]
            assert [passage["score"] for passage in found] == [0.5]
            # The same question of the same passage, and each caller's first is asked anew.
            assert len(provider_server.asked) == min(turn + 1, 2)


def test_citations_lead_to_documents_that_can_be_opened(pilots: httpx.Client) -> None:
    answer = ask(pilots, MINE)
    assert answer["status"] == "answered"
    for citation in answer["citations"]:
        place = f"/v1/corpus/documents/{citation['document_id']}"
        text = pilots.get(place).json()["text"]
        assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_a_wrong_filter_does_not_tell_what_others_have(
    pilots: httpx.Client, server: Running
) -> None:
    with server.client(ENGINEERS) as engineers:
        added = {"documents": [{"text": "A tug.", "metadata": {"salary": 9}}]}
        assert engineers.post("/v1/corpus/documents", json=added).json()["added"] == 1
    asked = {"question": MINE, "where": {"colour": "red"}}
    refused = pilots.post("/v1/ask", json=asked)
    assert refused.status_code == 400
    assert "salary" not in refused.text
    assert "salary" not in pilots.get("/v1/corpus").text


def test_a_team_without_any_document_finds_nothing(agent: Agent) -> None:
    nobody = {"name": "new", "token": PILOTS, "where": {"house": "new"}, "may": EVERYTHING}
    with serve(agent, tokens=[nobody]) as running, running.client(PILOTS) as client:
        assert client.get("/v1/corpus").json()["total"] == 0
        assert ask(client, MINE)["status"] == "abstained"
        assert client.post("/v1/corpus/search", json={"query": MINE}).json() == {"passages": []}
        client.post("/v1/corpus/documents", files={"files": ("a.md", tugs.text("Fulmar"))})
        assert ask(client, MINE)["status"] == "answered"


# Runs


def test_a_run_is_its_callers_own(pilots: httpx.Client, engineers: httpx.Client) -> None:
    run_id = ask(pilots, MINE)["run_id"]
    none = engineers.get("/v1/runs/20200101-000000-00000000")
    for method, path in [
        ("GET", f"/v1/runs/{run_id}"),
        ("GET", f"/v1/runs/{run_id}/events"),
        ("POST", f"/v1/runs/{run_id}/stop"),
        ("DELETE", f"/v1/runs/{run_id}"),
        ("GET", f"/v1/graph?run={run_id}"),
        ("GET", f"/v1/graph.svg?run={run_id}"),
    ]:
        answer = engineers.request(method, path)
        assert (answer.status_code, answer.json()) == (404, none.json()), (method, path)
    assert engineers.get("/v1/runs").json()["runs"] == []
    assert [run["id"] for run in pilots.get("/v1/runs").json()["runs"]] == [run_id]


def test_a_run_under_way_is_its_callers_own(agent: Agent) -> None:
    held = Held()
    asked = {"question": MINE, "stream": True}
    with (
        Agent(agent.corpus, reasoner=held) as slow,
        serve(slow, tokens=TOKENS, runs_at_once_each=1) as running,
        running.client(PILOTS) as pilots,
        running.client(ENGINEERS) as engineers,
        pilots.stream("POST", "/v1/ask", json=asked) as stream,
    ):
        said = events(stream)
        run_id = next(said).json()["run_id"]
        assert held.thinking.wait(10)
        assert engineers.post(f"/v1/runs/{run_id}/stop").status_code == 404
        assert engineers.get(f"/v1/runs/{run_id}/events").status_code == 404
        assert pilots.post("/v1/ask", json={"question": MINE}).status_code == 429
        held.go.set()
        assert list(said)[-1].event == "run_finished"
        assert engineers.post("/v1/ask", json={"question": MINE}).status_code == 200


def test_runs_made_under_wider_rights_are_not_seen_under_narrower_ones() -> None:
    wide, narrow = Caller("pilots"), Caller("pilots", {"team": "pilots"})
    other = Caller("pilots", {"team": "pilots", "year": 2020})
    assert len({wide.owner, narrow.owner, other.owner}) == 3
    assert narrow.owner == Caller("pilots", {"team": "pilots"}).owner


def test_a_conversation_is_its_callers_own(pilots: httpx.Client, engineers: httpx.Client) -> None:
    ask(pilots, MINE, thread="t")
    run_id = ask(engineers, "And who is her master?", thread="t")["run_id"]
    assert "Fulmar" not in engineers.get(f"/v1/runs/{run_id}").text
    assert pilots.get("/v1/threads").json()["threads"][0]["turns"] == 1
    assert MINE not in engineers.get("/v1/threads/t").text
    assert engineers.delete("/v1/threads/t").status_code == 204
    assert engineers.get("/v1/threads/t").status_code == 404
    assert pilots.get("/v1/threads/t").json()["turns"][0]["question"] == MINE


# Adding


def test_what_a_caller_adds_is_its_own_and_replaces_nobody_elses(
    pilots: httpx.Client, engineers: httpx.Client, server: Running
) -> None:
    for client, name in ((engineers, "Gannet"), (pilots, "Fulmar")):
        files = {"files": ("tug.md", f"---\nteam: nobody\n---\n{tugs.text(name)} Uploaded.")}
        assert client.post("/v1/corpus/documents", files=files).json()["added"] == 1
    for client, name in ((engineers, "Gannet"), (pilots, "Fulmar")):
        place = f"/v1/corpus/documents/{documents(client)['upload:tug.md']}"
        assert tugs.text(name) in client.get(place).json()["text"]
        again = client.post("/v1/corpus/documents", files={"files": ("tug.md", b"New.")})
        assert again.json()["updated"] == 1
    with server.client(ALL) as client:
        page = client.get("/v1/corpus").json()
        held = [d["metadata"]["team"] for d in page["documents"] if d["source"] == "upload:tug.md"]
        assert sorted(held) == ["engineers", "pilots"]


def test_an_id_that_is_taken_elsewhere_does_not_replace_it(
    pilots: httpx.Client, engineers: httpx.Client
) -> None:
    taken = documents(engineers)["tugs/gannet.md"]
    before = engineers.get(f"/v1/corpus/documents/{taken}").json()
    mine = {"id": taken, "text": "Mine.", "metadata": {"team": "engineers"}}
    lines = json.dumps(mine).encode()
    for sent in ({"json": {"documents": [mine]}}, {"files": {"files": ("a.jsonl", lines)}}):
        assert pilots.post("/v1/corpus/documents", **sent).json()["added"] == 1
    assert engineers.get(f"/v1/corpus/documents/{taken}").json() == before
    assert len(documents(engineers)) == 4
    assert len(documents(pilots)) == 6


def test_a_token_that_may_add_must_say_how_to_mark_documents(agent: Agent) -> None:
    for where in ({"year": {"gte": 2020}}, {"team": {"in": ["a", "b"]}}, {"source": "a"}):
        token = {"name": "new", "token": PILOTS, "where": where, "may": ["ask", "add"]}
        with pytest.raises(SettingsError, match="marked"), serve(agent, tokens=[token]):
            pass


# Settings


def test_tokens_stand_in_the_settings_and_are_never_shown(own_folder: Path) -> None:
    Path("suffice.toml").write_text(
        f'[[tokens]]\nname = "pilots"\ntoken = "{PILOTS}"\nwhere = {{ team = "pilots" }}\n'
        f"[server]\nbody_bytes = 5000\n"
    )
    settings = Settings.load()
    assert settings.tokens[0].where == {"team": "pilots"}
    assert settings.server.body_bytes == 5000
    assert PILOTS not in repr(settings) + settings.model_dump_json()
    assert settings.changed(small="none").tokens == settings.tokens


@pytest.mark.parametrize(
    "token",
    [
        {"name": "a", "token": "secret-but-short"[:15]},
        {"name": "a", "tokn": PILOTS},
        {"name": "a", "token": PILOTS, "sha256": "0" * 64},
        {"name": "a", "token": PILOTS, "token_env": "A"},
        {"name": "a", "sha256": "secret-but-no-hash"},
        {"name": "a b", "token": PILOTS},
        {"name": "a", "token": PILOTS, "where": {"team": {"like": "x"}}},
        {"name": "a", "token": PILOTS, "may": ["everything"]},
        {"name": "a"},
    ],
)
def test_a_token_that_makes_no_sense_is_told_without_it(token: dict) -> None:
    with pytest.raises(SettingsError) as told:
        Settings.load(tokens=[token])
    assert "tokens.0" in str(told.value)
    assert "secret-but" not in str(told.value)
    assert PILOTS not in str(told.value)


# Filters, joined


CONDITIONS = st.one_of(
    st.sampled_from(["pilots", "engineers"]).map(lambda team: {"team": team}),
    st.lists(st.sampled_from(["pilots", "engineers"]), max_size=2).flatmap(
        lambda some: st.sampled_from([{"team": {"in": some}}, {"team": {"not_in": some}}])
    ),
    st.integers(2014, 2023).flatmap(
        lambda year: st.sampled_from(
            [{"year": year}, {"year": {"gte": year}}, {"year": {"lte": year}}]
        )
    ),
    st.tuples(st.integers(2014, 2023), st.integers(2014, 2023)).map(
        lambda years: {"year": {"gte": years[0], "lte": years[1]}}
    ),
)
WHERES = st.lists(CONDITIONS, max_size=3).map(
    lambda parts: {name: asked for part in parts for name, asked in part.items()}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fixed=WHERES, asked=WHERES)
def test_two_filters_joined_let_through_what_both_do(fixed: dict, asked: dict) -> None:
    def let_through(where: dict) -> set[str]:
        return {document.title for document in CORPUS.documents(where)}

    assert let_through(joined(fixed, asked)) == let_through(fixed) & let_through(asked)


CORPUS: Corpus


@pytest.fixture(scope="module", autouse=True)
def shared_corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    global CORPUS  # hypothesis has no fixtures of its own
    with Corpus.open(tmp_path_factory.mktemp("joined") / "tugs", **tugs.QUICK) as CORPUS:
        CORPUS.add(tugs.documents())
        yield


def test_a_document_shows_only_when_all_of_it_would(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "own", **tugs.QUICK) as corpus:
        corpus.add(Document(text="A tug.", source="a", metadata={"team": ["pilots", "cooks"]}))
        (document,) = corpus.documents({"team": "pilots"})
        assert corpus.documents({"team": "cooks"}) == [document]
        assert corpus.document(document.id, {"team": "pilots"})
        assert corpus.document(document.id, {"team": "pilots", "document_id": "b"}) is None
        assert corpus.document(document.id, {"document_id": {"in": [document.id]}})
