"""The reply to `rerank.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import ModelReply


class GradedPassage(ModelReply):
    """How much one passage helps: 0 not at all, 3 it states the answer."""

    id: str
    grade: int = Field(ge=0, le=3)


class RerankReply(ModelReply):
    """The passages that help, best first; those left out do not."""

    passages: tuple[GradedPassage, ...]
