"""What a caller is told when a request is not answered: one shape, and no innards."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import (
    BudgetExceeded,
    FilterError,
    IngestError,
    InputError,
    ModelError,
    StoreError,
    StoreLocked,
    StoreMismatch,
    StoreMissing,
    SufficeError,
)

log = logging.getLogger("suffice.server")

TYPES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "unsupported_type",
    421: "misdirected",
    422: "invalid_request",
    429: "too_many",
    500: "internal",
    503: "unavailable",
}


def refusal(
    status: int,
    message: str,
    what_to_do: str = "",
    *,
    headers: Mapping[str, str] | None = None,
) -> HTTPException:
    """Return the exception that becomes an answer with this status, message and advice."""
    detail = body(TYPES.get(status, "error"), message, what_to_do)
    return HTTPException(status, detail=detail, headers=dict(headers or {}))


def body(kind: str, message: str, what_to_do: str = "") -> dict[str, Any]:
    """Return an error as it goes over the wire, readable for OpenAI's clients too."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if what_to_do:
        error["what_to_do"] = what_to_do
    return {"error": {**error, "param": None, "code": kind}}


def response(refused: HTTPException) -> JSONResponse:
    """Return the answer to a request that was refused."""
    return JSONResponse(refused.detail, refused.status_code, headers=refused.headers)


def told(error: SufficeError, *, fenced: bool) -> HTTPException:
    """Return how an error of ours is told. The log has it whole, the caller what helps.

    `fenced`: the caller sees a part of the corpus only, and is not told what else it has.
    """
    if isinstance(error, FilterError) and fenced:
        return refusal(
            400, "the filter names an unknown field or operator, or a value that does not fit"
        )
    if isinstance(error, InputError | IngestError):
        return refusal(400, str(error))
    log.error("refused", exc_info=error)
    if isinstance(error, StoreMissing):
        return refusal(404, "there is no such corpus")
    if isinstance(error, StoreLocked | StoreMismatch):
        return refusal(409, "the corpus cannot be used as it is", "ask whoever runs this server")
    if isinstance(error, StoreError | ModelError | BudgetExceeded):
        return refusal(503, "a part that is needed cannot be reached", "try again later")
    return refusal(500, "something went wrong here", "ask whoever runs this server")


async def on_http(request: Request, error: Exception) -> JSONResponse:
    """Answer with what was raised as an HTTP error, by us or by the framework."""
    assert isinstance(error, StarletteHTTPException)
    detail: Any = error.detail
    if not isinstance(detail, dict):
        detail = body(TYPES.get(error.status_code, "error"), str(detail))
    return JSONResponse(detail, error.status_code, headers=error.headers)


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not have the right form: where, and what is wrong there."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return JSONResponse(body(TYPES[422], f"{place}: {first['msg']}"), 422)


async def on_ours(request: Request, error: Exception) -> JSONResponse:
    """Answer with an error of the tree that was not met nearer to where it arose."""
    assert isinstance(error, SufficeError)
    caller = request.scope.get("caller")
    return response(told(error, fenced=bool(caller and caller.where)))


class Caught:
    """Answers a bug, so that the guards around it still say what they have to say.

    The log has the trace, the caller a plain sentence.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer it if that fails."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            log.error("a request failed", exc_info=error)
            if begun or scope["type"] != "http":
                raise
            refused = refusal(500, "something went wrong here")
            await response(refused)(scope, receive, send)
