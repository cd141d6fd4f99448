"""Texts to vectors. `open_embedder` makes an embedder from its provider string."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...errors import ProviderMissing, SettingsError
from ..providers import Provider, find_key, parse_provider, unknown_provider

if TYPE_CHECKING:
    from .openai import OpenAIEmbedder
    from .protocol import Embedder, SparseEmbedder
    from .voyage import VoyageEmbedder

    Remote = TypeVar("Remote", OpenAIEmbedder, VoyageEmbedder)

EMBEDDERS = (
    "minilm",
    "openai:MODEL",
    "openai:MODEL @ http://HOST/v1",
    "voyage:MODEL",
    "fastembed:MODEL",
    "none",
)

SPARSE_EMBEDDERS = ("bm25", "bm25:LANGUAGE", "fastembed:MODEL")


def open_embedder(
    name: str = "minilm",
    *,
    weights: Path | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
) -> Embedder | None:
    """Return the embedder called `name`; None for "none", where search is lexical alone.

    `MODEL#256` asks for vectors of 256 dimensions, where the model can shorten them.
    `weights` is a folder for minilm. `api_key` wins over the environment, `base_url` over
    the "@ url" of the name. This may load a model or, for a model of unknown dimensions,
    ask its server once: it is not for an event loop.

    Raises `ProviderMissing` for an unknown provider or one whose package is not
    installed, `WeightsError` where weights cannot be had, `SettingsError` without a key,
    `CallFailed` or `CallRefused` where a server had to be asked.
    """
    provider = parse_provider(name)
    if base_url:
        provider = replace(provider, base_url=base_url.rstrip("/"))
    if provider.name == "none":
        return None
    if provider.name == "minilm":
        return _minilm(weights)
    if provider.name not in ("openai", "voyage", "fastembed"):
        raise unknown_provider("embedder", provider, EMBEDDERS)
    if not provider.model:
        raise ProviderMissing(f"{provider} names no model; the form is {provider.name}:MODEL")
    if provider.name == "fastembed":
        from .fastembed import FastEmbedder

        return FastEmbedder(provider.model)
    return _remote(provider, api_key)


def open_sparse(name: str = "bm25") -> SparseEmbedder:
    """Return the sparse embedder called `name`.

    Raises `ProviderMissing` for an unknown one or one whose package is not installed,
    `SettingsError` for a language without a stemmer, `WeightsError` where weights cannot
    be had.
    """
    provider = parse_provider(name)
    if provider.name == "bm25":
        from .bm25 import Bm25

        return Bm25(provider.model or "english")
    if provider.name == "fastembed" and provider.model:
        from .fastembed import FastSparseEmbedder

        return FastSparseEmbedder(provider.model)
    raise unknown_provider("sparse embedder", provider, SPARSE_EMBEDDERS)


def _minilm(weights: Path | None) -> Embedder:
    from .minilm import MiniLM

    model = MiniLM(weights)
    model.load()
    return model


def _remote(provider: Provider, api_key: str | None) -> Embedder:
    key = find_key(provider, api_key)
    model, dimensions = _dimensions(provider)
    if provider.name == "voyage":
        from .voyage import VoyageEmbedder

        return _measured(
            lambda: VoyageEmbedder(model, key, base_url=provider.base_url, dimensions=dimensions)
        )
    from .openai import OpenAIEmbedder

    return _measured(
        lambda: OpenAIEmbedder(model, key, base_url=provider.base_url, dimensions=dimensions)
    )


def _dimensions(provider: Provider) -> tuple[str, int]:
    model, _, wanted = provider.model.partition("#")
    if wanted and (not wanted.isdecimal() or int(wanted) == 0):
        raise SettingsError(f"{provider}: {wanted!r} after # is no number of dimensions")
    return model, int(wanted or 0)


def _measured(make: Callable[[], Remote]) -> Remote:
    """Make an embedder; where its dimensions are not known, one call tells them."""
    made = make()
    if made.dimensions:
        return made

    async def measure() -> int:
        # One of its own, for connections stay with the event loop they were made in.
        probe = make()
        try:
            return len((await probe.embed_queries(["length"]))[0])
        finally:
            await probe.close()

    with ThreadPoolExecutor(1) as thread:
        made.dimensions = thread.submit(asyncio.run, measure()).result()
    return made
