"""How large a request may be, and how long it may take to arrive."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..access import Serving
from .refusals import refusal, response

UPLOADS = ("POST", "/v1/corpus/documents")


class BodyLimits:
    """Counts a body while it arrives, whatever its header said of its length."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; end it when it is too large or too slow."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        upload = (scope["method"], scope["path"]) == UPLOADS
        most = self._serving.upload_bytes if upload else self._serving.body_bytes
        seconds = self._serving.upload_seconds if upload else self._serving.body_seconds
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > most:
            return await response(_too_large(most))(scope, receive, send)
        return await self._app(scope, _Body(receive, most, seconds).receive, send)


class _Body:
    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._seconds = seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._taken = 0
        self._whole = False

    async def receive(self) -> Message:
        """Receive a part. Raises the refusal that the framework answers with."""
        if self._whole:  # what comes now is the client's leaving, which may take its time
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise refusal(
                408,
                f"the request did not arrive within {self._seconds:g} s",
                headers={"Connection": "close"},
            ) from None
        self._taken += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._taken > self._most:
            raise _too_large(self._most)
        return message


def _too_large(most: int) -> HTTPException:
    return refusal(
        413, f"the request is larger than {most:,} bytes", headers={"Connection": "close"}
    )
