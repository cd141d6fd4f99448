"""All that is done to a document before its passages are embedded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..embed.protocol import SparseEmbedder
from ..store.protocol import DocumentRecord, Entry
from ..types import Document, Passage
from .chunk import CHUNKING, chunk, embedding_text
from .reading import Read

Enrich = Callable[[Passage], dict[str, list[str]]]
"""What other tools keep beside a passage (`Entry.extra`), worked out as it is added."""

MOST_DOCUMENTS = 1000
MOST_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be embedded; its `entries` still lack the vectors.

    `record` is None where the document is in the store as it is: its text is not held on
    to. `known` tells that some version of it is in the store, `reusable` that its vectors
    were made by the same recipe.
    """

    record: DocumentRecord | None
    entries: tuple[Entry, ...]
    texts: tuple[str, ...]
    weight: float
    known: bool
    reusable: bool = False


@dataclass(frozen=True)
class Recipe:
    """How documents become entries. All that the result depends on goes into the hash.

    `embedder` is its fingerprint, "" where there is none; `enrich_version` names what
    `enrich` does.
    """

    sparse: SparseEmbedder
    embedder: str
    max_chars: int
    enrich: Enrich | None = None
    enrich_version: str = ""

    @cached_property
    def mark(self) -> str:
        """Name what a vector depends on besides the passage: the start of every hash."""
        return hashlib.sha256(f"{CHUNKING} {self.embedder}".encode()).hexdigest()[:8]

    def hash(self, document: Document) -> str:
        """Return the content hash of a document, made by this recipe."""
        about = (
            self.max_chars,
            self.sparse.fingerprint,
            self.enrich_version,
            document.title,
            document.source,
            document.metadata,
        )
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode("ascii"))
        digest.update(document.text.encode("utf-8"))
        return f"{self.mark}-{digest.hexdigest()[:32]}"

    def prepare(self, read: Read, stored: str | None) -> Prepared:
        """Chunk and weigh a document, unless `stored`, the hash in the store, says it is there."""
        record = DocumentRecord(read.document, self.hash(read.document), read.root)
        if stored == record.hash:
            return Prepared(None, (), (), read.weight, known=True)
        passages = chunk(read.document, self.max_chars)
        texts = tuple(embedding_text(passage) for passage in passages)
        entries = tuple(self._entry(p, text) for p, text in zip(passages, texts, strict=True))
        record = replace(record, passages=len(entries))
        known, reusable = stored is not None, bool(stored and stored.startswith(self.mark))
        return Prepared(record, entries, texts, read.weight, known, reusable)

    def _entry(self, passage: Passage, text: str) -> Entry:
        extra = self.enrich(passage) if self.enrich else {}
        return Entry(passage, self.sparse.embed_document(text), None, dict(extra))


def batches(prepared: Iterable[Prepared], passages: int) -> Iterator[list[Prepared]]:
    """Group documents until they have `passages` passages, or much else to hold."""
    batch: list[Prepared] = []
    held, characters = 0, 0
    for each in prepared:
        batch.append(each)
        held += len(each.entries)
        characters += len(each.record.document.text) if each.record else 0
        if held >= passages or len(batch) >= MOST_DOCUMENTS or characters >= MOST_CHARACTERS:
            yield batch
            batch, held, characters = [], 0, 0
    if batch:
        yield batch
