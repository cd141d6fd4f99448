"""Faults to plant in the parts of an agent, each a part of its kind that does its work badly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from suffice.tools.embed.protocol import Embedder, SparseEmbedder
from suffice.tools.reason.protocol import (
    Draft,
    DraftClaim,
    Finding,
    Plan,
    Quote,
    Reasoner,
    Say,
    Situation,
    Verdict,
)
from suffice.tools.reason.verify_quotes import find_quote, fold
from suffice.tools.rerank.protocol import Candidate, Reranker
from suffice.tools.store.protocol import DocumentRecord, Entry, Store, Vector
from suffice.tools.trail.names import enrich
from suffice.tools.types import Passage


@dataclass
class Noise:
    """An embedder whose vectors say nothing of the text: the same text has the same noise."""

    inner: Embedder

    def __post_init__(self) -> None:
        self.fingerprint, self.dimensions = self.inner.fingerprint, self.inner.dimensions

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self._noise(text) for text in texts]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        return [self._noise(f"query: {text}") for text in texts]

    async def close(self) -> None:
        pass

    def _noise(self, text: str) -> Vector:
        seed = hashlib.blake2b(text.encode(), digest_size=8).digest()
        drawn = np.random.default_rng(int.from_bytes(seed)).normal(size=self.dimensions)
        return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


@dataclass
class Reversed:
    """A reranker that puts the worst first."""

    inner: Reranker
    name: str = "reversed"

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        return [1.0 - score for score in await self.inner.rank(question, candidates)]

    async def close(self) -> None:
        pass


@dataclass
class _Around:
    """A reasoner that does as another does, but for what a fault changes."""

    inner: Reasoner
    name: str = "planted"

    async def plan(self, situation: Situation) -> Plan:
        return await self.inner.plan(situation)

    async def judge(self, situation: Situation) -> Verdict:
        return await self.inner.judge(situation)

    async def write(self, situation: Situation, say: Say) -> Draft:
        return await self.inner.write(situation, say)

    async def close(self) -> None:
        pass


class Liar(_Around):
    """Reads well, and says something else: words that do stand in the evidence, elsewhere."""

    async def write(self, situation: Situation, say: Say) -> Draft:
        draft = await self.inner.write(situation, say)
        used = {quote.passage_id for claim in draft.claims for quote in claim.quotes}
        others = [p for p in situation.evidence if p.id not in used] or [*situation.evidence]
        lies = [_first_sentence(others[n % len(others)]) for n, _ in enumerate(draft.claims)]
        claims = tuple(DraftClaim(text=lie.text, quotes=(lie,)) for lie in lies)
        return draft.model_copy(update={"claims": claims, "lead": ""})


class YesSayer(_Around):
    """A judge for whom whatever was found is always enough."""

    async def plan(self, situation: Situation) -> Plan:
        thought = await self.inner.plan(situation)
        parts = [part.id for part in thought.subquestions] or ["1"]
        return thought.model_copy(update=_enough(situation, thought.findings, parts))

    async def judge(self, situation: Situation) -> Verdict:
        thought = await self.inner.judge(situation)
        parts = [part.id for part in situation.subquestions] or ["1"]
        return thought.model_copy(update=_enough(situation, thought.findings, parts))


class NaySayer(_Around):
    """A judge for whom nothing is ever enough, and who knows nothing further to look for."""

    async def plan(self, situation: Situation) -> Plan:
        thought = await self.inner.plan(situation)
        return thought.model_copy(update=_never([part.id for part in thought.subquestions]))

    async def judge(self, situation: Situation) -> Verdict:
        thought = await self.inner.judge(situation)
        return thought.model_copy(update=_never([part.id for part in situation.subquestions]))


def _enough(situation: Situation, known: Sequence[Finding], parts: Sequence[str]) -> dict[str, Any]:
    said = {finding.subquestion: finding for finding in known if finding.found}
    quote = _first_sentence(situation.evidence[0])
    anything = {
        part: Finding(subquestion=part, found=True, text=quote.text, quotes=(quote,))
        for part in parts
    }
    findings = tuple((anything | said).values())
    return {"sufficient": True, "queries": (), "findings": findings, "confidence": 0.9}


def _never(parts: Sequence[str]) -> dict[str, Any]:
    findings = tuple(Finding(subquestion=part, found=False) for part in parts or ["1"])
    return {"sufficient": False, "queries": (), "findings": findings, "confidence": 0.1}


def _first_sentence(passage: Passage) -> Quote:
    """Return the first sentence of some length of a passage, as a quote."""
    lines = (line.strip() for line in passage.text.split("\n"))
    told = next((line for line in lines if len(line) > 40 and line[0] != "#"), passage.text)
    return Quote(passage_id=passage.id, text=told)


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
