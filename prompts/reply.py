"""What all replies of a model have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class ModelReply(BaseModel):
    """A reply, or a part of one. A null stands for a field left out; extra fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values


class QuoteReply(ModelReply):
    """Words copied from a passage, and the id of that passage."""

    id: str
    text: str


class FilterReply(ModelReply):
    """A proposal to narrow the search: `field` `operator` one of `values`."""

    field: str
    operator: str = "eq"
    values: tuple[str, ...]
