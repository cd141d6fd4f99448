"""The reply to `draft.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import ModelReply


class DraftedQuestion(ModelReply):
    """One question; without an answer it is one that the passage does not answer."""

    question: str
    answer: str = ""
    quote: str = ""


class DraftReply(ModelReply):
    """Questions about one passage."""

    answerable: tuple[DraftedQuestion, ...] = Field(default=())
    unanswerable: tuple[DraftedQuestion, ...] = Field(default=())
