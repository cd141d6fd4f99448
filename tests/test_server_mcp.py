"""The official MCP client drives `/mcp`, behind the same guards as everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import tugs
from served import Running, serve

from suffice import Agent, Corpus

pytest.importorskip("mcp", reason='mcp is not installed: pip install "suffice[mcp]"')

PILOTS = "pilots-" * 4
TOKENS = [{"name": "pilots", "token": PILOTS, "where": {"team": "pilots"}}]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
BOTH = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Corpus.open(tmp_path_factory.mktemp("mcp") / "tugs", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        with Agent(corpus) as agent, serve(agent, tokens=TOKENS) as running:
            yield running


def called(server: Running, tool: str, **arguments: Any) -> Any:
    from mcp import ClientSession
    from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

    async def call() -> Any:
        headers = {"Authorization": f"Bearer {PILOTS}"}
        async with (
            create_mcp_http_client(headers=headers) as client,
            streamable_http_client(f"{server.url}/mcp", http_client=client) as (read, write, *_),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await session.call_tool(tool, arguments)

    return asyncio.run(call())


def test_a_question_is_answered_within_the_token(server: Running) -> None:
    answer = called(server, "ask", question=tugs.question("Fulmar")).structured_content
    assert answer["status"] == "answered"
    assert tugs.answer("Fulmar") in answer["text"]
    with server.client(PILOTS) as client:
        assert client.get(f"/v1/runs/{answer['run_id']}").status_code == 200
    other = called(server, "ask", question=tugs.question("Gannet")).structured_content
    assert tugs.answer("Gannet") not in str(other)


def test_a_search_stays_within_the_token(server: Running) -> None:
    found = called(server, "search", query=tugs.question("Gannet")).structured_content
    assert found["passages"]
    assert "Tug Gannet" not in {passage["title"] for passage in found["passages"]}
    refused = called(server, "search", query="tug", where={"colour": "red"})
    assert refused.is_error
    assert "year" not in str(refused.content)


def test_it_is_guarded_as_all_else(server: Running) -> None:
    with server.client() as stranger, server.client(PILOTS) as client:
        assert stranger.post("/mcp", json=INITIALIZE, headers=BOTH).status_code == 401
        for headers, status in (
            ({"Origin": "https://evil.example"}, 403),
            ({"Host": "evil.example"}, 421),
            ({}, 200),
        ):
            answer = client.post("/mcp", json=INITIALIZE, headers={**BOTH, **headers})
            assert answer.status_code == status, headers
            assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_it_is_no_part_of_the_described_endpoints(server: Running) -> None:
    assert "/mcp" not in httpx.get(f"{server.url}/openapi.json").json()["paths"]
