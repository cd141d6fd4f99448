"""`suffice mcp`, driven by the official client over standard input and output, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tugs

from suffice import Agent, Corpus, InputError
from suffice.agent.mcp_app import Caller, both, mcp_app

mcp = pytest.importorskip("mcp")


@pytest.fixture
def notes(own_folder: Path) -> Path:
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
    return own_folder


async def over_stdio(folder: Path, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Start the command, list its tools, make the calls, and return all that came back."""
    settings = {"SUFFICE_EMBEDDER": "none", "SUFFICE_SMALL": "none"}
    server = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "suffice", "mcp", "--corpus", "notes"],
        env={**os.environ, **settings},
        cwd=folder,
    )
    progress: list[str] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        progress.append(message or "")

    async with mcp.stdio_client(server) as (read, write), mcp.ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        results = [
            await session.call_tool(name, arguments, progress_callback=heard)
            for name, arguments in calls
        ]
    return {"tools": tools, "results": results, "progress": progress}


def test_the_official_client_drives_it_on_stdio(notes: Path) -> None:
    calls = (
        ("ask", {"question": tugs.question("Anchor"), "thread": "t"}),
        ("ask", {"question": "and who is her master?", "thread": "t"}),
        ("ask", {"question": tugs.question("Anchor"), "where": {"year": {"gte": 2016}}}),
        ("search", {"query": "tug Curlew", "limit": 2}),
        ("ask", {"question": "  "}),
        ("search", {"query": "x", "where": {"nope": 1}}),
    )
    came = asyncio.run(over_stdio(notes, *calls))
    assert [tool.name for tool in came["tools"]] == ["ask", "search"]
    assert all(tool.output_schema for tool in came["tools"])
    first, second, narrowed, found, empty, unknown = came["results"]
    assert first.structured_content["status"] == "answered"
    assert tugs.answer("Anchor") in first.structured_content["text"]
    source = first.structured_content["sources"][0]
    assert source["quote"] == tugs.text("Anchor")[source["start"] : source["end"]]
    assert second.structured_content["question"] == "Who is the tug Anchor’s master?"
    assert "Anchorsen" in second.structured_content["text"]
    assert tugs.answer("Anchor") not in narrowed.structured_content["text"]
    assert found.structured_content["passages"][0]["title"] == "Tug Curlew"
    assert len(found.structured_content["passages"]) <= 2
    assert empty.is_error
    assert "question is empty" in empty.content[0].text
    assert unknown.is_error
    assert "nope" in unknown.content[0].text
    assert "survey (round 1)" in came["progress"]
    assert "contextualize" in came["progress"]


def test_what_breaks_is_told_without_its_innards(own_folder: Path) -> None:
    with Corpus.open("notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add(tugs.documents())
        server = mcp_app(agent)

        async def call() -> Any:
            async with mcp.Client(server) as client:
                corpus.close()
                return await client.call_tool("search", {"query": "tug"})

        result = asyncio.run(call())
    assert result.is_error
    assert "the store cannot be reached" in result.content[0].text
    assert "notes" not in result.content[0].text


def test_over_http_the_caller_is_held_to_its_filter_and_its_own_threads(own_folder: Path) -> None:
    def who(headers: Mapping[str, str]) -> Caller:
        name = headers.get("x-caller", "")
        return Caller(owner=name, where={"team": name})

    async def asked(agent: Agent) -> list[Any]:
        server = mcp_app(agent, who)
        app = server.streamable_http_app(streamable_http_path="/mcp", host="127.0.0.1")
        results = []
        async with server.session_manager.run():
            for name in ("engineers", "pilots"):
                async with AsyncExitStack() as stack:
                    client = await stack.enter_async_context(
                        httpx2.AsyncClient(
                            transport=httpx2.ASGITransport(app=app), headers={"x-caller": name}
                        )
                    )
                    from mcp.client.streamable_http import streamable_http_client

                    transport = streamable_http_client(
                        "http://127.0.0.1:8000/mcp", http_client=client
                    )
                    read, write, *_ = await stack.enter_async_context(transport)
                    session = await stack.enter_async_context(mcp.ClientSession(read, write))
                    await session.initialize()
                    for tool, given in (
                        ("ask", {"question": tugs.question("Anchor"), "thread": "t"}),
                        ("search", {"query": "tug", "limit": 10}),
                        ("search", {"query": "tug", "where": {"team": "engineers"}}),
                    ):
                        results.append(await session.call_tool(tool, given))
        return results

    with Corpus.open("notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add(tugs.documents())
        mine, all_mine, fixed, theirs, all_theirs, _ = asyncio.run(asked(agent))
        owners = {run.owner: run.thread for run in agent.runs.latest()}
    assert tugs.answer("Anchor") in mine.structured_content["text"]
    assert tugs.answer("Anchor") not in theirs.structured_content["text"]
    titles = [
        {passage["title"] for passage in found.structured_content["passages"]}
        for found in (all_mine, all_theirs)
    ]
    assert titles[0] & titles[1] == set()
    assert fixed.is_error
    assert owners == {"engineers": "t", "pilots": "t"}


def test_a_forced_filter_can_be_narrowed_and_not_widened() -> None:
    assert both({"year": 2020}, {"team": "a"}) == {"year": 2020, "team": "a"}
    assert both(None, None) is None
    with pytest.raises(InputError, match='"team" is fixed'):
        both({"team": {"in": ["a", "b"]}}, {"team": "a"})


def test_nothing_but_the_protocol_is_on_standard_output(notes: Path) -> None:
    import subprocess

    said = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    done = subprocess.run(
        [sys.executable, "-m", "suffice", "mcp", "--corpus", "notes"],
        input=json.dumps(said) + "\n",
        cwd=notes,
        env={**os.environ, "SUFFICE_EMBEDDER": "none", "SUFFICE_SMALL": "none"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]
