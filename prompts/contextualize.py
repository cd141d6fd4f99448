"""The reply to `contextualize.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import ModelReply


class ContextualizeReply(ModelReply):
    """The last question, as one that stands alone."""

    question: str = Field(min_length=1, max_length=8000)
