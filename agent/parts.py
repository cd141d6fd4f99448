"""Opens the parts that the settings name: store, embedder, reranker, reasoner."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreMissing, WeightsError
from ..tools.embed import open_embedder
from ..tools.embed.bm25 import Bm25
from ..tools.embed.protocol import Embedder, SparseEmbedder
from ..tools.rerank import open_reranker
from ..tools.rerank.protocol import Reranker
from ..tools.search import Searcher
from ..tools.store import check_manifest, open_store
from ..tools.store.protocol import Store
from ..tools.trail.follow import Trail
from .settings import Settings

log = logging.getLogger("suffice")


@dataclass(slots=True)
class Parts:
    """The opened parts of one corpus. `notices` says in plain words what is not as asked."""

    place: str
    store: Store
    embedder: Embedder | None
    sparse: SparseEmbedder
    searcher: Searcher
    reranker: Reranker | None
    notices: list[str]

    @property
    def fingerprint(self) -> str:
        """Return the embedder's fingerprint; "" without one."""
        return self.embedder.fingerprint if self.embedder else ""

    async def check(self, *, adding: bool) -> None:
        """Refuse to mix embedders. Raises `StoreMismatch` with the way out."""
        manifest = await self.store.manifest()
        if manifest is None or (self.embedder is None and not adding):
            return
        dimensions = self.embedder.dimensions if self.embedder else 0
        check_manifest(
            manifest, self.fingerprint, dimensions, self.sparse.fingerprint, place=self.place
        )

    async def close(self) -> None:
        """Close everything that was opened, the store last."""
        for part in (self.reranker, self.embedder, self.store):
            if part is not None:
                await part.close()


async def open_parts(place: str, settings: Settings, *, create: bool) -> Parts:
    """Open the corpus at `place` with the parts that `settings` name.

    Raises:
        StoreMissing: there is none at `place`, and it is not to be created.
        StoreLocked, StoreMismatch, StoreUnavailable, ProviderMissing: as they say.
    """
    if not create and not is_server(place) and not await asyncio.to_thread(Path(place).is_dir):
        raise StoreMissing(f"there is no corpus at {place}. Make one with: suffice add FOLDER")
    notices: list[str] = []
    store = _store(place, settings)
    try:
        embedder = await asyncio.to_thread(_embedder, settings, notices)
        sparse = Bm25()
        reranker = open_reranker(settings.reranker, embedder=embedder, sparse=sparse)
        searcher = Searcher(store, embedder, sparse, Trail() if settings.trail else None)
        parts = Parts(place, store, embedder, sparse, searcher, reranker, notices)
        await parts.check(adding=False)
    except BaseException:
        await store.close()
        raise
    return parts


def _store(place: str, settings: Settings) -> Store:
    """Open the store; a folder has neither a collection nor a key."""
    if not is_server(place):
        return open_store(place)
    key = os.environ.get("QDRANT_API_KEY")
    return open_store(place, collection=settings.collection, api_key=key)


def is_server(place: str) -> bool:
    """Tell the address of a Qdrant server from a folder. ":memory:" is one for tests."""
    return "://" in place or place == ":memory:"


def _embedder(settings: Settings, notices: list[str]) -> Embedder | None:
    weights = Path(settings.weights) if settings.weights else None
    try:
        return open_embedder(settings.embedder, weights=weights)
    except WeightsError as error:
        notice = f"searching by words alone, without meaning: {error}"
        notices.append(notice)
        log.warning(notice)
        return None
