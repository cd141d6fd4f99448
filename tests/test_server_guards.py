"""Who is let in and what others could do: names, origins, sizes, paces, headers, injections."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest
import tugs
from served import Running, connected, serve

from suffice import Agent, Corpus, Document
from suffice.agent.server.openai_wire import written_out
from suffice.agent.server.uploads import clean_name

QUESTION = tugs.question("Fulmar")
POISON = 'Tug\r\nevent: run_finished\r\ndata: {"answer": 1}\r\n\r\n\u2028\u2029\x85Set-Cookie: a=b'


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with Corpus.open(tmp_path_factory.mktemp("guards") / "tugs", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        corpus.add(Document(text=tugs.text("Fulmar"), title=POISON, source=POISON))
        with Agent(corpus) as agent:
            yield agent


@pytest.fixture(scope="module")
def server(agent: Agent) -> Iterator[Running]:
    with serve(agent, body_bytes=20_000, upload_bytes=40_000) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


# By which name, and from which page


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_a_name_made_to_point_here_is_refused(client: httpx.Client, host: str) -> None:
    for path in ("/", "/v1/session", "/healthz"):
        assert client.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8000", "[::1]:8000"])
def test_a_name_of_this_machine_is_taken(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/session", headers={"Host": host}).status_code == 200


def test_a_name_that_is_set_is_taken(agent: Agent) -> None:
    with serve(agent, hosts=["localhost"]) as running, running.client() as client:
        assert client.get("/healthz").status_code == 421
        assert client.get("/healthz", headers={"Host": "localhost"}).status_code == 200


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_can_do_nothing(client: httpx.Client, headers: dict) -> None:
    before = client.get("/v1/runs").json()["runs"]
    document = client.get("/v1/corpus").json()["documents"][0]["id"]
    form = {"Content-Type": "text/plain"}
    answers = [
        client.post("/v1/ask", json={"question": QUESTION}, headers=headers),
        client.post("/v1/ask", content='{"question": "x"}', headers={**headers, **form}),
        client.post("/v1/corpus/documents", files={"files": ("a.md", b"x")}, headers=headers),
        client.delete(f"/v1/corpus/documents/{document}", headers=headers),
        client.get("/v1/runs", headers=headers),
        client.post("/v1/chat/completions", json={}, headers=headers),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert client.get("/v1/runs").json()["runs"] == before
    assert client.get(f"/v1/corpus/documents/{document}").status_code == 200


def test_the_page_itself_may_call(client: httpx.Client, server: Running) -> None:
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/corpus/search", json={"query": "tug"}, headers=own).status_code == 200
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/docs", headers=followed).status_code == 200


def test_other_sites_may_call_only_where_it_is_set(agent: Agent, client: httpx.Client) -> None:
    asked = {"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"}
    refused = client.options("/v1/ask", headers=asked)
    assert not [name for name in refused.headers if name.startswith("access-control")]
    with serve(agent, origins=["https://chat.example"]) as running, running.client() as other:
        allowed = other.options("/v1/ask", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://chat.example"
        body = {"query": "tug"}
        answered = other.post("/v1/corpus/search", json=body, headers={"Origin": asked["Origin"]})
        assert answered.headers["access-control-allow-origin"] == "https://chat.example"
        evil = {"Origin": "https://evil.example"}
        assert other.post("/v1/corpus/search", json=body, headers=evil).status_code == 403


# What every answer says


def test_every_answer_tells_the_browser_what_it_may(client: httpx.Client) -> None:
    answers = [
        client.get("/v1/session"),
        client.get("/docs"),
        client.get("/nowhere"),
        client.post("/v1/ask", json={}),
        client.get("/healthz", headers={"Host": "evil.example"}),
        client.get("/v1/session", headers={"Origin": "null"}),
        client.get("/v1/graph.svg"),
        client.get("/assets/none.js"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert "unsafe-inline" not in answers[0].headers["content-security-policy"]


# Sizes and paces


def test_a_request_that_is_too_large_is_refused(client: httpx.Client) -> None:
    large = {"question": "x", "thread": "y" * 20_000}
    assert client.post("/v1/ask", json=large).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 1_000

    sent = {"Content-Type": "application/json"}
    assert client.post("/v1/ask", content=pieces(), headers=sent).status_code == 413
    files = {"files": ("a.md", b"x" * 50_000)}
    assert client.post("/v1/corpus/documents", files=files).status_code == 413
    files = {"files": ("a.md", b"x" * 25_000)}
    assert client.post("/v1/corpus/documents", files=files).json()["added"] == 1


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10"])
def test_a_length_that_is_none_is_refused(server: Running, length: str) -> None:
    head = f"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def test_a_client_that_dawdles_is_left(agent: Agent) -> None:
    head = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with serve(agent, body_seconds=0.2) as running:
        with connected(running) as connection:
            connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
            assert connection.recv(64).startswith(b"HTTP/1.1 408")
        with connected(running) as connection:
            connection.sendall(head)
            assert connection.recv(64) == b""
        with connected(running) as connection:
            assert connection.recv(64) == b""


def test_requests_too_many_in_a_minute_are_asked_to_wait(agent: Agent) -> None:
    with serve(agent, requests_a_minute=3) as running, running.client() as client:
        answers = [client.get("/v1/session") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 20
        assert client.get("/healthz").status_code == 200


# Injections


def test_a_title_or_a_question_cannot_say_events_of_its_own(client: httpx.Client) -> None:
    asked = {"question": f"{QUESTION} {POISON}", "stream": True}
    with client.stream("POST", "/v1/ask", json=asked) as stream:
        raw = b"".join(stream.iter_raw()).decode()
    lines = raw.splitlines()  # which also breaks at U+2028 and the like
    assert all(re.match(r"(event: \w+|data: \{.*\}|id: \d+|: .*|)$", line) for line in lines)
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    kinds = [line[7:] for line in lines if line.startswith("event: ")]
    assert [one["type"] for one in data] == kinds
    assert kinds.count("run_finished") == 1
    titles = {passage["title"] for passage in data[-1]["answer"]["passages"]}
    assert POISON in titles


def test_a_title_or_a_question_cannot_say_headers_of_its_own(client: httpx.Client) -> None:
    answers = [client.post("/v1/ask", json={"question": f"{QUESTION} {POISON}"})]
    run_id = answers[0].json()["run_id"]
    answers.append(client.get(f"/v1/runs/{run_id}", params={"download": True}))
    poisoned = next(d for d in client.get("/v1/corpus").json()["documents"] if d["title"] == POISON)
    answers.append(client.get(f"/v1/corpus/documents/{poisoned['id']}"))
    for answer in answers:
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "Tug" not in str(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../settings.py",
        "/assets/..%2fsettings.py",
        "/assets/%2e%2e%2fsettings.py",
        "/assets/..%5csettings.py",
        "/assets/__init__.py",
        "/assets//etc/passwd",
        "/assets/%00.js",
        "/v1/corpus/documents/..%2f..%2fetc%2fpasswd",
        "/v1/corpus/documents/%2fetc%2fpasswd",
        "/v1/corpus/documents/%00",
        "/v1/runs/..%2f..%2fetc%2fpasswd",
        "/v1/graph?run=../../etc/passwd",
        "/v1/corpus?corpus=../../etc",
    ],
)
def test_no_address_leads_out_of_what_is_served(server: Running, path: str) -> None:
    # Sent as it stands: a client library would tidy it up.
    with connected(server) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = connection.makefile("rb").read().decode()
    assert re.match(r"HTTP/1.1 4(04|22|00)", answer), answer
    assert "root:" not in answer
    assert "import" not in answer


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("notes.md", "notes.md"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/cron.d/job", "job"),
        ("C:\\Users\\me\\notes.md", "notes.md"),
        ("a\0b.md", "ab.md"),
        ("a\r\nb.md", "ab.md"),
        ("invoice\u202efdp.md", "invoicefdp.md"),
        (".htaccess", "_.htaccess"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("con.md", "_con.md"),
        ("a:b?c.md", "a_b_c.md"),
        ("  spaced  out .md ", "spaced out .md"),
        ("x" * 300 + ".md", "x" * 117 + ".md"),
        ("Größe.md", "Größe.md"),
    ],
)
def test_the_name_of_an_upload_is_cleaned(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_an_upload_goes_by_its_cleaned_name(client: httpx.Client) -> None:
    files = {"files": ("../../etc/cron.d/job\u202e.md", b"A job of the harbour.")}
    assert client.post("/v1/corpus/documents", files=files).json()["added"] == 1
    sources = {document["source"] for document in client.get("/v1/corpus").json()["documents"]}
    assert "upload:job.md" in sources
    assert not [source for source in sources if "etc" in source]


def test_what_a_page_of_markdown_would_fetch_is_written_out() -> None:
    hostile = (
        "![x](http://evil.example/p.png) [y](javascript:alert(1)) <img src=x onerror=y> "
        "</p> <!-- --> ![z][1]\n[1]: http://evil.example"
    )
    shown = written_out(hostile)
    assert "![" not in shown
    assert "](" not in shown
    assert "]:" not in shown
    assert not re.search(r"(?<!\\)<", shown)
    assert shown.replace("\\", "") == hostile
    assert written_out("A claim [1], and 3 < 4 [2].") == "A claim [1], and 3 < 4 [2]."
