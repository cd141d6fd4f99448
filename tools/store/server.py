"""The store on a Qdrant server or cluster (1.16 or newer), through qdrant-client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from ...errors import StoreError
from ..types import Passage, Where
from .filters import conditions
from .protocol import DocumentRecord, Entry, Field, Hit, Manifest, Page, SearchRequest
from .remote import Remote
from .tables import Tables

T = TypeVar("T")

_NO_PAGE: tuple[list[Hit], Any] = ([], None)


class ServerStore:
    """A corpus on a Qdrant server. Implements `Store`. `":memory:"` is one for tests.

    Calls that fail for want of a connection, or because the server is busy or broken, are
    repeated for a while and then raise `StoreUnavailable`. The API key shows nowhere.
    """

    def __init__(self, url: str, collection: str, *, api_key: str | None = None) -> None:
        self.collection = collection
        self._remote = Remote(url, api_key)
        self._tables = Tables(self._remote, collection)

    def __repr__(self) -> str:
        return f"ServerStore({self._remote.address!r}, {self.collection!r})"

    async def manifest(self) -> Manifest | None:
        """Return what the corpus was built with, or None while it is empty and new."""
        return await self._remote.run(self._tables.manifest)

    async def set_manifest(self, manifest: Manifest) -> None:
        """Record what the corpus is built with; another embedder empties the passages."""
        await self._remote.run(lambda: self._tables.set_manifest(manifest))

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> None:
        """Put documents and all their passages, replacing what they had."""
        if not await self._run(False, lambda tables: tables.upsert(records, entries)):
            raise StoreError(f"{self!r} has no manifest yet: call set_manifest first")

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove documents and all their passages."""
        await self._run(None, lambda tables: tables.delete(document_ids))

    async def search(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Run all requests as one batch; one list of hits each, best first."""
        for request in requests:
            conditions(request.where, None)
        none: list[list[Hit]] = [[] for _ in requests]
        return await self._run(none, lambda tables: tables.search(requests))

    async def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist among `ids`, in that order."""
        return await self._run([], lambda tables: tables.passages(ids))

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
            hits, offset = await self._run(_NO_PAGE, partial(Tables.scroll, page=page))
            for hit in hits:
                yield hit
            if offset is None:
                return

    async def lookup(
        self, field: str, values: Sequence[str], limit: int = 100
    ) -> dict[str, list[str]]:
        """Return the ids of up to `limit` passages whose `extra[field]` has each value."""
        none: dict[str, list[str]] = {value: [] for value in values}
        return await self._run(none, lambda tables: tables.lookup(field, values, limit))

    async def document(self, document_id: str) -> DocumentRecord | None:
        """Return one document with its whole text, or None."""
        return await self._run(None, lambda tables: tables.document(document_id))

    async def documents(self) -> list[DocumentRecord]:
        """List all documents, with `text` left empty."""
        return await self._run([], Tables.documents)

    async def count(self, where: Where | None = None) -> int:
        """Count passages."""
        conditions(where, None)
        return await self._run(0, lambda tables: tables.count(where))

    async def fields(self) -> dict[str, Field]:
        """Return the metadata fields there are, with the most frequent values of each."""
        return await self._run({}, Tables.fields)

    async def optimize(self) -> None:
        """Do nothing: a server tidies up by itself."""

    async def close(self) -> None:
        """Close the connection; the server keeps the corpus."""
        await self._remote.close()

    async def _run(self, default: T, work: Callable[[Tables], Awaitable[T]]) -> T:
        """Do `work` on the connection's loop; `default` if there is no corpus."""

        async def trip() -> T:
            if await self._tables.manifest() is None:
                return default
            return await work(self._tables)

        return await self._remote.run(trip)
