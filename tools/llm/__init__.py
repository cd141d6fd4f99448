"""Language models behind one small protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import SettingsError
from ..providers import Provider, find_key, parse_provider, unknown_provider

if TYPE_CHECKING:
    from ..retry import Patience
    from .prices import Price
    from .protocol import LanguageModel
    from .wire import Wire

SMALL_MODELS: Mapping[str, str] = {
    "OPENAI_API_KEY": "openai:gpt-6-luna",
    "ANTHROPIC_API_KEY": "anthropic:claude-haiku-5-5",
}
"""What is chosen where a key is at hand and nothing was configured: the cheap ones."""

_PROVIDERS = ("openai", "anthropic")


def default_model(environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the model to use where none was configured, and why: "none" without a key."""
    environment = os.environ if environment is None else environment
    for variable, name in SMALL_MODELS.items():
        if environment.get(variable, "").strip():
            return name, f"{variable} is set"
    return "none", f"neither {' nor '.join(SMALL_MODELS)} is set"


def open_model(
    name: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    effort: str = "low",
    prices: Mapping[str, Price] | None = None,
    patience: Patience | None = None,
    concurrency: int = 8,
    call_seconds: float = 45.0,
) -> LanguageModel | None:
    """Open a language model; None for `none`.

    Args:
        name: `openai:MODEL`, `anthropic:MODEL`, either with `@ http://host/v1`, or `none`.
        api_key: default: `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`; with an address,
            `SUFFICE_API_KEY`.
        base_url: the same as after the `@`.
        effort: how much a reasoning model is to think.
        prices: one's own, by name; they go before the table's.
        patience: how failed calls are tried again.
        concurrency: most calls under way at a time.
        call_seconds: after how long a call counts as failed.

    Raises:
        ProviderMissing: the provider is unknown.
        SettingsError: it needs a key and has none, or no model was named.
    """
    provider = parse_provider(name)
    if provider.name == "none":
        return None
    if base_url:
        provider = Provider(provider.name, provider.model, base_url.rstrip("/"))
    if provider.name not in _PROVIDERS:
        raise unknown_provider("language model", provider, (*_PROVIDERS, "none"))
    if not provider.model:
        raise SettingsError(f"{provider} names no model; write {provider.name}:MODEL")
    # A client library refuses to start without a key, also where the server wants none.
    key = find_key(provider, api_key) or "none"

    from .chat import ChatModel
    from .prices import price_of

    return ChatModel(
        str(provider),
        _wire(provider, key, effort),
        price=price_of(str(provider), prices),
        patience=patience,
        concurrency=concurrency,
        call_seconds=call_seconds,
        secrets=() if key == "none" else (key,),
    )


def _wire(provider: Provider, key: str, effort: str) -> Wire:
    if provider.name == "openai":
        from .openai_wire import OpenAIWire

        return OpenAIWire(provider.model, key, provider.base_url, effort)
    from .anthropic_wire import AnthropicWire

    return AnthropicWire(provider.model, key, provider.base_url, effort)
