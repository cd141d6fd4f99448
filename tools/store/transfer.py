"""Copying a corpus from one store to another, as from a folder to a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import StoreMissing
from .manifest import check_manifest
from .protocol import DocumentRecord, Entry, SparseVector, Store

DOCUMENTS_AT_ONCE = 32


async def push(
    source: Store, target: Store, progress: Callable[[int, int], Any] | None = None
) -> int:
    """Copy documents, passages and vectors; return the number of documents copied.

    Documents that the target has with the same hash are left as they are, so that a push
    that was cut short goes on where it stopped. What only the target has stays there.
    `progress` is called with the documents done and the documents in all. Raises
    `StoreMismatch` if the target was built by other embedders.
    """
    await _agree(source, target)
    there = {record.document.id: record.hash for record in await target.documents()}
    records = await source.documents()
    changed = [r for r in records if not r.hash or there.get(r.document.id) != r.hash]
    done = len(records) - len(changed)
    for start in range(0, len(changed), DOCUMENTS_AT_ONCE):
        batch = changed[start : start + DOCUMENTS_AT_ONCE]
        await _copy(source, target, batch)
        done += len(batch)
        if progress is not None:
            progress(done, len(records))
    return len(changed)


async def _agree(source: Store, target: Store) -> None:
    """Give the target the source's manifest, or see that it has one like it."""
    manifest = await source.manifest()
    if manifest is None:
        raise StoreMissing(f"{source!r} holds no corpus, so there is nothing to copy")
    known = await target.manifest()
    if known is None:
        await target.set_manifest(manifest)
    else:
        check_manifest(known, manifest.embedder, manifest.dimensions, manifest.sparse)


async def _copy(source: Store, target: Store, batch: Sequence[DocumentRecord]) -> None:
    full = [await source.document(record.document.id) for record in batch]
    where = {"document_id": {"in": [record.document.id for record in batch]}}
    entries = [
        Entry(hit.passage, hit.sparse or SparseVector.empty(), hit.dense, hit.extra)
        async for hit in source.scroll(where, with_vectors=True, with_extra=True)
    ]
    await target.upsert([record for record in full if record is not None], entries)
