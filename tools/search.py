"""Search: queries in, candidate passages out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .batch import Batcher
from .cache import under
from .embed.protocol import Embedder, SparseEmbedder
from .rerank.protocol import Candidate
from .store.protocol import Hit, SearchRequest, Store, Vector
from .trail.follow import Trail, first_requests, hop_requests, next_seeds, probes
from .trail.gathering import Gathering, hybrid
from .trail.names import NAMES
from .types import Query, Where

POOL = 120
"""The most candidates a query brings to the reranker."""

FIRST = 30
"""Passages taken from each leg of the hybrid search."""

LANES = 2
"""Batches in which a hop's searches are made at once: within one, the engine takes them one
after the other."""

RANK_OFFSET = 10.0
"""Keeps the first ranks from outweighing all others when rankings are joined."""


class Finder(Protocol):
    """Finds candidates for a query: what the nodes of a graph search with."""

    async def search(self, query: Query) -> list[Candidate]:
        """Return candidates, best first. Raises as `Searcher.search` does."""


class Searcher:
    """Hybrid search over one store, and from what it finds along the trail.

    Dense and sparse legs are joined by the mean of their scores, each in spreads of the
    candidates. `embedder` is None where only lexical search is at hand; `trail` None
    stops after the hybrid search.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        sparse: SparseEmbedder,
        trail: Trail | None = Trail(),  # noqa: B008  (frozen)
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._sparse = sparse
        self._trail = trail
        self._batch: Batcher[Query, list[Candidate]] = Batcher(self.search_many)

    async def search(self, query: Query) -> list[Candidate]:
        """Search one query; calls that arrive together share one batch.

        Raises:
            FilterError: `query.where` names an unknown field or operator.
            StoreError, ModelError: the store or the embedder cannot be used.
        """
        return await self._batch(query)

    async def search_many(
        self, queries: Sequence[Query], limit: int = POOL, depth: int = FIRST
    ) -> list[list[Candidate]]:
        """Search all queries as one batch; up to `limit` candidates each, best first.

        `depth` is how many passages are taken from each leg of the hybrid search.
        A candidate's signals are `cosine` and `bm25` (raw), `hybrid`, `rank` (from 0), `hop`
        (0 for the search itself) and, by `idf:` and token id, the rarity of the query's words.
        """
        gatherings = await self._first(queries, depth)
        for hop in range(1, self._trail.hops + 1 if self._trail else 1):
            await self._hop(gatherings, hop)
        return [_ordered(gathering)[:limit] for gathering in gatherings]

    async def _first(self, queries: Sequence[Query], depth: int) -> list[Gathering]:
        """Run the hybrid legs, the names in the question, and weigh its words."""
        vectors = await self._vectors(queries)
        gatherings = [
            Gathering(query, vector, self._sparse.embed_query(query.text))
            for query, vector in zip(queries, vectors, strict=True)
        ]
        parts = [(first_requests(g, depth, self._trail), probes(g)) for g in gatherings]
        found = iter(await self._store.search([r for part in parts for rs in part for r in rs]))
        for gathering, (legs, singles) in zip(gatherings, parts, strict=True):
            for request in legs:
                hits = next(found)
                gathering.add(hits)
                if request.having:
                    gathering.named.update(hit.passage.id for hit in hits)
            gathering.weigh([next(found) for _ in singles])
        return gatherings

    async def _vectors(self, queries: Sequence[Query]) -> list[Vector | None]:
        """Embed all queries at once; those with another filter apart, as what a cache keeps
        of one person's searches is not for another's."""
        vectors: dict[int, Vector] = {}
        if self._embedder is not None:
            for where, places in _by_filter(queries):
                with under(where):
                    found = await self._embedder.embed_queries([queries[i].text for i in places])
                vectors.update(zip(places, found, strict=True))
        return [vectors.get(place) for place in range(len(queries))]

    async def _hop(self, gatherings: Sequence[Gathering], hop: int) -> None:
        """Go on from the best passages of each question, all in one batch."""
        assert self._trail is not None
        steps = []
        for gathering in gatherings:
            for place, seed in enumerate(next_seeds(gathering, self._trail)):
                gathering.followed.add(seed.passage.id)
                requests = hop_requests(gathering, seed, self._sparse, self._trail)
                steps.append((gathering, place, requests))
        asked = [request for _, _, requests in steps for request in requests]
        found = iter(await self._side_by_side(asked))
        for gathering, place, requests in steps:
            for request in requests:
                _reach(gathering, next(found), place, hop, named=NAMES in request.having)

    async def _side_by_side(self, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
        """Search all requests in a few batches at once; answers in the order of the requests."""
        size = -(-len(requests) // LANES)
        parts = [requests[start : start + size] for start in range(0, len(requests), size or 1)]
        answers = await asyncio.gather(*(self._store.search(part) for part in parts))
        return [hits for answer in answers for hits in answer]


def _reach(gathering: Gathering, hits: Sequence[Hit], place: int, hop: int, named: bool) -> None:
    """Take in what a hop found; the better the seed and the rank, the more it counts."""
    gathering.add(hits, hop)
    for rank, hit in enumerate(hits):
        credit = (2.0 if named else 1.0) / (RANK_OFFSET + place + rank)
        name = hit.passage.id
        gathering.reached[name] = max(credit, gathering.reached.get(name, 0.0))


def _ordered(gathering: Gathering) -> list[Candidate]:
    """Return the candidates by hybrid rank and by what led to them."""
    if not gathering.hits:
        return []
    cosines, words = gathering.scores()
    fused = hybrid(cosines, words)
    ids = list(gathering.hits)
    ranks = np.argsort(np.argsort(-fused, kind="stable"), kind="stable")
    credit = np.array([gathering.reached.get(name, 0.0) for name in ids])
    order = np.argsort(-(2.0 / (RANK_OFFSET + ranks) + credit), kind="stable")
    idf = {f"idf:{token}": weight for token, weight in gathering.idf.items()}
    return [
        Candidate(
            passage=gathering.hits[ids[i]].passage,
            asked=(gathering.query.text,),
            dense=gathering.hits[ids[i]].dense,
            sparse=gathering.hits[ids[i]].sparse,
            signals={
                "bm25": float(words[i]),
                "hybrid": float(fused[i]),
                "rank": float(place),
                "hop": float(gathering.hop[ids[i]]),
                **({} if cosines is None else {"cosine": float(cosines[i])}),
                **idf,
            },
        )
        for place, i in enumerate(order)
    ]


def _by_filter(queries: Sequence[Query]) -> list[tuple[Where | None, list[int]]]:
    """Return the places of the queries by their filter."""
    groups: list[tuple[Where | None, list[int]]] = []
    for place, query in enumerate(queries):
        same = next((places for where, places in groups if where == query.where), None)
        if same is None:
            groups.append((query.where, [place]))
        else:
            same.append(place)
    return groups
