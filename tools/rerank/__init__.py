"""Candidates to an order. `open_reranker` makes a reranker from its provider string."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import ProviderMissing
from ..providers import Provider, find_key, parse_provider, unknown_provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..embed.protocol import Embedder, SparseEmbedder
    from ..llm.protocol import LanguageModel
    from .protocol import Reranker

RERANKERS = (
    "evidence",
    "plain",
    "voyage:MODEL",
    "cohere:MODEL",
    "jina:MODEL",
    "http:MODEL @ http://HOST/v1",
    "fastembed:MODEL",
    "llm",
    "llm:PROVIDER:MODEL",
    "none",
)


def open_reranker(
    name: str = "evidence",
    *,
    embedder: Embedder | None = None,
    sparse: SparseEmbedder | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    model: Callable[[str], LanguageModel] | None = None,
    prompts: str | Path | None = None,
) -> Reranker | None:
    """Return the reranker called `name`; None for "none", which keeps the fused order.

    `embedder` and `sparse` are those of the corpus, for the rerankers that run in the
    process. `api_key` wins over the environment, `base_url` over the "@ url" of the name.
    `model` opens a language model by name ("" is the usual one) and `prompts` is a folder
    with prompts of one's own, both for "llm".

    Raises `ProviderMissing` for an unknown provider or one whose package is not
    installed, `WeightsError` where weights cannot be had, `SettingsError` without a key.
    """
    provider = parse_provider(name)
    if base_url:
        provider = replace(provider, base_url=base_url.rstrip("/"))
    if provider.name == "none":
        return None
    if provider.name in ("plain", "evidence"):
        return _embedded(provider.name, embedder, sparse)
    if provider.name == "llm":
        return _language_model(provider, _embedded("evidence", embedder, sparse), model, prompts)
    if provider.name not in ("voyage", "cohere", "jina", "http", "fastembed"):
        raise unknown_provider("reranker", provider, RERANKERS)
    return _model(provider, api_key)


def _model(provider: Provider, api_key: str | None) -> Reranker:
    if provider.name == "http" and not provider.base_url:
        raise ProviderMissing(
            f"{provider} names no server; the form is http:MODEL @ http://HOST/v1"
        )
    if provider.name != "http" and not provider.model:
        raise ProviderMissing(f"{provider} names no model; the form is {provider.name}:MODEL")
    if provider.name == "fastembed":
        from .fastembed import FastEmbedReranker

        return FastEmbedReranker(provider.model)
    from .http import HttpReranker

    key = find_key(provider, api_key)
    return HttpReranker(provider.name, provider.model, key, base_url=provider.base_url)


def _language_model(
    provider: Provider,
    first: Reranker,
    model: Callable[[str], LanguageModel] | None,
    prompts: str | Path | None,
) -> Reranker:
    from ...prompts import load
    from .llm import LlmReranker

    if model is None:
        raise ProviderMissing(f"{provider} needs a language model, and none can be opened here")
    address = f" @ {provider.base_url}" if provider.base_url and provider.model else ""
    return LlmReranker(model(provider.model + address), first, load("rerank", prompts))


def _embedded(name: str, embedder: Embedder | None, sparse: SparseEmbedder | None) -> Reranker:
    from ..embed.bm25 import Bm25

    lexical = sparse or Bm25()
    if name == "evidence" and importlib.util.find_spec(".evidence", __package__):
        from .evidence import EvidenceReranker  # type: ignore[import-not-found, unused-ignore]

        learned: Reranker = EvidenceReranker(embedder, lexical)
        return learned
    from .plain import PlainReranker

    return PlainReranker(embedder, lexical)
