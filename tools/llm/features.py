"""What a server can do, found out by trying: each feature is given up once, for good."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Shape = Literal["schema", "object", "plain"]

_SHAPE = re.compile(
    r"response_format|json_schema|json_object|output_config|output_format|schema|structured"
    r"|grammar|guided|json mode",
    re.IGNORECASE,
)
_EFFORT = re.compile(r"reasoning|effort|output_config", re.IGNORECASE)
_TEMPERATURE = re.compile(r"temperature|sampling", re.IGNORECASE)
_STREAM_USAGE = re.compile(r"stream_options|include_usage", re.IGNORECASE)
_LIMIT = re.compile(r"max_(?:completion_)?tokens", re.IGNORECASE)
_NO_MODEL = re.compile(r"\A404\b|model .{0,60}(?:not found|does not exist)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Features:
    """What is asked of the server at present.

    `shape`: how the form of a reply is told; by schema, by "a JSON object", or in words
    alone. `limit` is the name it has for the most tokens to write.
    """

    shapes: tuple[Shape, ...] = ("schema", "object", "plain")
    effort: str = ""
    temperature: bool = False
    stream_usage: bool = True
    limit: tuple[str, ...] = ("max_tokens",)

    @property
    def shape(self) -> Shape:
        """The way the form of a reply is told."""
        return self.shapes[0]

    def without(self, complaint: str) -> Features | None:
        """Return what is left after a complaint, or None if it is about something else.

        A complaint that names nothing is taken to be about the form, the feature that
        servers lack most often.
        """
        if self.effort and _EFFORT.search(complaint):
            return replace(self, effort="")
        if self.temperature and _TEMPERATURE.search(complaint):
            return replace(self, temperature=False)
        if self.stream_usage and _STREAM_USAGE.search(complaint):
            return replace(self, stream_usage=False)
        if len(self.limit) > 1 and _LIMIT.search(complaint):
            return replace(self, limit=self.limit[1:])
        vague = not _NO_MODEL.search(complaint)
        if len(self.shapes) > 1 and (vague or _SHAPE.search(complaint)):
            return replace(self, shapes=self.shapes[1:])
        return None


class Adapting:
    """The part of a wire that keeps its features."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def adapt(self, error: Exception, complaint: str) -> bool:
        """Give up a feature; where another call did so already, only tell to try again."""
        if getattr(error, "asked_with", self._features) != self._features:
            return True
        less = self._features.without(complaint)
        if less is None:
            return False
        self._features = less
        return True
