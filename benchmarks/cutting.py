"""Cuts passages of a corpus in two, in the midst of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from suffice.tools.embed.protocol import Embedder, SparseEmbedder
from suffice.tools.reason.verify_quotes import find_quote, fold
from suffice.tools.store.protocol import DocumentRecord, Entry, Store
from suffice.tools.trail.names import enrich
from suffice.tools.types import Passage


async def cut_in_two(
    store: Store, embedder: Embedder, sparse: SparseEmbedder, answers: Sequence[str]
) -> None:
    """Cut every passage that holds one of these answers in two, in the midst of the answer."""
    for listed in await store.documents():
        record = await store.document(listed.document.id)
        where = {"document_id": listed.document.id}
        hits = [hit async for hit in store.scroll(where)]
        pieces = [piece for hit in hits for piece in _pieces(hit.passage, answers)]
        if record is None or len(pieces) == len(hits):
            continue
        entries = await _entries(pieces, embedder, sparse)
        await store.upsert([_counting(record, len(entries))], entries)


def _pieces(passage: Passage, answers: Sequence[str]) -> list[Passage]:
    """Return a passage cut through every answer it holds."""
    folded = fold(passage.text)
    spans = [span for answer in answers if (span := find_quote(answer, folded))]
    cuts = sorted({_within(passage.text, *span) for span in spans})
    if not cuts:
        return [passage]
    edges = [0, *cuts, len(passage.text)]
    return [
        passage.model_copy(
            update={
                "id": f"{passage.id}/{number}",
                "text": passage.text[start:end],
                "start": passage.start + start,
                "end": passage.start + end,
            }
        )
        for number, (start, end) in enumerate(pairwise(edges))
    ]


def _within(text: str, start: int, end: int) -> int:
    """Return where to cut: between two words of the answer, or right before it."""
    middle = text.rfind(" ", start, end)
    return middle + 1 if middle > start else start


async def _entries(
    pieces: Sequence[Passage], embedder: Embedder, sparse: SparseEmbedder
) -> list[Entry]:
    texts = [f"{piece.title}\n{piece.text}" for piece in pieces]
    vectors = await embedder.embed_documents(texts)
    return [
        Entry(piece, sparse.embed_document(text), vector, dict(enrich(piece)))
        for piece, text, vector in zip(pieces, texts, vectors, strict=True)
    ]


def _counting(record: DocumentRecord, passages: int) -> DocumentRecord:
    return DocumentRecord(record.document, record.hash, record.root, passages)
