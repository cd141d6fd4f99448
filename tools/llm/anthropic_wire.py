"""Anthropic's messages, with structured output and a cached prefix.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ...errors import ProviderMissing
from ...prompts import Prompt
from .faults import BrokenReply
from .features import Adapting, Features
from .forms import json_schema, shown_form
from .wire import Finish, Said

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_FINISH: dict[str | None, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
    None: "cut",
}

THINKING_ROOM = 2048
"""Tokens beyond the reply's own that the model may think with."""


class AnthropicWire(Adapting):
    """One client."""

    def __init__(self, model: str, api_key: str, base_url: str = "", effort: str = "low") -> None:
        super().__init__(Features(shapes=("schema", "plain"), effort=effort))
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._client: AsyncAnthropic | None = None

    def open(self) -> None:
        """Import the library and make the client, if that was not done yet."""
        if self._client is not None:
            return
        try:
            from anthropic import AsyncAnthropic
        except ImportError as error:
            raise ProviderMissing(
                "anthropic:… needs the package anthropic: pip install anthropic"
            ) from error
        self._client = AsyncAnthropic(
            api_key=self._api_key, base_url=self._base_url or None, max_retries=0
        )

    async def complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, seconds: float
    ) -> Said:
        """Send a prompt and return the whole reply."""
        assert self._client is not None
        features = self._features
        request = self._request(prompt, max_tokens, features, schema)
        try:
            message = await self._client.messages.create(**request, timeout=seconds)
        except Exception as error:
            error.asked_with = features  # type: ignore[attr-defined]
            raise
        content = getattr(message, "content", None)
        if content is None:
            raise BrokenReply(f"the server sent no content: {str(message)[:120]}")
        text = "".join(block.text for block in content if block.type == "text")
        finish = _FINISH.get(message.stop_reason or "end_turn", "stop")
        return _said(text, finish, _counts(message.usage, {}))

    async def stream(
        self, prompt: Prompt, max_tokens: int, seconds: float
    ) -> AsyncGenerator[str | Said, None]:
        """Send a prompt and yield text as it comes; last a `Said` without text."""
        assert self._client is not None
        features = self._features
        request = self._request(prompt, max_tokens, features) | {"stream": True}
        try:
            events = await self._client.messages.create(**request, timeout=seconds)
        except Exception as error:
            error.asked_with = features  # type: ignore[attr-defined]
            raise
        counts: dict[str, int] = {}
        reason, ended = None, False
        async with events:
            async for event in events:
                if event.type == "message_start":
                    counts = _counts(event.message.usage, counts)
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
                elif event.type == "message_delta":
                    reason = event.delta.stop_reason
                    counts = _counts(event.usage, counts)
                ended = ended or event.type == "message_stop"
        yield _said("", _FINISH.get(reason, "stop") if ended else "cut", counts)

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    def _request(
        self,
        prompt: Prompt,
        max_tokens: int,
        features: Features,
        schema: type[BaseModel] | None = None,
    ) -> dict[str, Any]:
        system = prompt.system
        output: dict[str, Any] = {}
        if features.effort:
            output["effort"] = features.effort
        if schema and features.shape == "schema":
            output["format"] = {"type": "json_schema", "schema": json_schema(schema)}
        elif schema:
            system = f"{system}\n\n{shown_form(schema)}"
        # The instructions are the same in every call; providers keep them at a tenth of the price.
        block = {"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}
        request: dict[str, Any] = {
            "model": self._model,
            "max_tokens": max_tokens + THINKING_ROOM,
            "system": [block],
            "messages": [{"role": "user", "content": prompt.user}],
        }
        return request | ({"output_config": output} if output else {})


def _said(text: str, finish: Finish, counts: dict[str, int]) -> Said:
    return Said(
        text,
        finish,
        counts.get("input_tokens"),
        counts.get("output_tokens"),
        counts.get("cached", 0),
        counts.get("written", 0),
    )


def _counts(usage: Any, known: dict[str, int]) -> dict[str, int]:
    """Read the tokens of a message; later events repeat and complete earlier ones."""
    fields = {
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "cached": "cache_read_input_tokens",
        "written": "cache_creation_input_tokens",
    }
    told = {ours: getattr(usage, theirs, None) for ours, theirs in fields.items()}
    return known | {name: count for name, count in told.items() if count is not None}
