"""The gate: no token, no answer; and no more requests than a token has in a minute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .hosted import Served
from .refusals import refusal, response
from .rights import Caller

OPEN_PATHS = ("/", "/healthz", "/readyz", "/docs", "/docs.css", "/openapi.json", "/favicon.ico")
"""What anybody may see: the empty page, and whether the server is well."""

OPEN_FOLDERS = ("/assets/", "/runs/")


class Gate:
    """Finds out who sends a request, before anything of its body is read."""

    def __init__(
        self, app: ASGIApp, served: Served, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._served = served
        self._rate = Rate(served.serving.requests_a_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller, or refuse it."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            return await self._app(scope, receive, send)
        caller = caller_by(self._served, Headers(scope=scope).get("authorization", ""))
        if caller is None:
            refused = refusal(
                401,
                "a token is needed",
                "send it as Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": 'Bearer realm="suffice"'},
            )
            return await response(refused)(scope, receive, send)
        seconds = self._rate.wait(caller.name)
        if seconds:
            refused = refusal(
                429,
                "too many requests in a minute",
                f"try again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
            return await response(refused)(scope, receive, send)
        scope["caller"] = caller
        return await self._app(scope, receive, send)


def caller_by(served: Served, authorization: str) -> Caller | None:
    """Return whose the header is; without tokens everybody is the same caller."""
    if not served.guarded:
        return Caller()
    scheme, _, secret = authorization.partition(" ")
    return served.caller(secret.strip()) if scheme.lower() == "bearer" else None


class Rate:
    """So many requests in a minute of each caller, as a bucket that fills again steadily."""

    def __init__(self, a_minute: int, clock: Callable[[], float]) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, name: str) -> int:
        """Take one request; return 0, or after how many seconds to ask again."""
        now, a_second = self._clock(), self._a_minute / 60
        left, at = self._left.get(name, (float(self._a_minute), now))
        left = min(float(self._a_minute), left + (now - at) * a_second)
        if left < 1:
            self._left[name] = (left, now)
            return math.ceil((1 - left) / a_second)
        self._left[name] = (left - 1, now)
        return 0


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
