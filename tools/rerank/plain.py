"""A reranker without training: meaning, words and title, compared within the question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..embed.protocol import Embedder, SparseEmbedder
from ..store.protocol import SparseVector, Vector
from .protocol import Candidate

Scores = NDArray[np.float64]


class PlainReranker:
    """Weighs cosine, BM25 and title, each scaled to the candidates of the question.

    `embedder` is None where only lexical search is at hand.
    """

    name = "plain"

    def __init__(self, embedder: Embedder | None, sparse: SparseEmbedder) -> None:
        self._embedder = embedder
        self._sparse = sparse

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one score for each candidate, in their order; higher is better."""
        if not candidates:
            return []
        texts = [question, *{asked for c in candidates for asked in c.asked if asked != question}]
        queries = [self._sparse.embed_query(text) for text in texts]
        dense = await self._embedder.embed_queries(texts) if self._embedder else []
        scores = np.zeros(len(candidates))
        for number, text in enumerate(texts):
            asked = np.array([number == 0 or text in c.asked for c in candidates])
            words = _scaled(self._words(queries[number], candidates))
            meaning = _scaled(_cosines(dense[number], candidates)) if dense else words
            scores = np.maximum(scores, np.where(asked, meaning + words, 0.0))
        return [float(score) for score in scores]

    def _words(self, query: SparseVector, candidates: Sequence[Candidate]) -> Scores:
        wanted = set(query.indices.tolist())
        weights = [
            {
                int(i): float(v)
                for i, v in zip(self._of(c).indices, self._of(c).values, strict=True)
                if int(i) in wanted
            }
            for c in candidates
        ]
        seen = {token: sum(token in w for w in weights) for token in wanted}
        rarity = {t: np.log(1 + (len(weights) - n + 0.5) / (n + 0.5)) for t, n in seen.items()}
        return np.array([sum(rarity[t] * v for t, v in w.items()) for w in weights])

    def _of(self, candidate: Candidate) -> SparseVector:
        if candidate.sparse is not None:
            return candidate.sparse
        return self._sparse.embed_document(f"{candidate.passage.title}\n{candidate.passage.text}")

    async def close(self) -> None:
        """Nothing is held."""


def _cosines(query: Vector, candidates: Sequence[Candidate]) -> Scores:
    return np.array([float(query @ c.dense) if c.dense is not None else 0.0 for c in candidates])


def _scaled(values: Scores) -> Scores:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
