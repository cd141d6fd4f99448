"""The reply to `judge.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import FilterReply, ModelReply, QuoteReply, Sure


class JudgedPart(ModelReply):
    """An open part: answered with quotes, or what is missing and where to look next."""

    part: int
    answer: str = ""
    claim: str = ""
    quotes: tuple[QuoteReply, ...] = ()
    sure: Sure = None
    missing: str = ""
    queries: tuple[str, ...] = ()


class JudgeReply(ModelReply):
    """One entry for each open part; `conflict` when passages contradict each other."""

    parts: tuple[JudgedPart, ...] = Field(min_length=1)
    conflict: bool = False
    filters: tuple[FilterReply, ...] = ()
