"""What a vector store must do, whichever engine is beneath it.

A store holds two tables with the same layout in every engine: the *passages*, with
their named vectors `dense` and `sparse`, and the *documents* they were cut from,
with the text and the hash that make adding again cheap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..types import Document, Noun, Passage, Where

LAYOUT_VERSION = 1

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Token ids and their weights, of equal length; ids are unique."""

    indices: NDArray[np.int64]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as it is stored. `dense` is None where only lexical search is at hand.

    `extra` is further indexed payload, by name: what other tools keep beside a passage.
    """

    passage: Passage
    sparse: SparseVector
    dense: Vector | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document as it is stored: `hash` covers all that its passages depend on.

    `root` is the folder or file the person named when adding, so that what has gone
    from it can be told from what was added by another way.
    """

    document: Document
    hash: str
    root: str = ""
    passages: int = 0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search. With both vectors the two legs are fused (RRF); with one, its raw scores."""

    dense: Vector | None = None
    sparse: SparseVector | None = None
    where: Where | None = None
    limit: int = 10
    with_vectors: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage found. `score` is cosine, BM25 or RRF, by what was asked for."""

    passage: Passage
    score: float
    dense: Vector | None = None
    sparse: SparseVector | None = None


class Manifest(Noun):
    """What a corpus was built with; it decides who may open it."""

    layout: int = LAYOUT_VERSION
    embedder: str
    dimensions: int
    sparse: str
    created: str
    suffice: str


class Field(Noun):
    """A metadata field that can be filtered: its type and its most frequent values."""

    name: str
    type: str
    values: tuple[Any, ...] = ()


class Store(Protocol):
    """Passages and documents, kept and searched. All calls are async and thread-safe.

    Raises `StoreLocked`, `StoreUnavailable`, `StoreMismatch`, `FilterError`.
    """

    async def manifest(self) -> Manifest | None:
        """Return what the corpus was built with, or None while it is empty and new."""

    async def set_manifest(self, manifest: Manifest) -> None:
        """Record what the corpus is built with. Done once, before the first upsert."""

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> None:
        """Put documents and all their passages, replacing what they had.

        A document's record is written last, so that a killed process leaves it
        unrecorded and adding again completes it. On return everything is durable.
        """

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove documents and all their passages."""

    async def search(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Run all requests as one batch; one list of hits each, best first."""

    async def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist among `ids`, in that order."""

    def scroll(
        self, where: Where | None = None, *, batch: int = 256, with_vectors: bool = False
    ) -> AsyncIterator[Hit]:
        """Walk over all passages (score 0), in no particular order."""

    async def document(self, document_id: str) -> DocumentRecord | None:
        """Return one document with its whole text, or None."""

    async def documents(self) -> list[DocumentRecord]:
        """List all documents, with `text` left empty."""

    async def count(self, where: Where | None = None) -> int:
        """Count passages."""

    async def fields(self) -> dict[str, Field]:
        """Return what can be filtered by, with the most frequent values of each field."""

    async def optimize(self) -> None:
        """Build the indexes that make search fast; worth it after many upserts."""

    async def close(self) -> None:
        """Release files and connections; further calls raise."""
