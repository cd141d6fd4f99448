import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

from suffice.errors import CallFailed, CallRefused, ReplyInvalid
from suffice.tools.retry import Patience, can_pass, retry_after, with_retries

QUICK = Patience(attempts=3, first_wait=0.001, longest_wait=5.0)
KEY = "sk-planted-1234567890abcdef"
SECRET = "own-" + "secret"


def answered(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Exception:
    request = httpx2.Request("POST", "http://h/v1", headers={"Authorization": f"Bearer {KEY}"})
    response = httpx2.Response(status, json=body, headers=headers, request=request)
    return httpx2.HTTPStatusError(f"{status}", request=request, response=response)


def failing(*errors: BaseException) -> tuple[Callable[[], Awaitable[str]], list[float]]:
    """A call that raises these in turn and then succeeds, and the moments of its tries."""
    left, moments = list(errors), []

    async def call() -> str:
        moments.append(time.monotonic())
        if left:
            raise left.pop(0)
        return "done"

    return call, moments


@pytest.mark.parametrize(
    "error",
    [
        answered(429),
        answered(500),
        answered(503),
        answered(529),
        httpx2.ConnectError("no route"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_what_can_pass_is_tried_again(error: BaseException) -> None:
    call, tries = failing(error)
    assert asyncio.run(with_retries(call, patience=QUICK)) == "done"
    assert len(tries) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_final(status: int) -> None:
    call, tries = failing(answered(status, {"error": {"message": "no such thing"}}))
    with pytest.raises(CallRefused, match=rf"the shop refused with {status}: no such thing") as e:
        asyncio.run(with_retries(call, what="the shop", patience=QUICK))
    assert len(tries) == 1
    assert e.value.status == status


def test_an_account_out_of_money_is_a_refusal_not_a_crowd() -> None:
    body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    call, tries = failing(answered(429, body))
    with pytest.raises(CallRefused, match="quota is used up"):
        asyncio.run(with_retries(call, patience=QUICK))
    assert len(tries) == 1


def test_it_gives_up_and_says_what_was_tried() -> None:
    call, tries = failing(*[answered(503, {"detail": "tired"})] * 9)
    with pytest.raises(CallFailed, match=r"the shop answered 503 after 3 tries in .* s: tired"):
        asyncio.run(with_retries(call, what="the shop", patience=QUICK))
    assert len(tries) == 3


@pytest.mark.parametrize("headers", [{"retry-after": "0.05"}, {"retry-after-ms": "50"}])
def test_retry_after_is_never_undercut(headers: dict[str, str]) -> None:
    call, tries = failing(answered(429, headers=headers))
    asyncio.run(with_retries(call, patience=QUICK))
    assert tries[1] - tries[0] >= 0.05


def test_retry_after_may_be_a_date() -> None:
    when = datetime.now(UTC) + timedelta(seconds=60)
    asked = retry_after(answered(503, headers={"retry-after": format_datetime(when)}))
    assert asked is not None
    assert 50 < asked <= 60
    assert retry_after(answered(503, headers={"retry-after": "soon"})) is None


def test_a_wait_longer_than_the_patience_fails_at_once() -> None:
    call, tries = failing(answered(429, headers={"retry-after": "3600"}))
    with pytest.raises(CallFailed, match="429"):
        asyncio.run(with_retries(call, patience=QUICK))
    assert len(tries) == 1


def test_no_wait_crosses_the_deadline() -> None:
    call, tries = failing(answered(429, headers={"retry-after": "2"}))
    began = time.monotonic()
    with pytest.raises(CallFailed):
        asyncio.run(with_retries(call, deadline=began + 0.5, patience=QUICK))
    assert len(tries) == 1
    assert time.monotonic() - began < 0.5


def test_no_attempt_outlives_the_deadline() -> None:
    async def silent() -> str:
        await asyncio.Event().wait()
        return ""

    async def ask() -> None:
        await with_retries(silent, deadline=time.monotonic() + 0.05, patience=QUICK)

    with pytest.raises(CallFailed, match="no reply in time"):
        asyncio.run(ask())


def test_errors_of_our_own_and_cancellation_pass_through() -> None:
    call, tries = failing(ReplyInvalid("not JSON"))
    with pytest.raises(ReplyInvalid, match="not JSON"):
        asyncio.run(with_retries(call, patience=QUICK))
    call, tries = failing(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(with_retries(call, patience=QUICK))
    assert len(tries) == 1


def test_no_key_in_an_error_nor_in_what_hangs_on_it() -> None:
    said = {"error": {"message": f"Incorrect API key provided: {KEY}, or {SECRET}"}}
    call, _ = failing(answered(401, said))
    with pytest.raises(CallRefused) as caught:
        asyncio.run(with_retries(call, patience=QUICK, secrets=(SECRET,)))
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    frames = traceback.TracebackException.from_exception(error, capture_locals=False)
    written = "".join(frames.format()) + repr(error)
    assert KEY not in written
    assert SECRET not in written


def test_no_address_in_an_error_without_words() -> None:
    request = httpx2.Request("POST", f"http://user:{SECRET}@h/v1?key={SECRET}")
    response = httpx2.Response(401, request=request)
    with pytest.raises(httpx2.HTTPStatusError) as raised:
        response.raise_for_status()
    call, _ = failing(raised.value)
    with pytest.raises(CallRefused, match="refused with 401: Unauthorized") as caught:
        asyncio.run(with_retries(call, patience=QUICK))
    assert SECRET not in str(caught.value)


def test_a_long_or_hostile_message_is_flattened_and_cut() -> None:
    call, _ = failing(answered(400, {"message": "line\n\x1b[31mred " + "x" * 10_000}))
    with pytest.raises(CallRefused) as caught:
        asyncio.run(with_retries(call, patience=QUICK))
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_the_clients_of_both_companies_are_understood() -> None:
    import anthropic
    import openai

    request = httpx2.Request("POST", "http://h")
    for package in (openai, anthropic):
        assert can_pass(package.APIConnectionError(request=request))
        assert can_pass(package.APITimeoutError(request=request))
        for status, passes in ((429, True), (500, True), (400, False), (401, False)):
            response = httpx2.Response(status, request=request)
            assert can_pass(package.APIStatusError("no", response=response, body=None)) is passes
