"""A reranker without training: meaning, words and title, compared within the question.

Every part is set against the other candidates of the same question (its distance from
their mean in standard deviations), so that no score means anything outside of it and a
corpus of long or short, alike or unlike passages needs no other weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed.bm25 import Stemmer
from ..embed.protocol import Embedder, SparseEmbedder
from ..store.protocol import SparseVector, Vector
from .asked import best_of, questions
from .protocol import Candidate

WORDS = 0.6
TITLE = 0.5
"""Weights beside a cosine's 1.0, by recall@5 over seven question sets. The optimum is flat:
from 0.5 to 1.0 either may be chosen freely."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Read:
    """What the candidates hold, as arrays. `dense` has no rows in a lexical search.

    `tokens` and `weights` are the sparse vectors end to end; `owners` says whose they are.
    """

    dense: NDArray[np.float32]
    tokens: NDArray[np.int64]
    weights: NDArray[np.float32]
    owners: NDArray[np.int64]
    titles: list[frozenset[int]]


class PlainReranker:
    """Weighs cosine, BM25 among the candidates, and titles that the question names.

    `embedder` is None where only lexical search is at hand. Candidates may come without
    vectors: they are made from the text.
    """

    name = "plain"

    def __init__(self, embedder: Embedder | None, sparse: SparseEmbedder) -> None:
        self._embedder = embedder
        self._sparse = sparse
        self._stemmer = Stemmer()

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one score for each candidate, in their order; higher is better.

        A candidate that sub-questions asked for has the best of its scores.
        """
        asked = questions(question, candidates)
        if not asked:
            return []
        dense = await self._embedder.embed_queries(list(asked)) if self._embedder else None
        read = await self._read(candidates)
        ranked = [
            (places, self._scores(text, None if dense is None else dense[i], read, places))
            for i, (text, places) in enumerate(asked.items())
        ]
        return best_of(len(candidates), ranked)

    async def close(self) -> None:
        """Release nothing: the embedder belongs to whoever opened it."""

    async def _read(self, candidates: Sequence[Candidate]) -> _Read:
        sparse = [c.sparse or self._sparse.embed_document(_text(c)) for c in candidates]
        return _Read(
            dense=await self._vectors(candidates),
            tokens=np.concatenate([s.indices for s in sparse]),
            weights=np.concatenate([s.values for s in sparse]),
            owners=np.repeat(np.arange(len(sparse)), [len(s.indices) for s in sparse]),
            titles=[frozenset(self._stemmer.stems(c.passage.title)) for c in candidates],
        )

    async def _vectors(self, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
        if self._embedder is None:
            return np.empty((0, 0), np.float32)
        lacking = [_text(c) for c in candidates if c.dense is None]
        made = iter(await self._embedder.embed_documents(lacking) if lacking else [])
        return np.stack([c.dense if c.dense is not None else next(made) for c in candidates])

    def _scores(
        self, question: str, dense: Vector | None, read: _Read, places: list[int]
    ) -> list[float]:
        words = _standard(_bm25(self._sparse.embed_query(question), read)[places])
        stems = frozenset(self._stemmer.stems(question))
        named = np.array([bool(read.titles[i]) and read.titles[i] <= stems for i in places])
        scores = WORDS * words + TITLE * named
        if dense is not None:
            scores += _standard((read.dense @ dense)[places].astype(np.float64))
        return [float(score) for score in scores]


def _bm25(query: SparseVector, read: _Read) -> Numbers:
    """Return BM25 with rarity among the candidates: what all of them say tells none apart."""
    count = len(read.titles)
    wanted = np.isin(read.tokens, query.indices)
    _, token, holders = np.unique(read.tokens[wanted], return_inverse=True, return_counts=True)
    rarity = np.log1p((count - holders + 0.5) / (holders + 0.5))
    weights = rarity[token] * read.weights[wanted]
    return np.bincount(read.owners[wanted], weights=weights, minlength=count).astype(np.float64)


def _standard(values: Numbers) -> Numbers:
    spread = values.std()
    centred: Numbers = values - values.mean()
    return centred / spread if spread > 1e-9 else np.zeros_like(centred)


def _text(candidate: Candidate) -> str:
    passage = candidate.passage
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text
