"""What the server store does on the two collections of a corpus.

`NAME` holds the passages; `NAME-documents` the records, the texts and the manifest.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from ...errors import FilterError, StoreError
from ..types import Passage, Where
from . import layout
from .filters import Condition, conditions, having
from .manifest import check_dimensions, parse_manifest, same_vectors
from .protocol import (
    COMMONEST_VALUES,
    FEWEST_CANDIDATES,
    RRF_K,
    DocumentRecord,
    Entry,
    Field,
    Hit,
    Manifest,
    Page,
    SearchRequest,
)
from .remote import Remote
from .wire import batches, filter_of, hit_of, is_value, legs_of, vectors_of

PAGE = 1000
STALE_SECONDS = 30.0
"""Others may write to a server too: which fields there are is asked anew after this."""

_MANIFEST = layout.point_id("manifest", "")
_INDEX = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
}


class Tables:
    """The collections of one corpus. All methods run on the loop of `remote`."""

    def __init__(self, remote: Remote, name: str) -> None:
        self._remote = remote
        self._ask = remote.ask
        self._passages = name
        self._documents = f"{name}-documents"
        self._writing = asyncio.Lock()
        self._manifest: Manifest | None = None
        self._known: dict[str, list[str]] = {}
        self._known_until = 0.0

    # The manifest

    async def manifest(self) -> Manifest | None:
        """Return the manifest; it is asked for until there is one."""
        if self._manifest is None:
            found = await self._payloads(self._documents, [_MANIFEST], ["manifest"])
            if found:
                place = f"{self._remote.address} {self._passages}"
                self._manifest = parse_manifest(found[_MANIFEST]["manifest"], place)
        return self._manifest

    async def set_manifest(self, manifest: Manifest) -> None:
        """Make the collections; with another manifest there, empty the passages."""
        async with self._writing:
            known = await self.manifest()
            if known == manifest:
                return
            if known is None:
                await self._refuse_foreign()
            if known is None or not same_vectors(known, manifest):
                await self._make_documents()
                await self._forget_all_hashes()
                await self._make_passages(manifest)
            stored = {"kind": "manifest", "manifest": manifest.model_dump()}
            point = models.PointStruct(id=_MANIFEST, vector={}, payload=stored)
            await self._put(self._documents, [point])
            self._manifest, self._known_until = manifest, 0.0

    async def _refuse_foreign(self) -> None:
        for name in (self._passages, self._documents):
            if await self._exists(name) and await self._size(name, None):
                raise StoreError(
                    f'the collection "{name}" on {self._remote.address} holds other data.'
                    " Choose another collection name"
                )

    async def _exists(self, name: str) -> bool:
        return await self._ask(lambda client: client.collection_exists(name))

    async def _make_documents(self) -> None:
        if not await self._exists(self._documents):
            await self._ask(
                lambda client: client.create_collection(
                    self._documents, vectors_config={}, sparse_vectors_config={}
                )
            )
        await self._index(self._documents, layout.DOCUMENT_INDEXES)

    async def _make_passages(self, manifest: Manifest) -> None:
        dense = models.VectorParams(
            size=max(1, manifest.dimensions), distance=models.Distance.COSINE
        )
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        if await self._exists(self._passages):
            await self._ask(lambda client: client.delete_collection(self._passages))
        await self._ask(
            lambda client: client.create_collection(
                self._passages,
                vectors_config={"dense": dense} if manifest.dimensions else {},
                sparse_vectors_config={"sparse": sparse},
            )
        )
        await self._index(self._passages, layout.PASSAGE_INDEXES)

    async def _index(self, name: str, paths: dict[str, str]) -> None:
        if self._remote.in_memory:  # has no indexes, and warns if asked for one
            return
        for path, kind in layout.missing_indexes(paths, await self._indexed(name)).items():
            create = partial(
                AsyncQdrantClient.create_payload_index,
                collection_name=name,
                field_name=path,
                field_schema=_INDEX[kind],
                wait=True,
            )
            await self._ask(create)

    async def _indexed(self, name: str) -> set[str]:
        info = await self._ask(lambda client: client.get_collection(name))
        return set(info.payload_schema)

    # Writing

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> bool:
        """Write passages, then drop former ones, then write the records."""
        assert self._manifest is not None  # who comes here has asked for it
        check_dimensions(self._manifest, [entry.dense for entry in entries])
        payloads = [layout.passage_payload(entry) for entry in entries]
        points = [
            models.PointStruct(
                id=layout.point_id("passage", entry.passage.id),
                vector=vectors_of(entry),
                payload=payload,
            )
            for entry, payload in zip(entries, payloads, strict=True)
        ]
        ids = [layout.clean(record.document.id) for record in records]
        sizes = Counter(layout.clean(entry.passage.document_id) for entry in entries)
        kept: dict[str, dict[str, Any]] = {}
        for name, record in zip(ids, records, strict=True):
            kept |= layout.document_payloads(record, sizes[name])
        async with self._writing:
            await self._index(self._passages, layout.indexes(payloads))
            former = await self._forget_hashes(ids)
            await self._put(self._passages, points)
            await self._drop_passages(ids, keep=[str(point.id) for point in points])
            texts = [models.PointStruct(id=p, vector={}, payload=kept[p]) for p in kept]
            await self._put(self._documents, texts)
            stale = [name for name in layout.all_ids(former) if name not in kept]
            await self._delete(self._documents, stale)
            self._known_until = 0.0
        return True

    async def _put(self, name: str, points: Sequence[models.PointStruct]) -> None:
        for batch in batches(points):
            upsert = AsyncQdrantClient.upsert
            await self._ask(partial(upsert, collection_name=name, points=batch, wait=True))

    async def _drop_passages(self, ids: Sequence[str], keep: Iterable[str] = ()) -> None:
        """Delete the passages of documents, but for those to keep."""
        kept: list[models.ExtendedPointId] = list(keep)
        filtered = models.Filter(
            must=[models.FieldCondition(key="document_id", match=models.MatchAny(any=list(ids)))],
            must_not=[models.HasIdCondition(has_id=kept)] if kept else None,
        )
        if ids:
            chosen = models.FilterSelector(filter=filtered)
            await self._ask(
                lambda client: client.delete(self._passages, points_selector=chosen, wait=True)
            )

    async def _delete(self, name: str, points: Sequence[str]) -> None:
        if points:
            chosen = models.PointIdsList(points=list(points))
            await self._ask(lambda client: client.delete(name, points_selector=chosen, wait=True))

    async def _forget_hashes(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Let a write that is cut short leave its documents as ones to be added again.

        Returns the records there were, by the ids of their points.
        """
        points = [layout.point_id("record", name) for name in ids]
        known = await self._payloads(self._documents, points, ["document_id", "pieces"])
        await self._unhash([*known])
        return known

    async def _forget_all_hashes(self) -> None:
        records = [layout.point_id("record", r.document.id) for r in await self.documents()]
        await self._unhash(records)

    async def _unhash(self, points: Sequence[str]) -> None:
        if points:
            await self._ask(
                lambda client: client.set_payload(
                    self._documents, payload={"hash": ""}, points=list(points), wait=True
                )
            )

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove passages, then texts and records: what is cut short stays listed, unhashed."""
        ids = [layout.clean(name) for name in document_ids]
        async with self._writing:
            former = await self._forget_hashes(ids)
            await self._drop_passages(ids)
            await self._delete(self._documents, layout.all_ids(former))
            self._known_until = 0.0

    # Searching

    async def search(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Run all requests as one batch of the server."""
        assert self._manifest is not None  # who comes here has asked for it
        check_dimensions(self._manifest, [request.dense for request in requests])
        queries = [await self._query(request) for request in requests]
        found = iter(await self._batch([query for query in queries if query is not None]))
        return [
            []
            if query is None
            else [hit_of(point, point.score, request.with_vectors) for point in next(found)]
            for query, request in zip(queries, requests, strict=True)
        ]

    async def _batch(self, queries: list[models.QueryRequest]) -> list[list[models.ScoredPoint]]:
        if not queries:
            return []
        responses = await self._ask(lambda c: c.query_batch_points(self._passages, queries))
        return [response.points for response in responses]

    async def _query(self, request: SearchRequest) -> models.QueryRequest | None:
        """Return the server's query; None where nothing can be found."""
        held = [*await self._conditions(request.where), *having(request.having)]
        narrowed = filter_of(held)
        legs = legs_of(request)
        if not legs or request.limit < 1:
            return None
        shape: dict[str, Any] = {
            "limit": request.limit,
            "with_payload": [*layout.PASSAGE_KEYS, *(["extra"] if request.with_extra else [])],
            "with_vector": request.with_vectors,
        }
        if request.dense is None or request.sparse is None:
            return models.QueryRequest(**legs[0], filter=narrowed, **shape)
        depth = max(2 * request.limit, FEWEST_CANDIDATES)
        prefetch = [models.Prefetch(**leg, filter=narrowed, limit=depth) for leg in legs]
        fused = models.RrfQuery(rrf=models.Rrf(k=RRF_K))
        return models.QueryRequest(prefetch=prefetch, query=fused, **shape)

    async def _conditions(self, where: Where | None) -> list[Condition]:
        """Check a filter against the fields there are; an empty corpus lets all pass."""
        if where is None:
            return []
        try:
            return conditions(where, await self.known_fields())
        except FilterError:
            self._known_until = 0.0  # somebody else may have added the field
            known = await self.known_fields()
            empty = not known and not await self._size(self._passages, None)
            return conditions(where, None if empty else known)

    async def known_fields(self) -> dict[str, list[str]]:
        """Return the types of each metadata field."""
        if time.monotonic() > self._known_until:
            self._known = layout.known_fields(await self._facet("fields", 10_000))
            self._known_until = time.monotonic() + STALE_SECONDS
        return self._known

    async def _facet(self, key: str, limit: int) -> list[tuple[str, int]]:
        response = await self._ask(
            lambda client: client.facet(self._passages, key, limit=limit, exact=True)
        )
        return [(str(hit.value), hit.count) for hit in response.hits if hit.count]

    # Reading

    async def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist among `ids`, in that order."""
        points = [layout.point_id("passage", name) for name in ids]
        found = await self._payloads(self._passages, points, [*layout.PASSAGE_KEYS])
        return [layout.passage_from(found[point]) for point in points if point in found]

    async def _payloads(
        self, name: str, points: Sequence[str], keys: bool | list[str]
    ) -> dict[str, dict[str, Any]]:
        """Return the payloads of the points there are, by id; none without the collection."""
        if not points or (self._manifest is None and not await self._exists(name)):
            return {}
        records = await self._ask(lambda c: c.retrieve(name, list(points), with_payload=keys))
        return {str(record.id): record.payload or {} for record in records}

    async def scroll(self, page: Page) -> tuple[list[Hit], Any]:
        """Return a page of passages and where the next begins, or None."""
        narrowed = filter_of(await self._conditions(page.where))
        keys = [*layout.PASSAGE_KEYS, *(["extra"] if page.with_extra else [])]
        records, after = await self._ask(
            lambda client: client.scroll(
                self._passages,
                scroll_filter=narrowed,
                limit=page.limit,
                offset=page.offset,
                with_payload=keys,
                with_vectors=page.with_vectors,
            )
        )
        return [hit_of(record, 0.0, page.with_vectors) for record in records], after

    async def lookup(self, field: str, values: Sequence[str], limit: int) -> dict[str, list[str]]:
        """Return the ids of passages whose `extra[field]` has each value."""
        key = layout.path("extra", field)
        wanted = list(dict.fromkeys(values))
        queries = [
            models.QueryRequest(
                filter=models.Filter(must=[is_value(key, value)]), limit=limit, with_payload=["id"]
            )
            for value in wanted
        ]
        return {
            value: [str((point.payload or {})["id"]) for point in points]
            for value, points in zip(wanted, await self._batch(queries), strict=True)
        }

    async def document(self, document_id: str) -> DocumentRecord | None:
        """Return one document with its text."""
        point = layout.point_id("record", document_id)
        record = (await self._payloads(self._documents, [point], True)).get(point)
        if record is None:
            return None
        texts = []
        for piece in layout.piece_ids(record):  # one by one, for they are large
            found = await self._payloads(self._documents, [piece], ["text"])
            texts.append(found[piece]["text"])
        return layout.record_from(record, "".join(texts))

    async def documents(self) -> list[DocumentRecord]:
        """List all documents, without reading their texts."""
        only = models.Filter(must=[is_value("kind", "record")])
        found: list[DocumentRecord] = []
        offset: Any = None
        while True:
            page = partial(
                AsyncQdrantClient.scroll,
                collection_name=self._documents,
                scroll_filter=only,
                limit=PAGE,
                offset=offset,
                with_payload=[*layout.RECORD_KEYS],
            )
            records, offset = await self._ask(page)
            found += [layout.record_from(record.payload or {}) for record in records]
            if offset is None:
                return found

    async def count(self, where: Where | None) -> int:
        """Count passages."""
        return await self._size(self._passages, filter_of(await self._conditions(where)))

    async def _size(self, name: str, filtered: models.Filter | None) -> int:
        return (await self._ask(lambda c: c.count(name, count_filter=filtered, exact=True))).count

    async def fields(self) -> dict[str, Field]:
        """Return the metadata fields there are, with the most frequent values of each."""
        self._known_until = 0.0
        known = await self.known_fields()
        values = layout.commonest(await self._facet("terms", layout.MOST_TERMS), COMMONEST_VALUES)
        return {
            name: Field(name=name, type="|".join(kinds), values=values.get(name, ()))
            for name, kinds in known.items()
        }
