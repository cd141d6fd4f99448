"""All that is done to a document before its passages are embedded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ..embed.protocol import SparseEmbedder
from ..store.protocol import DocumentRecord, Entry
from ..types import Document, Passage
from .chunk import CHUNKING, chunk, embedding_text
from .reading import Read

Enrich = Callable[[Passage], dict[str, list[str]]]
"""What other tools keep beside a passage (`Entry.extra`), worked out as it is added."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be embedded; `record` and `entries` still lack the vectors.

    `known` tells that a version of it is in the store, `changed` that it has to go in.
    """

    record: DocumentRecord
    entries: tuple[Entry, ...]
    texts: tuple[str, ...]
    weight: float
    known: bool
    changed: bool


@dataclass(frozen=True, slots=True)
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

    def hash(self, document: Document) -> str:
        """Return the content hash of a document, made by this recipe."""
        about = (
            CHUNKING,
            self.max_chars,
            self.embedder,
            self.sparse.fingerprint,
            self.enrich_version,
            document.title,
            document.source,
            document.metadata,
        )
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode("ascii"))
        digest.update(document.text.encode("utf-8"))
        return digest.hexdigest()[:32]

    def prepare(self, read: Read, stored: str | None) -> Prepared:
        """Chunk and weigh a document, unless `stored`, the hash in the store, says it is there."""
        record = DocumentRecord(read.document, self.hash(read.document), read.root)
        if stored == record.hash:
            return Prepared(record, (), (), read.weight, known=True, changed=False)
        passages = chunk(read.document, self.max_chars)
        texts = tuple(embedding_text(passage) for passage in passages)
        entries = tuple(self._entry(p, text) for p, text in zip(passages, texts, strict=True))
        record = replace(record, passages=len(entries))
        return Prepared(record, entries, texts, read.weight, stored is not None, changed=True)

    def _entry(self, passage: Passage, text: str) -> Entry:
        extra = self.enrich(passage) if self.enrich else {}
        return Entry(passage, self.sparse.embed_document(text), None, dict(extra))


def batches(
    prepared: Iterable[Prepared], passages: int, documents: int
) -> Iterator[list[Prepared]]:
    """Group documents until they have `passages` passages or are `documents` many."""
    batch: list[Prepared] = []
    held = 0
    for each in prepared:
        batch.append(each)
        held += len(each.entries)
        if held >= passages or len(batch) >= documents:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
