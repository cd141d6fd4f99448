"""Models that the `fastembed` package runs in the process, when it is installed.

https://qdrant.github.io/fastembed/
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import Any

import numpy as np

from ...errors import ProviderMissing, WeightsError
from ..store.protocol import SparseVector, Vector


class FastEmbedder:
    """A dense model of fastembed, called in a thread of its own.

    Raises `ProviderMissing` where the package is not installed or does not know the model,
    `WeightsError` where it cannot be downloaded.
    """

    def __init__(self, model: str) -> None:
        self._model = load_model("fastembed", "TextEmbedding", model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fastembed")
        self.fingerprint = f"fastembed:{model}"
        self.dimensions = len(next(iter(self._model.query_embed([model]))))

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector for each text, in order."""
        return await self._embed(self._model.passage_embed, texts)

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same for queries, with the prefix that the model wants."""
        return await self._embed(self._model.query_embed, texts)

    async def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _embed(
        self, embed: Callable[..., Iterable[Any]], texts: Sequence[str]
    ) -> list[Vector]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: [_unit(vector) for vector in embed(list(texts))]
        )


class FastSparseEmbedder:
    """A sparse model of fastembed (miniCOIL, BM42) in place of BM25.

    Only models made for an index with inverse document frequency, as the stores have it;
    SPLADE brings weights of its own, which would count twice. Raises like `FastEmbedder`.
    """

    def __init__(self, model: str) -> None:
        self._model = load_model("fastembed", "SparseTextEmbedding", model)
        self.fingerprint = f"fastembed:{model}"

    def embed_document(self, text: str) -> SparseVector:
        """Weigh the tokens of a stored text."""
        return _sparse(next(iter(self._model.embed([text]))))

    def embed_query(self, text: str) -> SparseVector:
        """Weigh the tokens of a query."""
        return _sparse(next(iter(self._model.query_embed(text))))


def load_model(module: str, kind: str, model: str) -> Any:
    """Return fastembed's `module.kind(model)`.

    With HF_HUB_OFFLINE set, only what was downloaded before; fastembed itself would try
    for most of a minute. Raises `ProviderMissing` where the package is not installed or
    does not know the model, `WeightsError` where the model cannot be downloaded.
    """
    try:
        maker = getattr(importlib.import_module(module), kind)
    except ImportError:
        raise ProviderMissing(
            f"fastembed:{model} needs the package fastembed: pip install 'suffice[fastembed]'"
        ) from None
    listed = maker.list_supported_models()
    if kind == "SparseTextEmbedding":
        listed = [each for each in listed if each["requires_idf"]]
    known = {each["model"].lower(): each["model"] for each in listed}
    if model.lower() not in known:
        near = [known[name] for name in get_close_matches(model.lower(), known, 3) or known]
        raise ProviderMissing(
            f"fastembed has no {kind} called {model} that fits; it has {', '.join(near[:3])} "
            "and others"
        )
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")
    try:
        return maker(model, local_files_only=offline)
    except Exception as error:  # a failed download has no class of its own
        raise WeightsError(f"fastembed cannot load {model}: {error}") from error


def _unit(vector: Any) -> Vector:
    row = np.asarray(vector, dtype=np.float32)
    return row / (float(np.linalg.norm(row)) or 1.0)


def _sparse(found: Any) -> SparseVector:
    return SparseVector(
        np.asarray(found.indices, dtype=np.int64), np.asarray(found.values, dtype=np.float32)
    )
