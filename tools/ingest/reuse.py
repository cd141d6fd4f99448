"""Vectors that are in the store already: a changed document mostly keeps its passages."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.protocol import Store, Vector
from .chunk import embedding_text
from .prepare import Prepared


async def stored_vectors(store: Store, batch: Sequence[Prepared]) -> dict[str, Vector]:
    """Return the vectors of the documents that `batch` replaces, by the text embedded."""
    names = [each.record.document.id for each in batch if each.record and each.reusable]
    if not names:
        return {}
    vectors: dict[str, Vector] = {}
    async for hit in store.scroll({"document_id": {"in": names}}, with_vectors=True):
        if hit.dense is not None:
            vectors[embedding_text(hit.passage)] = hit.dense
    return vectors
