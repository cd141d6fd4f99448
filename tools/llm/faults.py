"""What is particular about the failures of language models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from json import JSONDecodeError

from ...errors import CallRefused, ModelError
from ..retry import as_model_error, can_pass

_TOO_LONG = re.compile(
    r"context[ _]length|context[ _]window|maximum context|(?:prompt|input) is too long"
    r"|too many (?:input )?tokens|exceeds? the (?:available )?context",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content management policy", re.IGNORECASE)
_BAD_REQUEST = (400, 404, 415, 422, 501)


class BrokenReply(ConnectionError):
    """A reply came that is none: cut off in the middle, or not of the provider's form."""


def passing(error: BaseException) -> bool:
    """Say whether the same call may succeed a little later; a garbled body may."""
    return can_pass(error) or isinstance(error, JSONDecodeError) or _said_late(error)


def complaint(error: Exception, secrets: Iterable[str] = ()) -> str | None:
    """Return what a server says against a request as such, or None if it says no such thing.

    A prompt too long or a filtered text is no fault of the request's form.
    """
    if getattr(error, "status_code", None) not in _BAD_REQUEST:
        return None
    said = str(as_model_error(error, "the server", secrets))
    return None if _TOO_LONG.search(said) or _FILTERED.search(said) else said


def explained(error: ModelError, name: str) -> ModelError:
    """Return the error to raise, with the way out where the prompt was too long."""
    if isinstance(error, CallRefused) and _TOO_LONG.search(str(error)):
        return CallRefused(
            f"{error}. The context of {name} is too short for the prompt: let it see fewer "
            "passages, or choose a model with a longer context"
        )
    return error


def _said_late(error: BaseException) -> bool:
    """Tell an error that came inside a stream, after the server had said 200."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and status < 400
