"""The reply to `plan.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import FilterReply, ModelReply, QuoteReply, Sure


class PlannedPart(ModelReply):
    """A part of the question: answered from the evidence, or with queries to go on with."""

    part: int
    question: str
    after: tuple[int, ...] = ()
    answer: str = ""
    claim: str = ""
    quotes: tuple[QuoteReply, ...] = ()
    sure: Sure = None
    queries: tuple[str, ...] = ()


class PlanReply(ModelReply):
    """The parts of a question in the order they can be answered."""

    parts: tuple[PlannedPart, ...] = Field(min_length=1)
    filters: tuple[FilterReply, ...] = ()
