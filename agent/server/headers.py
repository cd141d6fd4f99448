"""What every answer says about itself to a browser, and whom the server answers at all.

The page may load what this server serves and nothing else. A page of another site can
neither read an answer nor set anything off: it has no cross-origin rights, and requests
that a browser marks as coming from elsewhere are refused. A name that was made to point
at this machine (DNS rebinding) is not one that the server is reached by.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusals import refusal, response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that reach this machine alone."""


class SafeHeaders:
    """Puts the headers on every answer, and keeps what was answered out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await self._app(scope, receive, sent)


class KnownHost:
    """Refuses requests that name a host other than those the server is reached by.

    `hosts` None lets every name pass: behind a token, on an address of its own.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and self._hosts is not None:
            host = hostname(Headers(scope=scope).get("host", ""))
            if host not in self._hosts:
                refused = refusal(
                    421,
                    "this server is not reached by that name",
                    "name it in hosts under [server] in suffice.toml",
                )
                return await response(refused)(scope, receive, send)
        return await self._app(scope, receive, send)


class SameSite:
    """Refuses what a browser sends on behalf of another site's page, whatever it asks for.

    Programs send neither `Origin` nor `Sec-Fetch-Site`. Following a link to the page is
    no request on anybody's behalf.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = {origin.rstrip("/").lower() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not self._welcome(scope):
            refused = refusal(403, "a page of another site may not call this server")
            return await response(refused)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _welcome(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin", "").lower()
        if origin and origin in self._origins:
            return True
        if origin and urlsplit(origin).netloc != headers.get("host", "").lower():
            return False
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        navigated = headers.get("sec-fetch-mode") == "navigate" and scope["method"] == "GET"
        return navigated and not scope["path"].startswith(("/v1/", "/mcp"))


def hostname(host: str) -> str:
    """Return the name in a Host header, without port and brackets; "" of what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
