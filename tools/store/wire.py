"""Between a store's values and those of qdrant-client, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from qdrant_client import models

from . import layout
from .filters import Among, Condition
from .protocol import Entry, Hit, SearchRequest, SparseVector

POINTS_AT_ONCE = 200
CHARACTERS_AT_ONCE = 4_000_000
"""A server takes requests of up to 32 MB; a character is up to six bytes of JSON."""


def batches(points: Sequence[models.PointStruct]) -> Iterator[list[models.PointStruct]]:
    """Cut points into requests that a server accepts."""
    batch: list[models.PointStruct] = []
    characters = 0
    for point in points:
        size = len((point.payload or {}).get("text", ""))
        if batch and (len(batch) == POINTS_AT_ONCE or characters + size > CHARACTERS_AT_ONCE):
            yield batch
            batch, characters = [], 0
        batch.append(point)
        characters += size
    if batch:
        yield batch


def vectors_of(entry: Entry) -> dict[str, Any]:
    """Return the vectors of a passage by name; one without words has no sparse one."""
    vectors: dict[str, Any] = {}
    if len(entry.sparse.indices):
        vectors["sparse"] = _sparse(entry.sparse)
    if entry.dense is not None:
        vectors["dense"] = np.asarray(entry.dense, np.float32).tolist()
    return vectors


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(
        indices=np.asarray(vector.indices).tolist(),
        values=np.asarray(vector.values, np.float32).tolist(),
    )


def legs_of(request: SearchRequest) -> list[dict[str, Any]]:
    """Return the searches of a request, by vector: both, one or none."""
    legs: list[dict[str, Any]] = []
    if request.dense is not None:
        vector = np.asarray(request.dense, np.float32).tolist()
        legs.append({"query": models.NearestQuery(nearest=vector), "using": "dense"})
    if request.sparse is not None and len(request.sparse.indices):
        nearest = models.NearestQuery(nearest=_sparse(request.sparse))
        legs.append({"query": nearest, "using": "sparse"})
    return legs


def filter_of(held: Sequence[Condition]) -> models.Filter | None:
    """Return conditions, all of which must hold, as the client's filter."""
    if not held:
        return None
    wanted: list[models.Condition] = []
    barred: list[models.Condition] = []
    for one in held:
        negated = isinstance(one, Among) and one.negated
        (barred if negated else wanted).append(_condition(one))
    return models.Filter(must=wanted or None, must_not=barred or None)


def _condition(one: Condition) -> models.FieldCondition:
    if isinstance(one, Among):
        return models.FieldCondition(key=one.key, match=models.MatchAny(any=list(one.values)))
    bounds: Any = {"gte": one.gte, "lte": one.lte}
    if one.of_times:
        return models.FieldCondition(key=one.key, range=models.DatetimeRange(**bounds))
    return models.FieldCondition(key=one.key, range=models.Range(**bounds))


def is_value(key: str, value: str) -> models.FieldCondition:
    """Return the condition that a payload field has a value."""
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def hit_of(point: Any, score: float, with_vectors: bool) -> Hit:
    """Return a point that the client gave as a passage found."""
    vectors = point.vector or {}
    dense = vectors.get("dense")
    return Hit(
        layout.passage_from(point.payload),
        score,
        None if dense is None else np.asarray(dense, np.float32),
        layout.sparse_from(vectors.get("sparse")) if with_vectors else None,
        layout.extra_from(point.payload),
    )
