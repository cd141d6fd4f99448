"""Calls to providers: what is tried again, how long, and what a failure is called.

Shared by everything that talks to a provider: embedders, rerankers, language models.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from ..errors import CallFailed, CallRefused, ModelError

Result = TypeVar("Result")

_PASSING_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_PASSING_ERRORS = frozenset({"APIConnectionError", "TransportError"})
"""Base classes of connection errors in openai, anthropic and httpx2, none imported here."""
_NEVER_PASSING = frozenset({"UnsupportedProtocol", "LocalProtocolError"})
_KEY = re.compile(r"(?i)\b(?:sk|pa|jina)[-_][\w*-]{12,}|(?<=bearer )\S+")
_EXHAUSTED = ("insufficient_quota", "billing_hard_limit", "credit balance")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying. Waits are random up to `first_wait` * 2^n seconds.

    A provider that asks for a longer wait than `longest_wait` is taken at its word: the
    call fails at once.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30.0


async def with_retries(
    call: Callable[[], Awaitable[Result]],
    *,
    what: str = "the provider",
    deadline: float | None = None,
    patience: Patience | None = None,
    retryable: Callable[[BaseException], bool] | None = None,
    secrets: Iterable[str] = (),
) -> Result:
    """Await `call()`, again where the failure can pass, and return its result.

    What can pass: 408, 429, 5xx, timeouts and broken connections, with random exponential
    waits never shorter than the provider's Retry-After. `deadline` is a moment of
    `time.monotonic()`: no attempt outlives it and no wait crosses it. `what` names the
    provider in errors; `secrets` are struck from them.

    Raises `CallRefused` where the provider said no, `CallFailed` for any other failure;
    errors of Suffice itself and cancellation pass through. The client's own retries are
    to be switched off.
    """
    patience, began = patience or Patience(), time.monotonic()
    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        retry=retry_if_exception(retryable or can_pass),
        wait=lambda state: _wait(state, patience),
        stop=lambda state: _stop(state, patience, deadline),
        reraise=True,
    )
    tries = 0

    async def attempt() -> Result:
        nonlocal tries
        tries += 1
        if deadline is None:
            return await call()
        async with asyncio.timeout(max(deadline - time.monotonic(), 0.0)):
            return await call()

    try:
        return await retrying(attempt)
    except Exception as error:
        if isinstance(error, ModelError):
            raise
        failure = as_model_error(error, what, secrets, tries, time.monotonic() - began)
    # Raised out here, so that it does not drag along the request with its key.
    raise failure


def can_pass(error: BaseException) -> bool:
    """Say whether the same call may succeed a little later."""
    status = _status(error)
    if status is not None:
        return (status in _PASSING_STATUS or status > 500) and not _exhausted(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _NEVER_PASSING:
        return False
    return bool(kinds & _PASSING_ERRORS) or isinstance(error, TimeoutError | ConnectionError)


def as_model_error(
    error: BaseException, what: str, secrets: Iterable[str] = (), tries: int = 1, seconds: float = 0
) -> ModelError:
    """Return the error of Suffice for one of a provider's client."""
    status = _status(error)
    said = _struck(_said(error), secrets)
    after = f" after {tries} tries in {seconds:.1f} s" if tries > 1 else ""
    if status is None:
        return CallFailed(f"{what} could not be reached or broke off{after}: {said}")
    if can_pass(error):
        return CallFailed(f"{what} answered {status}{after}: {said}")
    refused = CallRefused(f"{what} refused with {status}: {said}{_way_out(status, error)}")
    refused.status = status
    return refused


def retry_after(error: BaseException) -> float | None:
    """Return the seconds that the provider asks to wait, or None where it does not."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    milliseconds, after = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds:
            return max(float(milliseconds) / 1000, 0.0)
        return max(float(after), 0.0) if after else None
    except ValueError:
        return _until(after or "")


def _until(moment: str) -> float | None:
    try:
        when = parsedate_to_datetime(moment)
    except ValueError:
        return None
    return max((when.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def _wait(state: RetryCallState, patience: Patience) -> float:
    jittered = wait_random_exponential(multiplier=patience.first_wait, max=patience.longest_wait)
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after(error) if error else None
    # The jitter on top keeps many callers from coming back at the same moment.
    return jittered(state) if asked is None else asked + min(jittered(state), asked)


def _stop(state: RetryCallState, patience: Patience, deadline: float | None) -> bool:
    if state.attempt_number >= patience.attempts:
        return True
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after(error) if error else None
    if asked is not None and asked > patience.longest_wait:
        return True
    return deadline is not None and time.monotonic() + state.upcoming_sleep >= deadline


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _exhausted(error: BaseException) -> bool:
    # An account out of money answers 429 like a crowded server, but waiting does not help.
    said = _said(error).lower()
    return any(word in said for word in _EXHAUSTED)


def _way_out(status: int, error: BaseException) -> str:
    if _exhausted(error):
        return ". The account's quota is used up"
    return {
        401: ". Check the key",
        403: ". Check the key and what it may do",
        404: ". Check the model's name and the address",
    }.get(status, "")


def _said(error: BaseException) -> str:
    body = getattr(error, "body", None)
    response = getattr(error, "response", None)
    if body is None and response is not None:
        body = _body(response)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "no reply in time"
    # The text of an HTTP error holds the address, and so what may be hidden in it.
    own = str(error) if response is None else getattr(response, "reason_phrase", "")
    message = _message(body) or own or type(error).__name__
    inner = body.get("error", body) if isinstance(body, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return f"{message} ({code})" if isinstance(code, str) and code not in message else message


def _body(response: Any) -> Any:
    try:
        return response.json()
    except Exception:  # any body at all may come back, and a stream may not be readable
        return getattr(response, "text", None) if getattr(response, "is_closed", True) else None


def _message(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    for key in ("error", "message", "detail", "error_message"):
        if body.get(key):
            return _message(body[key]) or str(body[key])
    return ""


def _struck(text: str, secrets: Iterable[str], limit: int = 300) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    text = _KEY.sub("[key]", text)
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[:limit] + "…"
