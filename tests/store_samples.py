"""Passages, documents and searches for the tests of stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from suffice.tools.store import (
    DocumentRecord,
    Entry,
    Manifest,
    SearchRequest,
    SparseVector,
    Store,
)
from suffice.tools.types import Document, Passage

DIMENSIONS = 4

MANIFEST = Manifest(
    embedder="tiny@1",
    dimensions=DIMENSIONS,
    sparse="words@1",
    created="2025-01-01T00:00:00+00:00",
    suffice="0.1.0",
)


def words(*tokens: int, weight: float = 1.0) -> SparseVector:
    """Return the sparse vector of some tokens."""
    return SparseVector(np.array(tokens, np.int64), np.full(len(tokens), weight, np.float32))


def towards(*numbers: float) -> np.ndarray:
    """Return a unit vector in a direction."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def entry(
    name: str,
    *,
    tokens: Sequence[int] = (1,),
    dense: Any = (1.0,),
    extra: dict[str, Any] | None = None,
    text: str = "",
    title: str = "",
    source: str = "",
    **metadata: Any,
) -> Entry:
    """Return the passage "document#number" with its vectors."""
    passage = Passage(
        id=name,
        document_id=name.partition("#")[0],
        text=text or f"the text of {name}",
        title=title,
        source=source,
        metadata=metadata,
    )
    vector = None if dense is None else towards(*dense)
    return Entry(passage, words(*tokens), vector, extra or {})


def record(
    name: str,
    *,
    text: str = "",
    hash: str = "h1",  # noqa: A002
    root: str = "",
    **metadata: Any,
) -> DocumentRecord:
    """Return the record of a document."""
    document = Document(id=name, text=text or f"the text of {name}", metadata=metadata)
    return DocumentRecord(document, hash, root)


async def put(store: Store, *entries: Entry, hash: str = "h1") -> None:  # noqa: A002
    """Upsert passages with the documents that they name."""
    names = dict.fromkeys(one.passage.document_id for one in entries)
    await store.upsert([record(name, hash=hash) for name in names], entries)


async def found(store: Store, **request: Any) -> list[str]:
    """Return the ids of the passages that one search finds, best first."""
    hits = (await store.search([SearchRequest(**request)]))[0]
    return [hit.passage.id for hit in hits]


async def narrowed(store: Store, where: dict[str, Any]) -> set[str]:
    """Return the ids of the passages that a filter lets through, by every way of asking."""
    walked = {hit.passage.id async for hit in store.scroll(where)}
    assert await store.count(where) == len(walked)
    by_words = await found(store, sparse=words(1), where=where, limit=100)
    by_meaning = await found(store, dense=towards(1.0), where=where, limit=100)
    fused = await found(store, sparse=words(1), dense=towards(1.0), where=where, limit=100)
    assert walked == set(by_words) == set(by_meaning) == set(fused)
    return walked


async def walk(store: Store, **options: Any) -> list[Any]:
    """Return all hits of a scroll."""
    return [hit async for hit in store.scroll(**options)]


def ids(names: Iterable[Any]) -> list[str]:
    """Return the ids of documents or passages, sorted."""
    return sorted(getattr(one, "document", one).id for one in names)
