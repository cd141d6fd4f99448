"""The reply to `support.md`."""

from __future__ import annotations

from pydantic import Field

from .reply import ModelReply


class ClaimSupport(ModelReply):
    """Whether the quotes of one claim say what it says."""

    claim: int
    supported: bool
    why: str = ""


class SupportReply(ModelReply):
    """One entry for each claim."""

    claims: tuple[ClaimSupport, ...] = Field(min_length=1)
