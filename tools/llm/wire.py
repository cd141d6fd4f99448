"""What lies between a language model and its provider's client library."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel

from ...prompts import Prompt

Finish = Literal["stop", "length", "refused", "cut"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider sent: text, how it ended, and tokens as it counts them.

    `input_tokens` are fresh ones; `cached` were read from and `written` to its cache.
    Counts are None where the provider gave none. `why` is its word on a refusal.
    """

    text: str
    finish: Finish = "stop"
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached: int = 0
    written: int = 0
    why: str = ""


class Wire(Protocol):
    """One client of one provider. Raises whatever its library raises."""

    def open(self) -> None:
        """Make the client ready; may take a while, once. Called before the others."""

    async def complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, seconds: float
    ) -> Said:
        """Send a prompt and return the whole reply."""

    def stream(
        self, prompt: Prompt, max_tokens: int, seconds: float
    ) -> AsyncGenerator[str | Said, None]:
        """Send a prompt and yield text as it comes; last a `Said` without text."""

    def adapt(self, error: Exception, complaint: str) -> bool:
        """Give up for good a feature that the server complains of; False if there is none."""

    async def close(self) -> None:
        """Close the client."""
