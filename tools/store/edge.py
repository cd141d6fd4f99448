"""The embedded store: Qdrant Edge, the engine of the vector database in this process.

Every call makes one trip to a worker thread, whatever it asks for. Searches go on while
documents are written; writes take turns.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ...errors import StoreError
from ..types import Passage, Where
from . import shards
from .disk import engine_errors, require_space
from .filters import conditions
from .folder import EXACT_SEARCH_KB, Folder, create, hold, release
from .manifest import same_vectors, write_manifest
from .optimizer import optimize
from .protocol import DocumentRecord, Entry, Field, Hit, Manifest, Page, SearchRequest

T = TypeVar("T")

_NO_PAGE: tuple[list[Hit], Any] = ([], None)


class EdgeStore:
    """A corpus in a folder. Implements `Store`.

    The folder is opened by the first call and made by `set_manifest`; until then a
    corpus that is not there is an empty one. Several stores of one process may be open
    on one folder: they share it. Another process gets `StoreLocked`.

    Up to `exact_search_kb` of dense vectors are compared one by one; of more, `optimize`
    builds a graph.
    """

    def __init__(self, path: str | Path, *, exact_search_kb: int = EXACT_SEARCH_KB) -> None:
        self.path = Path(path).expanduser()
        self.exact_search_kb = exact_search_kb
        self._holding = _Holding()
        self._guard = threading.Lock()
        # A store that is dropped without being closed must not keep the folder locked.
        self._end = weakref.finalize(self, self._holding.end)

    def __repr__(self) -> str:
        return f"EdgeStore({str(self.path)!r})"

    async def manifest(self) -> Manifest | None:
        """Return what the corpus was built with, or None while it is empty and new."""
        return await self._run(None, lambda folder: folder.manifest)

    async def set_manifest(self, manifest: Manifest) -> None:
        """Record what the corpus is built with; another embedder empties the passages."""
        await asyncio.to_thread(self._create, manifest)

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> None:
        """Put documents and all their passages, replacing what they had."""
        if not await self._run(
            False, lambda folder: shards.upsert(folder, records, entries), writes=True
        ):
            raise StoreError(f'"{self.path}" has no manifest yet: call set_manifest first')

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove documents and all their passages."""
        await self._run(None, lambda folder: shards.delete(folder, document_ids), writes=True)

    async def search(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Run all requests as one batch; one list of hits each, best first."""
        for request in requests:
            conditions(request.where, None)
        none: list[list[Hit]] = [[] for _ in requests]
        return await self._run(none, lambda folder: shards.search(folder, requests))

    async def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist among `ids`, in that order."""
        return await self._run([], lambda folder: shards.passages(folder, ids))

    async def scroll(
        self,
        where: Where | None = None,
        *,
        batch: int = 256,
        with_vectors: bool = False,
        with_extra: bool = False,
    ) -> AsyncIterator[Hit]:
        """Walk over all passages (score 0), in no particular order."""
        conditions(where, None)
        offset: Any = None
        while True:
            page = Page(where, batch, offset, with_vectors, with_extra)
            hits, offset = await self._run(_NO_PAGE, partial(shards.scroll, page=page))
            for hit in hits:
                yield hit
            if offset is None:
                return

    async def lookup(
        self, field: str, values: Sequence[str], limit: int = 100
    ) -> dict[str, list[str]]:
        """Return the ids of up to `limit` passages whose `extra[field]` has each value."""
        none: dict[str, list[str]] = {value: [] for value in values}
        return await self._run(none, lambda folder: shards.lookup(folder, field, values, limit))

    async def document(self, document_id: str) -> DocumentRecord | None:
        """Return one document with its whole text, or None."""
        return await self._run(None, lambda folder: shards.document(folder, document_id))

    async def documents(self) -> list[DocumentRecord]:
        """List all documents, with `text` left empty."""
        return await self._run([], shards.documents)

    async def count(self, where: Where | None = None) -> int:
        """Count passages."""
        conditions(where, None)
        return await self._run(0, lambda folder: shards.count(folder, where))

    async def fields(self) -> dict[str, Field]:
        """Return the metadata fields there are, with the most frequent values of each."""
        return await self._run({}, shards.fields)

    async def optimize(self) -> None:
        """Reclaim what was deleted and, from a certain size, build the graph of the vectors."""
        await asyncio.to_thread(self._optimize)

    async def close(self) -> None:
        """Close the folder, unless another store of this process has it open."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._guard, engine_errors(self.path):
            self._holding.closed = True
            self._end()

    def _opened(self, manifest: Manifest | None = None) -> Folder | None:
        """Return the folder; with a manifest, make it if need be."""
        with self._guard, engine_errors(self.path):
            holding = self._holding
            if holding.closed:
                raise StoreError(f'the store on "{self.path}" is closed')
            if holding.folder is None:
                if manifest is None:
                    holding.folder = hold(self.path, self.exact_search_kb)
                else:
                    holding.folder = create(self.path, manifest, self.exact_search_kb)
            return holding.folder

    def _create(self, manifest: Manifest) -> None:
        folder = self._opened(manifest)
        assert folder is not None  # it was just made
        with engine_errors(self.path), folder.exchanging():
            if folder.manifest == manifest:
                return
            require_space(self.path)
            if same_vectors(folder.manifest, manifest):
                write_manifest(self.path, manifest)
                folder.manifest = manifest
                return
            shards.forget_all_hashes(folder)
            folder.empty_passages(manifest)

    def _optimize(self) -> None:
        folder = self._opened()
        if folder is not None:
            with engine_errors(self.path):
                optimize(folder)

    async def _run(self, default: T, work: Callable[[Folder], T], *, writes: bool = False) -> T:
        """Do `work` on the folder in a worker thread; `default` if there is no corpus."""

        def trip() -> T:
            folder = self._opened()
            if folder is None:
                return default
            entrance = folder.changing() if writes else folder.gate.shared()
            with engine_errors(self.path), entrance:
                return work(folder)

        return await asyncio.to_thread(trip)


class _Holding:
    """A store's hold on its folder, apart from the store so that it can outlive it."""

    def __init__(self) -> None:
        self.folder: Folder | None = None
        self.closed = False

    def end(self) -> None:
        if self.folder is not None:
            release(self.folder)
            self.folder = None
