"""What all replies of a model have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _share(value: Any) -> Any:
    """Take "80", 80 or "80 %" for 0.8, and what is no number for nothing said."""
    try:
        number = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    number = number / 100 if 1 < number <= 100 else number
    return number if 0 <= number <= 1 else None


Sure = Annotated[float | None, BeforeValidator(_share)]
"""How likely a model says it is that it is right, 0 to 1; None where it does not say."""


class ModelReply(BaseModel):
    """A reply, or a part of one. Fields it does not have are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class QuoteReply(ModelReply):
    """Words copied from a passage, and the id of that passage."""

    id: str
    text: str


class FilterReply(ModelReply):
    """A proposal to narrow the search: `field` `operator` one of `values`."""

    field: str
    operator: str = "eq"
    values: tuple[str, ...]
