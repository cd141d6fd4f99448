"""OpenAI, and every server that speaks its chat completions: Ollama, vLLM, llama.cpp, LM Studio.

https://developers.openai.com/api/reference/resources/chat
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
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion

_FINISH: dict[str | None, Finish] = {"length": "length", "content_filter": "refused", None: "cut"}

THINKING_ROOM = 2048
"""Tokens beyond the reply's own that a reasoning model may think with."""


class OpenAIWire(Adapting):
    """One client. With a `base_url` nothing is asked of the server that is OpenAI's alone."""

    def __init__(self, model: str, api_key: str, base_url: str = "", effort: str = "low") -> None:
        own = not base_url
        super().__init__(
            Features(
                effort=effort if own else "",
                temperature=not own,
                limit=("max_completion_tokens", "max_tokens") if own else ("max_tokens",),
            )
        )
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._client: AsyncOpenAI | None = None

    def open(self) -> None:
        """Import the library and make the client, if that was not done yet."""
        if self._client is not None:
            return
        try:
            from openai import AsyncOpenAI
        except ImportError as error:
            raise ProviderMissing(
                "openai:… needs the package openai: pip install openai"
            ) from error
        self._client = AsyncOpenAI(
            api_key=self._api_key, base_url=self._base_url or None, max_retries=0
        )

    async def complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, seconds: float
    ) -> Said:
        """Send a prompt and return the whole reply."""
        assert self._client is not None
        features = self._features
        request = self._request(prompt, max_tokens, features) | _form(schema, prompt, features)
        try:
            completion = await self._client.chat.completions.create(**request, timeout=seconds)
        except Exception as error:
            error.asked_with = features  # type: ignore[attr-defined]
            raise
        return _said(completion)

    async def stream(
        self, prompt: Prompt, max_tokens: int, seconds: float
    ) -> AsyncGenerator[str | Said, None]:
        """Send a prompt and yield text as it comes; last a `Said` without text."""
        assert self._client is not None
        features = self._features
        request = self._request(prompt, max_tokens, features) | {"stream": True}
        if features.stream_usage:
            request["stream_options"] = {"include_usage": True}
        try:
            chunks = await self._client.chat.completions.create(**request, timeout=seconds)
        except Exception as error:
            error.asked_with = features  # type: ignore[attr-defined]
            raise
        finish, why, usage = None, "", None
        async with chunks:
            async for chunk in chunks:
                usage = chunk.usage or usage
                for choice in (chunk.choices or [])[:1]:
                    if choice.delta.content:
                        yield choice.delta.content
                    why += choice.delta.refusal or ""
                    finish = choice.finish_reason or finish
        yield _with_usage("", "refused" if why else _FINISH.get(finish, "stop"), usage, why)

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    def _request(self, prompt: Prompt, max_tokens: int, features: Features) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": _messages(prompt.system, prompt.user),
            features.limit[0]: max_tokens + (THINKING_ROOM if features.effort else 0),
        }
        if features.effort:
            request["reasoning_effort"] = features.effort
        if features.temperature:
            request["temperature"] = 0
        return request


def _messages(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _form(schema: type[BaseModel], prompt: Prompt, features: Features) -> dict[str, Any]:
    """Return the part of a request that tells the form of the reply."""
    if features.shape == "schema":
        form = {"name": schema.__name__, "strict": True, "schema": json_schema(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    told = {"messages": _messages(f"{prompt.system}\n\n{shown_form(schema)}", prompt.user)}
    return told | (
        {"response_format": {"type": "json_object"}} if features.shape == "object" else {}
    )


def _said(completion: ChatCompletion) -> Said:
    """Read a completion; servers that are only like OpenAI leave much of it out."""
    choices = getattr(completion, "choices", None)
    if not choices or choices[0].message is None:
        inner = getattr(completion, "error", None)
        raise BrokenReply(f"the server sent no choices: {inner or str(completion)[:120]}")
    choice = choices[0]
    refusal = choice.message.refusal or ""
    finish = "refused" if refusal else _FINISH.get(choice.finish_reason or "stop", "stop")
    return _with_usage(choice.message.content or "", finish, completion.usage, refusal)


def _with_usage(text: str, finish: Finish, usage: CompletionUsage | None, why: str) -> Said:
    if usage is None or usage.prompt_tokens is None:
        return Said(text, finish, why=why)
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    written = (details.cache_write_tokens or 0) if details else 0
    fresh = max(usage.prompt_tokens - cached - written, 0)
    return Said(text, finish, fresh, usage.completion_tokens, cached, written, why)
