"""Reads what an evaluation may take, as written on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from ...errors import InputError
from ...tools.types import Budget
from .purse import UNLIMITED

LIMITS = ("usd", "tokens", "llm_calls", "seconds")


def parse_budget(limits: Sequence[str]) -> Budget:
    """Read `usd=2`, `tokens=500000,seconds=600`, or a bare number of dollars.

    Raises:
        InputError: a limit is unknown or no number.
    """
    values: dict[str, Any] = {}
    for limit in (part.strip() for given in limits for part in given.split(",")):
        name, parted, value = limit.partition("=")
        name, value = (name.strip(), value.strip()) if parted else ("usd", name.lstrip("$").strip())
        if name not in LIMITS:
            near = get_close_matches(name, LIMITS, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise InputError(
                f'--budget knows no limit "{name}"{hint} There are: {", ".join(LIMITS)}'
            )
        values[name] = value.replace("_", "")
    try:
        return Budget.model_validate(UNLIMITED.model_dump() | values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"--budget {first['loc'][0]}={first['input']}: {first['msg'].lower()}"
        ) from None
