"""One line for each request and each run, as JSON or for people.

No line holds a token, a header or a body, nor a question unless the settings ask for it:
the route is logged as a pattern, not as the address that was called.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .runs import LiveRun

log = logging.getLogger("suffice.server")

QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/assets/{name}"})
"""Routes that are called all the time; they are logged only when something is wrong."""


class Observed:
    """Counts and logs every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what came of it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = time.perf_counter()
        noted = {"request": secrets.token_hex(8), "status": 0, "first": 0.0, "run": ""}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = str(noted["request"])
                noted["status"] = message["status"]
                noted["first"] = time.perf_counter() - began
                noted["run"] = headers.get("x-run-id", "")
            await send(message)

        try:
            return await self._app(scope, receive, sent)
        finally:
            self._note(scope, noted, time.perf_counter() - began)

    def _note(self, scope: Scope, noted: dict[str, Any], seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(noted["status"] or 499)).inc()
        self._metrics.seconds.labels(method, route).observe(noted["first"] or seconds)
        level = logging.WARNING if noted["status"] >= 500 else logging.INFO
        if route in QUIET and noted["status"] < 400:
            level = logging.DEBUG
        caller = scope.get("caller")
        fields = {
            "request": noted["request"],
            "run": noted["run"],
            "method": method,
            "route": route,
            "status": noted["status"],
            "caller": caller.name if caller else "",
            "seconds": round(seconds, 4),
        }
        note(level, "request", **fields)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def note(level: int, what: str, **fields: Any) -> None:
    """Write one line with these fields; empty ones are left out."""
    said = {name: value for name, value in fields.items() if value not in ("", None)}
    log.log(level, what, extra={"fields": said})


def run_noted(run: LiveRun, *, question: bool) -> None:
    """Write what a run came to; with its question only where that is wanted."""
    note(
        logging.INFO,
        "run",
        run=run.id,
        status=run.status,
        caller=run.owner,
        corpus=run.corpus,
        seconds=round(time.time() - run.began, 3),
        question=run.question if question else "",
    )


class JsonLines(logging.Formatter):
    """Each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class Plain(logging.Formatter):
    """Each record as one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = getattr(record, "fields", {})
        said = " ".join(str(value) for name, value in fields.items() if name not in _UNSAID)
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.getMessage()} {said}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


_UNSAID = frozenset({"request"})


@contextmanager
def written(*, as_json: bool, level: int = logging.INFO) -> Iterator[None]:
    """Write the server's log to standard error for as long as this lasts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Plain())
    loggers = [logging.getLogger(name) for name in ("suffice", "uvicorn")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.setLevel(level if logger.name == "suffice" else logging.WARNING)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (handlers, was, propagates) in zip(loggers, before, strict=True):
            logger.handlers[:] = handlers
            logger.setLevel(was)
            logger.propagate = propagates
