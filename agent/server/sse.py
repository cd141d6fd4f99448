"""Server-sent events: one line of JSON each, and a comment while there is silence."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

HEARTBEAT = b": still here\n\n"
HEARTBEAT_SECONDS = 10.0

_BREAKS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}


def one_line(json: str) -> str:
    """Return JSON in which nothing that anybody takes for the end of a line is left.

    JSON writes out CR and LF by itself; these three stand for a line break in some
    clients, and can occur in JSON only within a string.
    """
    for sign, written in _BREAKS.items():
        if sign in json:
            json = json.replace(sign, written)
    return json


def event(kind: str, json: str, number: int | None = None) -> bytes:
    """Return one event as it goes over the wire."""
    return format_sse_event(
        data_str=one_line(json), event=kind, id=None if number is None else str(number)
    )


class EventStream(StreamingResponse):
    """Sends events as they come. `ended` is called once, however the stream ends."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        ended: Callable[[], None] = lambda: None,
        headers: dict[str, str] | None = None,
    ) -> None:
        # The second header keeps proxies of the nginx kind from collecting events.
        plain = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, headers={**plain, **(headers or {})})
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Send all of it, or as much as there is somebody for."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()
