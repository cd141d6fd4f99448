"""Provider strings, `provider:model @ base_url`, taken apart in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ..errors import ProviderMissing, SettingsError

_FORM = re.compile(
    r"(?P<name>[A-Za-z0-9_-]+)"
    r"(?:\s*:\s*(?P<model>\S+?))?"
    r"(?:\s*@\s*(?P<base_url>https?://\S+))?",
)


@dataclass(frozen=True, slots=True, repr=False)
class Provider:
    """Who serves a model. `model` and `base_url` are empty where none was named.

    Its text never shows what a base URL may hide: a password or a key in its query.
    """

    name: str
    model: str = ""
    base_url: str = ""

    def __str__(self) -> str:
        """Return the provider string again, without secrets."""
        model = f":{self.model}" if self.model else ""
        place = f" @ {shown_url(self.base_url)}" if self.base_url else ""
        return f"{self.name}{model}{place}"

    def __repr__(self) -> str:
        """Return the same as a call, without secrets."""
        return f"Provider({str(self)!r})"


def parse_provider(text: str) -> Provider:
    """Take apart `name`, `name:model` or `name:model @ http://host/v1`.

    The model may itself hold colons (`openai:llama3.2:3b @ http://localhost:11434/v1`).
    Raises `ProviderMissing` where the text has another form.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ProviderMissing(
            f"{_clipped(text)!r} names no provider; the form is provider, provider:model "
            "or provider:model @ http://host/v1"
        )
    url = (match["base_url"] or "").rstrip("/")
    return Provider(match["name"].lower(), match["model"] or "", url)


KEY_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "voyage": ("VOYAGE_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "jina": ("JINA_API_KEY",),
}
"""The environment variables in which each provider's key is kept."""

ADDRESS_KEY_VARIABLE = "SUFFICE_API_KEY"
"""The key for a server that is named by its address."""


def find_key(provider: Provider, api_key: str | None = None) -> str | None:
    """Return the key for a provider: the one given, or the one in the environment.

    A server named by its address gets SUFFICE_API_KEY or none, never the key of the
    company whose wire format it speaks. Raises `SettingsError` where a key is needed and
    there is none.
    """
    variables = (
        (ADDRESS_KEY_VARIABLE,) if provider.base_url else KEY_VARIABLES.get(provider.name, ())
    )
    key = api_key or next((os.environ[v] for v in variables if os.environ.get(v)), None)
    if key is None and not provider.base_url and variables:
        raise SettingsError(
            f"{provider} needs a key: set {variables[0]}, or name a server of your own: "
            f"{provider.name}:MODEL @ http://HOST/v1"
        )
    return key.strip() if key else None


def unknown_provider(kind: str, provider: Provider, known: Iterable[str]) -> ProviderMissing:
    """Return the error for a provider nobody here serves; `kind` is what it was to do."""
    names = ", ".join(known)
    return ProviderMissing(f"no {kind} is called {str(provider)!r}; there are: {names}")


def shown_url(url: str) -> str:
    """Return a URL without user, password, query and fragment, fit for logs and errors."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _clipped(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
