"""Following the trail: from the best passages on to those they lead to.

An answer often takes two passages of which the question resembles only one. So from
each of the best passages the search goes on in four ways: by the meaning of question
and passage together, by the words of the question that the passage leaves open, and by
the names that the passage mentions: to what bears them, and to what mentions them too.
All hops of all questions are one batch of the
store, and none costs a forward pass of the embedder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..embed.protocol import SparseEmbedder
from ..store.protocol import Hit, SearchRequest, SparseVector, Vector
from ..types import Where
from .gathering import Gathering, hybrid
from .names import MENTIONS, NAMES, mentioned, phrases

SIDE = 2.0
"""How far the question leans to a passage when the two are asked together."""

SEEDS_KEPT = 256
"""Texts whose names are kept, some 50 kB each: the queries of a run lead to the same ones."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How far to follow: `beam` passages a hop, `hops` hops, and what each may bring.

    `names` is the most passages that bear a name in one text, `mentions` the most that
    mention one too. They are the nearest to the question of all, so a name that very many
    share crowds nothing out.
    """

    beam: int = 8
    hops: int = 1
    meaning: int = 10
    words: int = 10
    names: int = 16
    mentions: int = 10


def first_requests(gathering: Gathering, limit: int, trail: Trail | None) -> list[SearchRequest]:
    """Return the legs of the hybrid search, and the search for names in the question."""
    where = gathering.query.where
    legs = _legs(gathering.asked, gathering.words, where, limit)
    if trail is None:
        return legs
    names = phrases(gathering.query.text, marked=False)
    return [*legs, *_sharing(gathering, NAMES, names, trail.names)]


def probes(gathering: Gathering) -> list[SearchRequest]:
    """Return one search for each word of the question, by which `weigh` learns its rarity."""
    return [
        SearchRequest(
            sparse=SparseVector(np.array([token], np.int64), np.ones(1, np.float32)),
            limit=1,
            with_vectors=True,
        )
        for token in gathering.words.indices.tolist()
    ]


def next_seeds(gathering: Gathering, trail: Trail) -> list[Hit]:
    """Return the best passages from which the trail has not been followed yet.

    Up to half of them are passages that the question names, however few of its other
    words they share with it.
    """
    if not gathering.hits:
        return []
    ids = list(gathering.hits)
    score = hybrid(*gathering.scores())
    order = [ids[i] for i in np.argsort(-score, kind="stable")]
    fresh = [name for name in order if name not in gathering.followed]
    named = [name for name in fresh if name in gathering.named][: trail.beam // 2]
    others = [name for name in fresh if name not in named]
    return [gathering.hits[name] for name in [*named, *others][: trail.beam]]


def hop_requests(
    gathering: Gathering, seed: Hit, sparse: SparseEmbedder, trail: Trail
) -> list[SearchRequest]:
    """Return the searches that go on from one passage."""
    where = gathering.query.where
    leaning = None
    if gathering.asked is not None and seed.dense is not None:
        both = gathering.asked + SIDE * seed.dense
        leaning = np.asarray(both / np.linalg.norm(both), np.float32)
    residual = _residual(gathering.words, seed, sparse)
    names, mentions = _named_in(seed.passage.text)
    return [
        *_legs(leaning, None, where, trail.meaning),
        *_legs(None, residual, where, trail.words),
        *_sharing(gathering, NAMES, names, trail.names),
        *_sharing(gathering, MENTIONS, mentions, trail.mentions),
    ]


@lru_cache(maxsize=SEEDS_KEPT)
def _named_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a text may be calling others, and whom it mentions for certain."""
    return tuple(phrases(text)), tuple(mentioned(text))


def _residual(asked: SparseVector, seed: Hit, sparse: SparseEmbedder) -> SparseVector:
    """Return the question's words that a passage leaves open, and its title's."""
    held = set(seed.sparse.indices.tolist()) if seed.sparse is not None else set()
    tokens = [token for token in asked.indices.tolist() if token not in held]
    tokens += sparse.embed_query(seed.passage.title).indices.tolist()
    unique = list(dict.fromkeys(tokens))
    return SparseVector(np.array(unique, np.int64), np.ones(len(unique), np.float32))


def _sharing(
    gathering: Gathering, field: str, names: Sequence[str], limit: int
) -> list[SearchRequest]:
    """Return the search for passages with one of these names in a field, nearest first."""
    if not names:
        return []
    having = {field: names}
    where = gathering.query.where
    if gathering.asked is not None:
        return _legs(gathering.asked, None, where, limit, having)
    return _legs(None, gathering.words, where, limit, having)


def _legs(
    dense: Vector | None,
    words: SparseVector | None,
    where: Where | None,
    limit: int,
    having: Mapping[str, Sequence[str]] | None = None,
) -> list[SearchRequest]:
    """Return one request for each leg: apart, they give the raw scores."""
    legs: list[tuple[Vector | None, SparseVector | None]] = []
    if dense is not None:
        legs.append((dense, None))
    if words is not None and len(words.indices):
        legs.append((None, words))
    return [
        SearchRequest(
            dense=vector,
            sparse=tokens,
            where=where,
            limit=limit,
            with_vectors=True,
            having=having or {},
        )
        for vector, tokens in legs
    ]
