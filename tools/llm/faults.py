"""What a provider's error means, whichever client library raised it.

Both libraries give their errors a `status_code` and a `response`; connections that
break have neither. Keys never get into what is said here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import CallFailed, CallRefused, ModelError
from ..retry import PASSING, Fault, read_retry_after

Kind = Literal["passing", "bad_request", "too_long", "refused"]

_TOO_LONG = re.compile(
    r"context[ _]length|context[ _]window|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|exceeds? the (?:available )?context|input is too long",
    re.IGNORECASE,
)
_KEY = re.compile(r"\b(?:sk|pk|rk|pa|key)-[\w*.-]{6,}|(?i:bearer)\s+\S+")
_NO_CREDIT = re.compile(r"insufficient_quota|credit balance|billing", re.IGNORECASE)
_HINTS = {
    401: "the key was not accepted; check the provider's key",
    402: "the account has no credit",
    403: "the key has no right to this model",
    404: "there is no such model or address; check the model's name and the base URL",
    413: "the request was too large",
}


class StreamCut(Exception):
    """A stream ended before its end was announced."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong: of which kind, in what words."""

    kind: Kind
    text: str
    retry_after: float | None = None

    @property
    def fault(self) -> Fault:
        return Fault(self.kind == "passing", self.retry_after)


def diagnose(error: BaseException, secrets: Sequence[str] = ()) -> Diagnosis:
    """Say what a client library's error means. Unknown errors count as broken connections."""
    status = getattr(error, "status_code", None)
    text = cleaned(_text(error), secrets)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Diagnosis("passing", "no whole reply came in time")
    if not isinstance(status, int) or status < 400:
        # An error event in a stream that began with 200, or a broken connection.
        return Diagnosis("passing", text)
    if status in PASSING and not _NO_CREDIT.search(text):
        return Diagnosis("passing", f"{status}: {text}", _retry_after(error))
    if status in (400, 413, 422) and _TOO_LONG.search(text):
        return Diagnosis("too_long", f"{status}: {text}")
    if status in (400, 404, 415, 422, 501):
        hint = _HINTS.get(status, "")
        return Diagnosis("bad_request", f"{status}: {text}" + (f" ({hint})" if hint else ""))
    return Diagnosis("refused", f"{status}: {text}" + (f" ({h})" if (h := _HINTS.get(status)) else ""))


def as_error(name: str, diagnosis: Diagnosis, attempts: int) -> ModelError:
    """Return the error to raise: what was called, how often, and what came of it."""
    if diagnosis.kind == "passing":
        times = "once" if attempts == 1 else f"{attempts} times"
        return CallFailed(f"{name} was called {times} and failed: {diagnosis.text}")
    if diagnosis.kind == "too_long":
        return CallRefused(
            f"{name} has too short a context for the prompt ({diagnosis.text}); "
            "let it see fewer passages, or choose a model with a longer context"
        )
    return CallRefused(f"{name} refused the call: {diagnosis.text}")


def cleaned(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text without keys, on one line, of bearable length."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = " ".join(_KEY.sub("***", text).split())
    return text if len(text) <= 300 else text[:300] + "…"


def _text(error: BaseException) -> str:
    body: Any = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        code = inner.get("code") or inner.get("type") if isinstance(inner, dict) else None
        if isinstance(message, str) and message:
            return f"{message} [{code}]" if code else message
    cause = error.__cause__
    because = f": {type(cause).__name__} {cause}" if cause is not None else ""
    return f"{error or type(error).__name__}{because}"


def _retry_after(error: BaseException) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return None
    in_ms = headers.get("retry-after-ms")
    if in_ms and in_ms.replace(".", "", 1).isdigit():
        return float(in_ms) / 1000
    return read_retry_after(headers.get("retry-after"))
