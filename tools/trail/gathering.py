"""What a search has found for one question so far, compared passage by passage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..store.protocol import Hit, SparseVector, Vector
from ..types import Query

Scores = NDArray[np.float32]

UNKNOWN_IDF = 8.0
"""The weight of words when the corpus has none of the question's."""


@dataclass(slots=True)
class Gathering:
    """The passages found for a query, each once, with what is known of its words.

    `asked` is None where only lexical search is at hand. `idf` is filled by `weigh`:
    one weight for each token of `words`.
    """

    query: Query
    asked: Vector | None
    words: SparseVector
    hits: dict[str, Hit] = field(default_factory=dict)
    hop: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    idf: dict[int, float] = field(default_factory=dict)
    reached: dict[str, float] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)

    def add(self, found: Iterable[Hit], hop: int = 0) -> None:
        """Take passages in; those already there stay as they are."""
        for hit in found:
            if hit.passage.id not in self.hits:
                self.hits[hit.passage.id] = hit
                self.hop[hit.passage.id] = hop

    def weigh(self, probes: Sequence[Sequence[Hit]]) -> None:
        """Read each token's inverse document frequency off a search for it alone.

        The store's score is that frequency times the token's weight in the passage
        found, so the quotient is exact, whatever engine keeps the counts.
        """
        tokens = [int(token) for token in self.words.indices]
        for token, hits in zip(tokens, probes, strict=True):
            if hits and hits[0].sparse is not None:
                weight = token_table([hits[0].sparse], [token])[0, 0]
                if weight > 0:
                    self.idf[token] = hits[0].score / float(weight)
        rarest = max(self.idf.values(), default=UNKNOWN_IDF)
        for token in tokens:
            self.idf.setdefault(token, rarest)

    def scores(self) -> tuple[Scores | None, Scores]:
        """Return cosine (None without an embedder) and BM25 of every passage, in order."""
        hits = list(self.hits.values())
        tokens = [int(token) for token in self.words.indices]
        idf = np.array([self.idf[token] for token in tokens], np.float32)
        weights = token_table([hit.sparse or SparseVector.empty() for hit in hits], tokens)
        cosines = None
        if self.asked is not None:
            none = np.zeros_like(self.asked)
            rows = np.stack([none if hit.dense is None else hit.dense for hit in hits])
            cosines = np.asarray((rows * self.asked).sum(axis=1), np.float32)
        return cosines, np.asarray((weights * idf).sum(axis=1), np.float32)


def token_table(vectors: Sequence[SparseVector], tokens: Sequence[int]) -> Scores:
    """Return the weight of each of T distinct tokens in each of N vectors (N, T); 0 for none."""
    table = np.zeros((len(vectors), len(tokens)), np.float32)
    if not vectors or not tokens:
        return table
    rows = np.repeat(np.arange(len(vectors)), [len(vector.indices) for vector in vectors])
    held = np.concatenate([vector.indices for vector in vectors])
    order = np.argsort(np.array(tokens, np.int64))
    ascending = np.array(tokens, np.int64)[order]
    place = np.minimum(np.searchsorted(ascending, held), len(tokens) - 1)
    same = ascending[place] == held
    values = np.concatenate([vector.values for vector in vectors])
    table[rows[same], order[place[same]]] = values[same]
    return table


def hybrid(cosines: Scores | None, words: Scores) -> Scores:
    """Return the mean of cosine and BM25, each in spreads of the candidates."""
    if cosines is None:
        return standard(words)
    return np.asarray((standard(cosines) + standard(words)) / 2, np.float32)


def standard(values: Scores) -> Scores:
    """Return values from their mean, in spreads."""
    return np.asarray((values - values.mean()) / (values.std() + 1e-6), np.float32)
