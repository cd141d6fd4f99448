"""What a vector store must do, whichever engine is beneath it.

A store holds two tables with the same layout in every engine: the *passages*, with
their named vectors `dense` and `sparse`, and the *documents* they were cut from,
with the text and the hash that make adding again cheap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..types import Document, Noun, Passage, Where

LAYOUT_VERSION = 1

RRF_K = 60
"""The constant of reciprocal rank fusion, as in Cormack, Clarke and Büttcher (2009)."""

FEWEST_CANDIDATES = 50
"""Each leg of a fused search looks at least this deep, however few hits are asked for."""

COMMONEST_VALUES = 10
"""How many values `Store.fields` gives for each field."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Token ids and their weights, of equal length; ids are unique."""

    indices: NDArray[np.int64]
    values: NDArray[np.float32]

    @classmethod
    def empty(cls) -> SparseVector:
        """Return the vector of a text without words."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as it is stored. `dense` is None where only lexical search is at hand.

    `extra` is further payload, by name: what other tools keep beside a passage. Values
    that are lists of strings are indexed, for `Store.lookup`.
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
    """One search. With both vectors the two legs are fused (RRF); with one, its raw scores.

    `having` narrows further: the lists of strings under these names of `Entry.extra` must
    each hold one of the values.
    """

    dense: Vector | None = None
    sparse: SparseVector | None = None
    where: Where | None = None
    limit: int = 10
    with_vectors: bool = False
    with_extra: bool = False
    having: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage found. `score` is cosine, BM25 or RRF, by what was asked for.

    `dense` and `sparse` are there `with_vectors`, `extra` is filled `with_extra`.
    """

    passage: Passage
    score: float
    dense: Vector | None = None
    sparse: SparseVector | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a walk over the passages; `offset` is where the page before it ended."""

    where: Where | None
    limit: int
    offset: Any
    with_vectors: bool = False
    with_extra: bool = False


class Manifest(Noun):
    """What a corpus was built with; it decides who may open it."""

    layout: int = LAYOUT_VERSION
    embedder: str
    dimensions: int
    sparse: str
    created: str
    suffice: str


class Field(Noun):
    """A metadata field that can be filtered: its type and its most frequent values.

    `type` is keyword, integer, float, bool or datetime; a field that holds several has
    them all, the commonest first, as in "integer|keyword".
    """

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
        """Record what the corpus is built with. Done once, before the first upsert.

        Recording other dimensions or another embedder empties the passages. Documents
        stay, with their texts and an empty `hash`, so that they can be embedded anew.
        """

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> None:
        """Put documents and all their passages, replacing what they had.

        A document's record is written last, so that a killed process leaves it
        unrecorded (or recorded with an empty `hash`, if it was there before) and adding
        again completes it. On return everything is durable.
        """

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove documents and all their passages."""

    async def search(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Run all requests as one batch; one list of hits each, best first."""

    async def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist among `ids`, in that order."""

    def scroll(
        self,
        where: Where | None = None,
        *,
        batch: int = 256,
        with_vectors: bool = False,
        with_extra: bool = False,
    ) -> AsyncIterator[Hit]:
        """Walk over all passages (score 0), in no particular order."""

    async def lookup(
        self, field: str, values: Sequence[str], limit: int = 100
    ) -> dict[str, list[str]]:
        """Return the ids of up to `limit` passages whose `extra[field]` has each value.

        One batch over an index; a value that no passage has gives an empty list.
        """

    async def document(self, document_id: str) -> DocumentRecord | None:
        """Return one document with its whole text, or None."""

    async def documents(self) -> list[DocumentRecord]:
        """List all documents, with `text` left empty."""

    async def count(self, where: Where | None = None) -> int:
        """Count passages."""

    async def fields(self) -> dict[str, Field]:
        """Return the metadata fields there are, with the most frequent values of each.

        Besides these, `document_id`, `source` and `title` can always be filtered by.
        """

    async def optimize(self) -> None:
        """Tidy up after upserts. Cheap where nothing is to be gained, so call it after any add."""

    async def close(self) -> None:
        """Release files and connections; further calls raise."""
