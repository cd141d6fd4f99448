"""Models that the `fastembed` package runs in the process, when it is installed.

https://qdrant.github.io/fastembed/
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ...errors import ProviderMissing, WeightsError
from ..store.protocol import SparseVector, Vector


class FastEmbedder:
    """A dense model of fastembed, called in a thread of its own.

    Raises `ProviderMissing` where the package is not installed, `WeightsError` where the
    model is unknown to it or cannot be downloaded.
    """

    def __init__(self, model: str) -> None:
        self._model = _loaded("TextEmbedding", model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fastembed")
        self.fingerprint = f"fastembed:{model}"
        self.dimensions = len(next(iter(self._model.query_embed([model]))))

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector for each text, in order."""
        return await self._embed(self._model.embed, texts)

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
    """A sparse model of fastembed (SPLADE, BM42, …) in place of BM25."""

    def __init__(self, model: str) -> None:
        self._model = _loaded("SparseTextEmbedding", model)
        self.fingerprint = f"fastembed:{model}"

    def embed_document(self, text: str) -> SparseVector:
        """Weigh the tokens of a stored text."""
        return _sparse(next(iter(self._model.embed([text]))))

    def embed_query(self, text: str) -> SparseVector:
        """Weigh the tokens of a query."""
        return _sparse(next(iter(self._model.query_embed(text))))


def _loaded(kind: str, model: str) -> Any:
    try:
        import fastembed
    except ImportError:
        raise ProviderMissing(
            f"fastembed:{model} needs the package fastembed: pip install 'suffice[fastembed]'"
        ) from None
    try:
        return getattr(fastembed, kind)(model)
    except Exception as error:  # unknown names and failed downloads have no common class
        raise WeightsError(f"fastembed cannot load {model}: {error}") from error


def _unit(vector: Any) -> Vector:
    row = np.asarray(vector, dtype=np.float32)
    return row / (float(np.linalg.norm(row)) or 1.0)


def _sparse(found: Any) -> SparseVector:
    return SparseVector(
        np.asarray(found.indices, dtype=np.int64), np.asarray(found.values, dtype=np.float32)
    )
