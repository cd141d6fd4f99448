"""`langgraph dev` opens the graph that `langgraph.json` names, and a question alone runs it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tugs
from langgraph.checkpoint.memory import InMemorySaver

from suffice import Corpus, Settings
from suffice.agent.studio import served_graph

ROOT = Path(__file__).parent.parent


@pytest.fixture
def notes(own_folder: Path) -> Path:
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
    return own_folder


def test_a_question_alone_runs_the_served_graph_and_a_thread_goes_on(notes: Path) -> None:
    graph = served_graph(Settings(corpus="notes", **tugs.QUICK))
    graph.checkpointer = InMemorySaver()
    thread: Any = {"configurable": {"thread_id": "1"}}

    async def asked(question: str) -> dict[str, Any]:
        return await graph.ainvoke({"question": question}, thread)

    async def talk() -> list[dict[str, Any]]:
        questions = (tugs.question("Anchor"), "and who is her master?", "Who invented radium?")
        return [await asked(question) for question in questions]

    first, second, third = asyncio.run(talk())
    assert tugs.answer("Anchor") in first["answer"].text
    assert second["question"] == "Who is the tug Anchor’s master?"
    assert "Anchorsen" in second["answer"].text
    # What a run takes and tries is its own, however long the thread.
    assert second["answer"].usage.searches == len(second["answer"].searches)
    assert second["answer"].searches[0].text == second["question"]
    assert third["answer"].status == "abstained"


def test_the_served_graph_has_the_nodes_of_the_loop() -> None:
    drawn = served_graph(Settings(**tugs.QUICK)).get_graph()
    expected = {"begin", "contextualize", "survey", "plan", "search", "rerank", "judge", "verify"}
    assert expected <= set(drawn.nodes)


@pytest.fixture
def served(notes: Path) -> Iterator[str]:
    """The address of a `langgraph dev` over the notes."""
    if shutil.which("langgraph", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("langgraph-cli is not installed; install it with: uv sync --group e2e")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser"]
    command += ["--no-reload", "--port", str(port), "--config", str(ROOT / "langgraph.json")]
    settings = {
        "SUFFICE_CORPUS": str(notes / "notes"),
        "SUFFICE_EMBEDDER": "none",
        "SUFFICE_SMALL": "none",
    }
    quiet = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    with open(notes / "dev.log", "w+", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, cwd=notes, env={**os.environ, **settings, **quiet}, stdout=log, stderr=log
        )
        try:
            _wait_for(port, server, notes / "dev.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.2)  # not there yet, unless it has ended
    pytest.fail(f"langgraph dev did not start:\n{log.read_text('utf-8')[-3000:]}")


@pytest.mark.slow
def test_langgraph_dev_runs_a_question_over_its_api(served: str) -> None:
    from langgraph_sdk import get_client

    async def ask() -> tuple[dict[str, Any], dict[str, Any], set[str]]:
        async with get_client(url=served) as client:
            thread = await client.threads.create()
            given = {"input": {"question": tugs.question("Anchor")}}
            first = await client.runs.wait(thread["thread_id"], "suffice", **given)
            nodes = set()
            again = {"input": {"question": "and who is her master?"}, "stream_mode": "updates"}
            async for part in client.runs.stream(thread["thread_id"], "suffice", **again):
                nodes |= set(part.data or {})
            state = await client.threads.get_state(thread["thread_id"])
        return first, state["values"], nodes

    first, second, nodes = asyncio.run(ask())
    assert tugs.answer("Anchor") in first["answer"]["text"]
    assert second["question"] == "Who is the tug Anchor’s master?"
    assert "Anchorsen" in second["answer"]["text"]
    assert {"begin", "contextualize", "survey", "plan", "verify"} <= nodes
