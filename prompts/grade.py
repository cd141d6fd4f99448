"""The reply to `grade.md`."""

from __future__ import annotations

from typing import Literal

from .reply import ModelReply


class GradeReply(ModelReply):
    """Whether an answer says what is known to be right."""

    mark: Literal["right", "wrong"]
    why: str = ""
