"""The candidates of one question as arrays: what the evidence features are worked out from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed.protocol import SparseEmbedder
from ..store.protocol import SparseVector, Vector
from ..trail.names import fold, names_of, words
from .protocol import Candidate

Array = NDArray[Any]

IDF_SIGNAL = "idf:"
"""Signals of this name and a token id carry that token's weight in the whole corpus."""

_MOST_STEMS = 200_000


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words: as written, folded, and which question term each stands for (-1: none)."""

    written: list[str]
    folded: list[str]
    terms: list[int]


@dataclass(frozen=True, slots=True)
class Pool:
    """N candidates of a question of T terms.

    `idf` (T,) weighs the terms; `bm25` (N, T) is what each adds to the BM25 score;
    `has` (N, T) and `title_has` (N, T) tell whether text and title contain it. `others`
    (N, V) are the unit vectors of what else the texts share, by rarity within the pool.
    `dense` (N, D) and `asked` (D,) are None where only lexical search is at hand.
    """

    question: Words
    idf: Array
    bm25: Array
    has: Array
    title_has: Array
    others: Array
    dense: Array | None
    asked: Vector | None
    texts: list[Words]
    titles: list[list[str]]
    names: list[list[str]]


class Stems:
    """The token id that a sparse embedder gives each word, remembered."""

    def __init__(self, sparse: SparseEmbedder) -> None:
        self._sparse = sparse
        self._known: dict[str, int] = {}

    def ids(self, written: Sequence[str]) -> list[int]:
        """Return one token id for each word; -1 for stop words."""
        if len(self._known) > _MOST_STEMS:
            self._known = {}  # a new one: other threads may be reading the old
        known = self._known
        for word in written:
            if word not in known:
                found = self._sparse.embed_query(word).indices
                known[word] = int(found[0]) if len(found) else -1
        return [known[word] for word in written]


def read_pool(
    question: str,
    candidates: Sequence[Candidate],
    asked: Vector | None,
    dense: Sequence[Vector] | None,
    sparse: SparseEmbedder,
    stems: Stems,
) -> Pool:
    """Return the arrays for a question; `dense` holds one vector for each candidate."""
    vectors = [_sparse_of(candidate, sparse) for candidate in candidates]
    tokens = [int(token) for token in dict.fromkeys(sparse.embed_query(question).indices.tolist())]
    weights, others = _weights(vectors, tokens)
    has = (weights > 0).astype(np.float32)
    idf = _idf(tokens, candidates, has)
    column = {token: number for number, token in enumerate(tokens)}
    texts = [_words(candidate.passage.text, column, stems) for candidate in candidates]
    titles = [_words(candidate.passage.title, column, stems) for candidate in candidates]
    return Pool(
        question=_words(question, column, stems),
        idf=idf,
        bm25=weights * idf,
        has=has,
        title_has=_occurring([title.terms for title in titles], len(tokens)),
        others=others,
        dense=None if dense is None else np.stack(dense).astype(np.float32),
        asked=asked,
        texts=texts,
        titles=[title.folded for title in titles],
        names=[names_of(candidate.passage) for candidate in candidates],
    )


def _sparse_of(candidate: Candidate, sparse: SparseEmbedder) -> SparseVector:
    if candidate.sparse is not None:
        return candidate.sparse
    return sparse.embed_document(f"{candidate.passage.title}\n{candidate.passage.text}")


def _words(text: str, column: dict[int, int], stems: Stems) -> Words:
    written = words(text)
    terms = [column.get(token, -1) for token in stems.ids(written)]
    return Words(written, [fold(word) for word in written], terms)


def _occurring(terms: Iterable[Sequence[int]], size: int) -> Array:
    rows = [np.bincount([t for t in row if t >= 0], minlength=size) > 0 for row in terms]
    return np.array(rows, np.float32).reshape(len(rows), size)


def _weights(vectors: Sequence[SparseVector], tokens: Sequence[int]) -> tuple[Array, Array]:
    """Return the weights (N, T) of the question's tokens, and unit vectors of all others."""
    rows = np.repeat(np.arange(len(vectors)), [len(v.indices) for v in vectors])
    indices = np.concatenate([np.asarray(v.indices, np.int64) for v in vectors])
    values = np.concatenate([np.asarray(v.values, np.float32) for v in vectors])
    found, columns, seen = np.unique(indices, return_inverse=True, return_counts=True)
    asked = np.zeros((len(vectors), len(tokens)), np.float32)
    place = {token: number for number, token in enumerate(tokens)}
    slot = np.array([place.get(int(token), -1) for token in found], np.int64)
    mine = slot[columns] >= 0
    asked[rows[mine], slot[columns[mine]]] = values[mine]
    # A word that one passage alone has links it to nothing.
    kept = (slot < 0) & (seen > 1)
    position = np.cumsum(kept) - 1
    rest = kept[columns]
    others = np.zeros((len(vectors), int(kept.sum())), np.float32)
    rarity = np.log((len(vectors) + 1) / seen).astype(np.float32)
    others[rows[rest], position[columns[rest]]] = values[rest] * rarity[columns[rest]]
    return asked, others / (np.linalg.norm(others, axis=1, keepdims=True) + 1e-6)


def _idf(tokens: Sequence[int], candidates: Sequence[Candidate], has: Array) -> Array:
    """Return the weight of each token: the corpus's where a search told, else the pool's."""
    told: dict[str, float] = {}
    for candidate in candidates:
        told.update({k: v for k, v in candidate.signals.items() if k.startswith(IDF_SIGNAL)})
    seen = has.sum(axis=0)
    pool = np.log(1 + (len(has) - seen + 0.5) / (seen + 0.5))
    weights = [told.get(f"{IDF_SIGNAL}{t}", float(w)) for t, w in zip(tokens, pool, strict=True)]
    return np.array(weights, np.float32)
