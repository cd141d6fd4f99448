"""Search: queries in, candidate passages out."""

from __future__ import annotations

from collections.abc import Sequence

from .batch import Batcher
from .embed.protocol import Embedder, SparseEmbedder
from .rerank.protocol import Candidate
from .store.protocol import Hit, SearchRequest, Store
from .types import Query

POOL = 50
"""Candidates a query brings to the reranker."""


class Searcher:
    """Hybrid search over one store: dense and sparse legs, fused by rank.

    `embedder` is None where only lexical search is at hand.
    """

    def __init__(self, store: Store, embedder: Embedder | None, sparse: SparseEmbedder) -> None:
        self._store = store
        self._embedder = embedder
        self._sparse = sparse
        self._batch: Batcher[Query, list[Candidate]] = Batcher(self.search_many)

    async def search(self, query: Query) -> list[Candidate]:
        """Search one query; calls that arrive together share one batch.

        Raises:
            FilterError: `query.where` names an unknown field or operator.
            StoreError, ModelError: the store or the embedder cannot be used.
        """
        return await self._batch(query)

    async def search_many(
        self, queries: Sequence[Query], limit: int = POOL
    ) -> list[list[Candidate]]:
        """Search all queries as one batch; up to `limit` candidates each, best first."""
        dense = (
            await self._embedder.embed_queries([q.text for q in queries]) if self._embedder else []
        )
        requests = [
            SearchRequest(
                dense=dense[i] if self._embedder else None,
                sparse=self._sparse.embed_query(query.text),
                where=query.where,
                limit=limit,
                with_vectors=True,
            )
            for i, query in enumerate(queries)
        ]
        found = await self._store.search(requests)
        return [
            [_candidate(query, hit, rank) for rank, hit in enumerate(hits)]
            for query, hits in zip(queries, found, strict=True)
        ]


def _candidate(query: Query, hit: Hit, rank: int) -> Candidate:
    signals = {"fused": hit.score, "rank": float(rank)}
    return Candidate(
        passage=hit.passage,
        asked=(query.text,),
        dense=hit.dense,
        sparse=hit.sparse,
        signals=signals,
    )
