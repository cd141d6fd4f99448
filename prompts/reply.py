"""What all replies of a model have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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
