"""`suffice serve` as a process: its one line, its log, its refusals, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import tugs

from suffice import Corpus
from suffice.agent.cli import main
from suffice.agent.server.listening import listen

TOKEN = "serve-" * 6
QUESTION = tugs.question("Fulmar")


@pytest.fixture
def folder(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUFFICE_EMBEDDER", "none")
    tugs.write_folder(own_folder / "tugs")
    return own_folder


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port; yield the process and the address it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "suffice", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "*"},
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.fullmatch(r"Suffice is at (http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)\n", said)
        assert found, said + (process.stderr.read() if process.stderr and not said else "")
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_a_folder_until_it_is_told_to_end(folder: Path, how: signal.Signals) -> None:
    with (
        serving("-d", "tugs", "--json") as (process, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        corpora = client.get("/v1/session").json()["corpora"]
        assert [(one["name"], one["documents"]) for one in corpora] == [("tugs", 8)]
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
        assert tugs.answer("Fulmar") in answer["text"]
        process.send_signal(how)
        out, log = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    lines = [json.loads(line) for line in log.splitlines()]
    asked = next(line for line in lines if line.get("route") == "/v1/ask")
    assert (asked["status"], asked["run"], asked["method"]) == (200, answer["run_id"], "POST")
    run = next(line for line in lines if line["event"] == "run")
    assert (run["run"], run["status"]) == (answer["run_id"], "answered")
    assert "Fulmar" not in log
    with Corpus.open(next(Path(".suffice").iterdir()), **tugs.QUICK) as corpus:
        assert corpus.count() == 8


def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["suffice", "serve", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    return said.err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "suffice.example"])
def test_others_are_not_let_in_without_a_token(folder, capsys, monkeypatch, host: str) -> None:
    told = refused(capsys, monkeypatch, "--host", host)
    assert "no token is set" in told
    assert "SUFFICE_TOKEN" in told
    assert not Path(".suffice").exists()


def test_nor_under_a_name_that_a_proxy_gives_it(folder, capsys, monkeypatch) -> None:
    Path("suffice.toml").write_text('[server]\nhosts = ["suffice.example"]\n')
    assert "no token is set" in refused(capsys, monkeypatch)


@pytest.mark.parametrize(
    ("settings", "environment", "told"),
    [
        ('[[tokens]]\nname = "a"\ntoken_env = "NOT_SET"\n', {}, "NOT_SET is not set"),
        ('[[tokens]]\nname = "a"\ntoken_env = "SHORT"\n', {"SHORT": "x"}, "at least 16"),
        ("", {"SUFFICE_TOKEN": "short"}, "SUFFICE_TOKEN"),
        (f'[[tokens]]\nname="a"\ntoken="{TOKEN}"\n' * 2, {}, "each its own name"),
        (
            f'[[tokens]]\nname="a"\ntoken="{TOKEN}"\n[[tokens]]\nname="b"\ntoken="{TOKEN}"\n',
            {},
            "the same token",
        ),
    ],
)
def test_tokens_that_make_no_sense_are_told_at_once(
    folder, capsys, monkeypatch, settings: str, environment: dict[str, str], told: str
) -> None:
    Path("suffice.toml").write_text(settings)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = refused(capsys, monkeypatch)
    assert told in said
    assert TOKEN not in said


def test_a_port_that_is_taken_is_told(folder, capsys, monkeypatch) -> None:
    with listen("127.0.0.1", 0) as taken:
        told = refused(capsys, monkeypatch, "--port", str(taken.getsockname()[1]))
    assert "--port 0" in told


def test_a_corpus_that_is_not_there_is_told(folder, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["suffice", "serve", "--port", "0", "-c", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "there is no corpus at nowhere" in capsys.readouterr().err


def test_events_are_not_held_back_by_the_socket() -> None:
    with listen("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP  # without it asyncio leaves Nagle's delay on
