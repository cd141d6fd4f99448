"""What a language model must do: reply in a given form, and stream text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from ...prompts import Prompt
from ..types import Usage

__all__ = ["LanguageModel", "Prompt", "Reply"]

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reply(Generic[Form]):
    """A reply that has been validated, and what it took; a second asking is counted in."""

    value: Form
    usage: Usage


class LanguageModel(Protocol):
    """A model behind a provider. `name` says which, for traces and status.

    Deadlines are moments on `time.monotonic()`. Both calls raise `CallFailed` when the
    provider cannot be reached or breaks off, `CallRefused` when it says no, and
    `BudgetExceeded("seconds")` when the deadline passes while it is at work.
    """

    name: str

    async def reply(
        self,
        prompt: Prompt,
        schema: type[Form],
        *,
        max_tokens: int = 1024,
        deadline: float | None = None,
        ask_again: bool = True,
    ) -> Reply[Form]:
        """Return a reply of the form `schema`.

        A reply that does not parse or validate is asked for once more with the error,
        if `ask_again`; then raises `ReplyInvalid`.
        """

    def stream(
        self, prompt: Prompt, *, max_tokens: int = 1024, deadline: float | None = None
    ) -> AsyncIterator[str | Usage]:
        """Yield the reply's text in pieces as they come, and last its usage."""

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what such a call would cost in US dollars, or None where no price is known."""

    async def close(self) -> None:
        """Close the connection. Closing twice is harmless."""
