"""A real server in the tests' own process: uvicorn on a free port of the loopback address.

    with serve(agent) as server:
        server.client().post("/v1/ask", json={"question": "…"})

It is the application that `suffice serve` runs, with the same guards and the same end.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI

from suffice import Agent
from suffice.agent.access import Serving, Token
from suffice.agent.server.app import create_app
from suffice.agent.server.headers import LOOPBACK
from suffice.agent.server.hosted import callers_of
from suffice.agent.server.listening import Server, address, listen

JSON = dict[str, Any]


@dataclass
class Running:
    """A server that runs; `url` is its address, without a slash at the end."""

    url: str
    app: FastAPI
    server: Server

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def client(self, token: str = "", **options: Any) -> httpx.Client:
        """Return a client of it, with a bearer token if one is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)


@contextmanager
def serve(
    *agents: Agent,
    tokens: Sequence[Mapping[str, Any]] = (),
    hosts: Iterable[str] | None = LOOPBACK,
    **limits: Any,
) -> Iterator[Running]:
    """Serve these agents while it is open. `limits` are settings of `[server]`.

    A token is what stands in a `[[tokens]]` of the settings file.
    """
    app = create_app(
        agents,
        serving=Serving(**limits),
        callers=callers_of([Token.model_validate(token) for token in tokens], {}),
        hosts=None if hosts is None else set(hosts),
    )
    bound = listen("127.0.0.1", 0)
    server = Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="served")
    thread.start()
    try:
        yield Running(address(bound, "127.0.0.1"), app, server)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def connected(running: Running) -> socket.socket:
    """Return a connection to it, for what no client library would send."""
    return socket.create_connection((running.host, running.port), timeout=10)


@dataclass(frozen=True)
class SseEvent:
    """One event as a browser would see it."""

    id: str
    event: str
    data: str

    def json(self) -> JSON:
        value: JSON = json.loads(self.data)
        return value


def events(response: httpx.Response) -> Iterator[SseEvent]:
    """Yield the events of a stream as they come, read as the standard of SSE says."""
    rest = ""
    for piece in response.iter_text():
        rest += piece.replace("\r\n", "\n").replace("\r", "\n")
        while "\n\n" in rest:
            block, rest = rest.split("\n\n", 1)
            fields: dict[str, list[str]] = {}
            for line in block.split("\n"):
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))
            if "data" in fields:
                data = "\n".join(fields["data"])
                yield SseEvent(fields.get("id", [""])[-1], fields.get("event", [""])[-1], data)
