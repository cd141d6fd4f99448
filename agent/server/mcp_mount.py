"""MCP over HTTP, at `/mcp`, where the package for it is installed: the first corpus alone.

Requests come through the same guards as all others. Each stands for itself, so that no
session can be carried from one token to another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..mcp_app import Caller as Asker
from ..mcp_app import mcp_app
from .auth import caller_by
from .hosted import Served
from .refusals import refusal, response

PATH = "/mcp"


@asynccontextmanager
async def mounted(app: FastAPI, served: Served) -> AsyncIterator[None]:
    """Serve MCP for as long as this lasts; without its package, do nothing."""
    if find_spec("mcp") is None:
        yield
        return
    from mcp.server.transport_security import TransportSecuritySettings

    def asker(headers: Mapping[str, str]) -> Asker:
        caller = caller_by(served, headers.get("authorization", ""))
        assert caller is not None  # the gate has let it in
        return Asker(caller.owner, caller.where or None)

    server = mcp_app(served.corpus(None).agent, asker)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        # Hosts and origins are looked at before, by rules that the settings can change.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    routes: list[BaseRoute] = [Route(PATH, endpoint=Room(inner, served))]
    app.router.routes.extend(routes)
    async with server.session_manager.run():
        yield


class Room:
    """As many calls at once as there may be runs, of all callers and of each."""

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self._app = app
        self._served = served
        self._calls: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or ask its sender to wait."""
        caller = scope["caller"]
        if "ask" not in caller.may:
            refused = refusal(403, "this token may not ask or look")
            return await response(refused)(scope, receive, send)
        owner = caller.owner
        serving = self._served.serving
        mine = self._served.guarded and self._calls[owner] >= serving.runs_at_once_each
        if mine or self._calls.total() >= serving.runs_at_once:
            refused = refusal(
                429, "too many calls at once", "try again shortly", headers={"Retry-After": "2"}
            )
            return await response(refused)(scope, receive, send)
        self._calls[owner] += 1
        try:
            return await self._app(scope, receive, send)
        finally:
            self._calls[owner] -= 1
            self._calls += Counter()  # drops those that are at nought
