"""The candidates of one question as arrays: what the evidence features are worked out from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed.protocol import SparseEmbedder
from ..store.protocol import SparseVector, Vector
from ..trail.names import fold, mentions_among, names_of, words
from .protocol import Candidate

Array = NDArray[Any]

IDF_SIGNAL = "idf:"
"""Signals of this name and a token id carry that token's weight in the whole corpus."""

TEXTS_KEPT = 512
_MOST_WORDS = 50_000
_SENTENCE_END = re.compile(r"(?<=[.?!。？！])\s+|(?<=[。？！])(?=.)|\n+")


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words: as written, folded, and which question term each stands for (-1: none);
    and the names that stand in it."""

    written: list[str]
    folded: list[str]
    terms: list[int]
    mentions: list[str]


@dataclass(frozen=True, slots=True)
class Pool:
    """N candidates of a question of T terms.

    `idf` (T,) weighs the terms; `bm25` (N, T) is what each adds to the BM25 score;
    `has` (N, T) and `title_has` (N, T) tell whether text and title contain it. `others`
    (N, V) are the unit vectors of what else the texts share, by rarity within the pool.
    `last` (T,) tells which terms stand in the question's last sentence. `rarity` (T,) weighs
    the terms by the candidates alone. `kin` (N,) numbers what each was cut from.
    `dense` (N, D) and `asked` (2, D), the whole question and its last sentence, are None
    where only lexical search is at hand.
    """

    question: Words
    idf: Array
    rarity: Array
    last: Array
    kin: Array
    bm25: Array
    has: Array
    title_has: Array
    others: Array
    dense: Array | None
    asked: Array | None
    texts: list[Words]
    titles: list[list[str]]
    names: list[list[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """A text taken apart: its words as written and folded, their token ids (-1 for stop
    words), and the names that stand in it."""

    written: list[str]
    folded: list[str]
    tokens: NDArray[np.int64]
    mentions: list[str]


class Texts:
    """Takes texts apart, and remembers the last ones: each is looked at in several rounds.

    A text of 100 words takes about 8 kB, so all that is kept takes about 4 MB.
    """

    def __init__(self, sparse: SparseEmbedder) -> None:
        self._sparse = sparse
        self._known: dict[str, int] = {}
        self.read = lru_cache(maxsize=TEXTS_KEPT)(self._read)

    def _read(self, text: str) -> Text:
        written = words(text)
        tokens = np.array(self._ids(written), np.int64)
        return Text(written, [fold(word) for word in written], tokens, mentions_among(written))

    def _ids(self, written: Sequence[str]) -> list[int]:
        if len(self._known) > _MOST_WORDS:
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
    asked: Sequence[Vector] | None,
    dense: Sequence[Vector] | None,
    sparse: SparseEmbedder,
    texts: Texts,
) -> Pool:
    """Return the arrays for a question.

    `asked` holds the vectors of the question and of its `last_sentence`, `dense` one for
    each candidate.
    """
    vectors = [_sparse_of(candidate, sparse) for candidate in candidates]
    tokens = [int(token) for token in dict.fromkeys(sparse.embed_query(question).indices.tolist())]
    weights, others = _weights(vectors, tokens)
    has = (weights > 0).astype(np.float32)
    rarity = _rarity(has)
    idf = _idf(tokens, candidates, rarity)
    read = [texts.read(text) for text in (question, *(c.passage.text for c in candidates))]
    titles = [texts.read(candidate.passage.title) for candidate in candidates]
    told, *said = _words(read, tokens)
    return Pool(
        question=told,
        idf=idf,
        rarity=rarity,
        last=np.isin(tokens, sparse.embed_query(last_sentence(question)).indices),
        kin=_kin(candidates),
        bm25=weights * idf,
        has=has,
        title_has=_occurring([title.terms for title in _words(titles, tokens)], len(tokens)),
        others=others,
        dense=None if dense is None else np.stack(dense).astype(np.float32),
        asked=None if asked is None else np.stack(asked).astype(np.float32),
        texts=said,
        titles=[title.folded for title in titles],
        names=[names_of(candidate.passage) for candidate in candidates],
    )


def _sparse_of(candidate: Candidate, sparse: SparseEmbedder) -> SparseVector:
    if candidate.sparse is not None:
        return candidate.sparse
    return sparse.embed_document(f"{candidate.passage.title}\n{candidate.passage.text}")


def _words(texts: Sequence[Text], tokens: Sequence[int]) -> list[Words]:
    """Return texts with the places of the question's tokens in them."""
    order = np.argsort(np.array(tokens, np.int64), kind="stable")
    ascending = np.array(tokens, np.int64)[order]
    held = np.concatenate([text.tokens for text in texts])
    terms = np.full(len(held), -1)
    if len(tokens):
        place = np.minimum(np.searchsorted(ascending, held), len(tokens) - 1)
        terms = np.where(ascending[place] == held, order[place], -1)
    ends = np.cumsum([len(text.tokens) for text in texts])
    rows = [row.tolist() for row in np.split(terms, ends[:-1])]
    return [
        Words(text.written, text.folded, row, text.mentions)
        for text, row in zip(texts, rows, strict=True)
    ]


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


def last_sentence(question: str) -> str:
    """Return the last sentence of a question: what is asked, after what was told or said."""
    return _SENTENCE_END.split(question.strip())[-1]


def _kin(candidates: Sequence[Candidate]) -> Array:
    """Number the documents; those of one title count as one, those without stand alone."""
    names = [c.passage.title.strip() or f"\0{c.passage.document_id}" for c in candidates]
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], np.int64)


def _rarity(has: Array) -> Array:
    """Return the weight of each token by how many of the candidates have it."""
    seen = has.sum(axis=0)
    return np.asarray(np.log(1 + (len(has) - seen + 0.5) / (seen + 0.5)), np.float32)


def _idf(tokens: Sequence[int], candidates: Sequence[Candidate], rarity: Array) -> Array:
    """Return the weight of each token: the corpus's where a search told, else the pool's."""
    told: dict[str, float] = {}
    for candidate in candidates:
        told.update({k: v for k, v in candidate.signals.items() if k.startswith(IDF_SIGNAL)})
    pairs = zip(tokens, rarity, strict=True)
    return np.array([told.get(f"{IDF_SIGNAL}{t}", float(w)) for t, w in pairs], np.float32)
