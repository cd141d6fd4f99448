"""Forms that several routes take."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, Field

from ...tools.types import Where


def _plain(value: Any) -> Any:
    """Return a value that JSON and the stores can hold as it is. Raises `ValueError`.

    What a body may hold beyond that: NaN, halves of characters, whole numbers without end,
    and lists in lists in lists.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode("utf-8")
        _check(value, 0)
    except (ValueError, RecursionError) as error:
        raise ValueError("holds what is no plain JSON") from error
    return value


MOST_NESTED = 4
LARGEST = 2**63


def _check(value: Any, depth: int) -> None:
    if depth > MOST_NESTED:
        raise ValueError("is nested too deeply")
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ValueError("is too large a number")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inside:
        _check(one, depth + 1)


Filter = Annotated[
    Where,
    AfterValidator(_plain),
    Field(description='narrows by metadata: {"year": {"gte": 2021}}', max_length=50),
]

RunId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9\-]+$")]

Name = Annotated[str, Field(max_length=128, pattern=r"^[\w.\-]+$")]
"""The name of a corpus, a thread or a strategy."""
