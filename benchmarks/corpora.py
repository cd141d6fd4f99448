"""Corpora for the benchmarks: a set of documents in an embedded store, ready to be searched."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from suffice.tools.embed.protocol import Embedder, SparseEmbedder
from suffice.tools.ingest import add
from suffice.tools.store import open_store
from suffice.tools.store.protocol import Store, Vector
from suffice.tools.trail.names import ENRICH_VERSION, enrich
from suffice.tools.types import Document


class RememberingEmbedder:
    """Keeps the vectors of texts in a folder, so that a benchmark run again starts at once."""

    def __init__(self, inner: Embedder, folder: Path) -> None:
        self.fingerprint, self.dimensions = inner.fingerprint, inner.dimensions
        self._inner = inner
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / (inner.fingerprint.replace("/", "_") + ".npz")
        self._known: dict[str, Vector] = {}
        self._asked: dict[str, Vector] = {}
        if self._file.exists():
            with np.load(self._file) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        lacking = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        made = await self._inner.embed_documents(list(lacking.values()))
        self._known.update(zip(lacking, made, strict=True))
        return [self._known[key] for key in keys]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """The inner embedder's, kept until `forget_queries`, as the embedders themselves do."""
        lacking = [text for text in dict.fromkeys(texts) if text not in self._asked]
        made = await self._inner.embed_documents(lacking)
        self._asked.update(zip(lacking, made, strict=True))
        return [self._asked[text] for text in texts]

    def forget_queries(self) -> None:
        """So that the next ranking pays for its own embedding."""
        self._asked.clear()

    async def close(self) -> None:
        await self._inner.close()

    def save(self) -> None:
        np.savez(
            self._file, keys=np.array(list(self._known)), vectors=np.stack([*self._known.values()])
        )


@asynccontextmanager
async def corpus_of(
    documents: Sequence[Document], embedder: Embedder | None, sparse: SparseEmbedder
) -> AsyncIterator[Store]:
    """A store with these documents in a temporary folder, gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        report = await add(
            store, embedder, sparse, documents, enrich=enrich, enrich_version=ENRICH_VERSION
        )
        assert not report.failed, report.failed
        try:
            yield store
        finally:
            await store.close()
