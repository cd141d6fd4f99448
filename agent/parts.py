"""Opens the parts that the settings name: store, embedder, reranker, reasoner."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreMismatch, StoreMissing, WeightsError
from ..tools.cache import Cache, CachedEmbedder, CachedReranker
from ..tools.embed import open_embedder
from ..tools.embed.bm25 import Bm25
from ..tools.embed.conversion import cache_folder
from ..tools.embed.protocol import Embedder, SparseEmbedder
from ..tools.rerank import open_reranker
from ..tools.rerank.protocol import Reranker
from ..tools.search import Searcher
from ..tools.store import check_manifest, open_store
from ..tools.store.protocol import Store
from ..tools.trail.follow import Trail
from .reasoner import model_opener
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
    cache: Cache | None
    opened: AsyncExitStack

    @property
    def fingerprint(self) -> str:
        """Return the embedder's fingerprint; "" without one."""
        return self.embedder.fingerprint if self.embedder else ""

    async def check(self, *, adding: bool) -> None:
        """Refuse to mix embedders. Raises `StoreMismatch` with the way out.

        Without an embedder a corpus can be searched whatever built it: by words alone.
        """
        manifest = await self.store.manifest()
        if manifest is None or (self.embedder is None and not adding):
            return
        if self.embedder is None and self.notices and manifest.embedder:
            raise StoreMismatch(
                f'"{self.place}" was built with {manifest.embedder}, and nothing can be added '
                f"without it: {self.notices[0]}"
            )
        dimensions = self.embedder.dimensions if self.embedder else 0
        check_manifest(
            manifest, self.fingerprint, dimensions, self.sparse.fingerprint, place=self.place
        )

    async def close(self) -> None:
        """Close everything that was opened, the store last."""
        await self.opened.aclose()


async def open_parts(place: str, settings: Settings, *, create: bool) -> Parts:
    """Open the corpus at `place` with the parts that `settings` name.

    Raises:
        StoreMissing: there is none at `place`, and it is not to be created.
        StoreLocked, StoreMismatch, StoreUnavailable, ProviderMissing: as they say.
    """
    notices: list[str] = []
    async with AsyncExitStack() as opened:
        store = store_at(place, settings.collection)
        opened.push_async_callback(store.close)
        # Asked first: what cannot be opened says so before a model is loaded.
        if await store.manifest() is None and not create:
            raise StoreMissing(await asyncio.to_thread(_missing, place))
        cache = await asyncio.to_thread(open_cache) if settings.keep_replies else None
        if cache is not None:
            opened.callback(cache.close)
        embedder = await asyncio.to_thread(_embedder, settings, notices)
        if cache is not None and embedder is not None and ":" in settings.embedder:
            embedder = CachedEmbedder(embedder, cache)
        if embedder is not None:
            opened.push_async_callback(embedder.close)
        sparse = Bm25()
        reranker = open_reranker(
            settings.reranker,
            embedder=embedder,
            sparse=sparse,
            model=model_opener(settings, cache),
            prompts=settings.prompts,
        )
        if cache is not None and reranker is not None and ":" in reranker.name:
            reranker = CachedReranker(reranker, cache)
        if reranker is not None:
            opened.push_async_callback(reranker.close)
        searcher = Searcher(store, embedder, sparse, Trail() if settings.trail else None)
        return Parts(
            place, store, embedder, sparse, searcher, reranker, notices, cache, opened.pop_all()
        )


def store_at(place: str, collection: str) -> Store:
    """Return the store at `place`; a folder has neither a collection nor a key."""
    if not is_server(place):
        return open_store(place)
    key = os.environ.get("QDRANT_API_KEY")
    return open_store(place, collection=collection, api_key=key)


def open_cache() -> Cache:
    """Open the cache of what providers answered, in the user's cache folder."""
    return Cache(cache_folder() / "replies.sqlite")


def is_server(place: str) -> bool:
    """Tell the address of a Qdrant server from a folder. ":memory:" is one for tests."""
    return "://" in place or place == ":memory:"


def _missing(place: str) -> str:
    """Say that there is no corpus at `place`, and what may have been meant."""
    if is_server(place):
        return f"there is no corpus on {place} yet. Make one with: suffice add FOLDER"
    if any(path.name[0] != "." for path in _listed(place)):
        return (
            f"{place} is a folder of other files, not a corpus. To ask the documents in it: "
            f'suffice ask -d {place} "…"'
        )
    near = [str(path.parent) for path in Path(place).parent.glob("*/manifest.json")]
    known = f" There is {', '.join(sorted(near)[:3])}: name one with --corpus." if near else ""
    return f"there is no corpus at {place}. Make one with: suffice add FOLDER.{known}"


def _listed(place: str) -> list[Path]:
    return list(Path(place).iterdir()) if Path(place).is_dir() else []


def _embedder(settings: Settings, notices: list[str]) -> Embedder | None:
    """Open the embedder. Without weights the default one is done without, and it is said."""
    weights = Path(settings.weights) if settings.weights else None
    try:
        return open_embedder(settings.embedder, weights=weights)
    except WeightsError as error:
        if weights is not None or settings.embedder != "minilm":
            raise
        notice = f"searching by words alone, without meaning: {error}"
        notices.append(notice)
        log.warning(notice)
        return None
