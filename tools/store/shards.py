"""What the embedded store does on the shards of a folder, once it is in a worker thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import qdrant_edge as edge

from ..types import Passage, Where
from . import layout
from .disk import require_space
from .filters import Among, Condition, conditions, having
from .folder import Folder
from .manifest import check_dimensions
from .protocol import (
    COMMONEST_VALUES,
    FEWEST_CANDIDATES,
    RRF_K,
    DocumentRecord,
    Entry,
    Field,
    Hit,
    Page,
    SearchRequest,
    SparseVector,
)

POINTS_AT_ONCE = 1000

# Writing


def upsert(folder: Folder, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> bool:
    """Write passages, then drop former ones, then write the records; True when durable."""
    check_dimensions(folder.manifest, [entry.dense for entry in entries])
    payloads = [layout.passage_payload(entry) for entry in entries]
    points = [
        edge.Point(layout.point_id("passage", entry.passage.id), _vectors(entry), payload)
        for entry, payload in zip(entries, payloads, strict=True)
    ]
    ids = [layout.clean(record.document.id) for record in records]
    sizes = Counter(layout.clean(entry.passage.document_id) for entry in entries)
    kept: dict[str, dict[str, Any]] = {}
    for name, record in zip(ids, records, strict=True):
        kept |= layout.document_payloads(record, sizes[name])
    require_space(folder.path, _weight(records, entries))
    folder.index(layout.indexes(payloads))
    former = _forget_hashes(folder, ids)
    _put(folder.passages, points)
    _drop_passages(folder, ids, keep=[point.id for point in points])
    folder.secure("passages", len(points))
    _put(folder.documents, [edge.Point(name, {}, kept[name]) for name in kept])
    _delete(folder.documents, [name for name in layout.all_ids(former) if name not in kept])
    folder.secure("documents", len(kept))
    return True


def _vectors(entry: Entry) -> dict[str, Any]:
    vectors: dict[str, Any] = {}
    if len(entry.sparse.indices):
        vectors["sparse"] = _sparse(entry.sparse)
    if entry.dense is not None:
        # The engine reads a list of floats twice as fast as an array.
        vectors["dense"] = np.asarray(entry.dense, np.float32).tolist()
    return vectors


def _sparse(vector: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(
        np.asarray(vector.indices).tolist(), np.asarray(vector.values, np.float32).tolist()
    )


def _put(shard: edge.EdgeShard, points: list[edge.Point]) -> None:
    for start in range(0, len(points), POINTS_AT_ONCE):
        shard.update(edge.UpdateOperation.upsert_points(points[start : start + POINTS_AT_ONCE]))


def _weight(records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> int:
    """Guess the bytes a write will take: log, payload, vectors and what replaces them."""
    texts = sum(len(r.document.text) for r in records) + sum(len(e.passage.text) for e in entries)
    dense = sum(len(entry.dense) for entry in entries if entry.dense is not None)
    sparse = sum(2 * len(entry.sparse.values) for entry in entries)
    return 4 * (texts + 4 * (dense + sparse))


def _forget_hashes(folder: Folder, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Let a write that is cut short leave its documents as ones to be added again.

    Returns the records there were, by the ids of their points.
    """
    points = [layout.point_id("record", name) for name in ids]
    known = _retrieve(folder.documents, points, ["document_id", "pieces"])
    if known:
        folder.documents.update(edge.UpdateOperation.set_payload([*known], {"hash": ""}))
        folder.secure("documents", len(known))
    return known


def _drop_passages(folder: Folder, ids: Sequence[str], keep: Iterable[Any] = ()) -> None:
    """Delete the passages of documents, but for those to keep."""
    kept: set[edge.PointId] = set(keep)
    filtered = edge.Filter(
        must=[edge.FieldCondition("document_id", match=edge.MatchAny(list(ids)))],
        must_not=[edge.HasIdCondition(kept)] if kept else None,
    )
    if ids:
        folder.passages.update(edge.UpdateOperation.delete_points_by_filter(filtered))


def _delete(shard: edge.EdgeShard, points: Sequence[str]) -> None:
    if points:
        shard.update(edge.UpdateOperation.delete_points([*points]))


def delete(folder: Folder, document_ids: Sequence[str]) -> None:
    """Remove passages, then texts and records: what is cut short stays listed, unhashed."""
    ids = [layout.clean(name) for name in document_ids]
    if not ids:
        return
    former = _forget_hashes(folder, ids)
    _drop_passages(folder, ids)
    folder.secure("passages", len(ids))
    _delete(folder.documents, layout.all_ids(former))
    folder.secure("documents", len(ids))


def forget_all_hashes(folder: Folder) -> None:
    """Leave every document as one to be added again."""
    records = edge.Filter(must=[_is("kind", "record")])
    folder.documents.update(edge.UpdateOperation.set_payload_by_filter(records, {"hash": ""}))
    folder.documents.flush()


# Searching


def search(folder: Folder, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
    """Run all requests as one batch of the engine, then read what they found, each point once.

    What is found under a filter is read by the search itself: read later, a point could by then
    have been written anew, and not be what the filter lets through.
    """
    check_dimensions(folder.manifest, [request.dense for request in requests])
    queries = [_query(folder, request) for request in requests]
    asked = [query for query in queries if query is not None]
    answers = iter(folder.passages.query_batch(edge.QueryBatchRequest(asked)) if asked else [])
    found = [[] if query is None else next(answers) for query in queries]
    read: dict[_Shape, dict[edge.PointId, Hit]] = {}
    open_ones = [(p, r) for p, r in zip(found, requests, strict=True) if not r.where]
    for shape in {_shape(request) for _, request in open_ones}:
        ids = (point.id for points, r in open_ones if _shape(r) == shape for point in points)
        read[shape] = _read(folder, dict.fromkeys(ids), shape)
    return [
        [_hit(point, point.score, request.with_vectors) for point in points]
        if request.where
        else _scored(points, read[_shape(request)])
        for points, request in zip(found, requests, strict=True)
    ]


_Shape = tuple[bool, bool]
"""What is read of a point: with vectors, and with extra payload."""


def _shape(request: SearchRequest) -> _Shape:
    return request.with_vectors, request.with_extra


def _read(folder: Folder, points: Iterable[edge.PointId], shape: _Shape) -> dict[Any, Hit]:
    """Return the hits of points, without scores."""
    vectors, extra = shape
    records = folder.passages.retrieve([*points], _keys(extra), vectors)
    return {record.id: _hit(record, 0.0, vectors) for record in records}


def _keys(extra: bool) -> list[str]:
    return [*layout.PASSAGE_KEYS, *(["extra"] if extra else [])]


def _scored(points: Iterable[Any], read: Mapping[Any, Hit]) -> list[Hit]:
    """Return hits with their scores; what somebody deleted since it was found is left out."""
    hits = ((read[point.id], point.score) for point in points if point.id in read)
    return [Hit(hit.passage, score, hit.dense, hit.sparse, hit.extra) for hit, score in hits]


def _query(folder: Folder, request: SearchRequest) -> edge.QueryRequest | None:
    """Return the engine's query; None where nothing can be found."""
    held = [*_conditions(folder, request.where), *having(request.having)]
    narrowed = _filter(held)
    legs = _legs(request)
    if not legs or request.limit < 1:
        return None
    shape: dict[str, Any] = {
        "limit": request.limit,
        "with_payload": _keys(request.with_extra) if request.where else False,
        "with_vector": request.with_vectors and bool(request.where),
    }
    if request.dense is None or request.sparse is None:
        return edge.QueryRequest(query=legs[0], filter=narrowed, **shape)
    depth = max(2 * request.limit, FEWEST_CANDIDATES)
    prefetches = [edge.Prefetch(limit=depth, query=leg, filter=narrowed) for leg in legs]
    fusion: Any = edge.Fusion.Rrf(k=RRF_K)
    return edge.QueryRequest(query=fusion, prefetches=prefetches, **shape)


def _legs(request: SearchRequest) -> list[edge.Query]:
    legs = []
    if request.dense is not None:
        vector = np.asarray(request.dense, np.float32).tolist()
        legs.append(edge.Query.Nearest(vector, using="dense"))
    if request.sparse is not None and len(request.sparse.indices):
        legs.append(edge.Query.Nearest(_sparse(request.sparse), using="sparse"))
    return legs


def _hit(point: Any, score: float, with_vectors: bool) -> Hit:
    vectors = point.vector or {}
    dense, sparse = vectors.get("dense"), vectors.get("sparse")
    return Hit(
        layout.passage_from(point.payload),
        score,
        None if dense is None else np.asarray(dense, np.float32),
        layout.sparse_from(sparse) if with_vectors else None,
        layout.extra_from(point.payload),
    )


# Filtering


def _conditions(folder: Folder, where: Where | None) -> list[Condition]:
    """Check a filter against the fields there are; an empty corpus lets every field pass."""
    if where is None:
        return []
    empty = not folder.passages.info().points_count
    return conditions(where, None if empty else known_fields(folder))


def known_fields(folder: Folder) -> dict[str, list[str]]:
    """Return the types of each metadata field, worked out anew after a write."""
    return folder.remembered("known", lambda: layout.known_fields(_facet(folder, "fields", 10_000)))


def _filter(held: Sequence[Condition]) -> edge.Filter | None:
    if not held:
        return None
    wanted: list[edge.ConditionType] = []
    barred: list[edge.ConditionType] = []
    for one in held:
        negated = isinstance(one, Among) and one.negated
        (barred if negated else wanted).append(_condition(one))
    return edge.Filter(must=wanted or None, must_not=barred or None)


def _condition(one: Condition) -> edge.FieldCondition:
    if isinstance(one, Among):
        return edge.FieldCondition(one.key, match=edge.MatchAny(list(one.values)))
    bounds: Any = {"gte": one.gte, "lte": one.lte}
    if one.of_times:
        return edge.FieldCondition(one.key, range=edge.RangeDateTime(**bounds))
    return edge.FieldCondition(one.key, range=edge.RangeFloat(**bounds))


def _is(key: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(key, match=edge.MatchValue(value))


def _facet(folder: Folder, key: str, limit: int) -> list[tuple[str, int]]:
    request = edge.FacetRequest(key, limit=limit, exact=True)
    # The engine goes on naming the values of deleted points, with a count of 0.
    hits = folder.passages.facet(request).hits
    return [(str(hit.value), hit.count) for hit in hits if hit.count]


# Reading


def passages(folder: Folder, ids: Sequence[str]) -> list[Passage]:
    """Return the passages that exist among `ids`, in that order."""
    points = [layout.point_id("passage", name) for name in ids]
    found = _retrieve(folder.passages, points, [*layout.PASSAGE_KEYS])
    return [layout.passage_from(found[point]) for point in points if point in found]


def _retrieve(
    shard: edge.EdgeShard, ids: Sequence[str], keys: bool | list[str]
) -> dict[str, dict[str, Any]]:
    """Return the payloads of the points there are, by id."""
    return {str(r.id): r.payload or {} for r in shard.retrieve([*ids], keys, False)}


def scroll(folder: Folder, page: Page) -> tuple[list[Hit], Any]:
    """Return a page of passages and where the next begins, or None."""
    records, after = folder.passages.scroll(
        edge.ScrollRequest(
            offset=page.offset,
            limit=page.limit,
            filter=_filter(_conditions(folder, page.where)),
            with_payload=[*layout.PASSAGE_KEYS, *(["extra"] if page.with_extra else [])],
            with_vector=page.with_vectors,
        )
    )
    return [_hit(record, 0.0, page.with_vectors) for record in records], after


def lookup(folder: Folder, field: str, values: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Return the ids of passages whose `extra[field]` has each value."""
    key = layout.path("extra", field)
    wanted = list(dict.fromkeys(values))
    queries = [
        edge.QueryRequest(limit=limit, filter=edge.Filter(must=[_is(key, v)]), with_payload=["id"])
        for v in wanted
    ]
    found = folder.passages.query_batch(edge.QueryBatchRequest(queries)) if queries else []
    return {
        value: [str((point.payload or {})["id"]) for point in points]
        for value, points in zip(wanted, found, strict=True)
    }


def document(folder: Folder, document_id: str) -> DocumentRecord | None:
    """Return one document with its text."""
    point = layout.point_id("record", document_id)
    record = _retrieve(folder.documents, [point], True).get(point)
    if record is None:
        return None
    pieces = layout.piece_ids(record)
    found = _retrieve(folder.documents, pieces, True)
    return layout.record_from(record, "".join(found[piece]["text"] for piece in pieces))


def documents(folder: Folder) -> list[DocumentRecord]:
    """List all documents, without reading their texts."""
    found: list[DocumentRecord] = []
    offset: Any = None
    while True:
        records, offset = folder.documents.scroll(
            edge.ScrollRequest(
                offset=offset,
                limit=POINTS_AT_ONCE,
                filter=edge.Filter(must=[_is("kind", "record")]),
                with_payload=[*layout.RECORD_KEYS],
            )
        )
        found += [layout.record_from(record.payload or {}) for record in records]
        if offset is None:
            return found


def count(folder: Folder, where: Where | None) -> int:
    """Count passages."""
    narrowed = _filter(_conditions(folder, where))
    return folder.passages.count(edge.CountRequest(filter=narrowed))


def fields(folder: Folder) -> dict[str, Field]:
    """Return the metadata fields there are, with the most frequent values of each."""
    return folder.remembered("fields", lambda: _fields(folder))


def _fields(folder: Folder) -> dict[str, Field]:
    values = layout.commonest(_facet(folder, "terms", layout.MOST_TERMS), COMMONEST_VALUES)
    return {
        name: Field(name=name, type="|".join(kinds), values=values.get(name, ()))
        for name, kinds in known_fields(folder).items()
    }
