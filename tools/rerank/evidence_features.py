"""What tells evidence from the rest: numbers that mean the same in any corpus.

Every feature is relative to the other candidates of its question, or a share between 0
and 1. There are two kinds. *Own* features, here, look at a passage and the question alone.
*Trail* features (`evidence_ties`) look at how it stands to the passages believed so far;
they take a *belief* (N,) in 0..1, at first from the hybrid search, then from a first ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..trail.names import STOP_WORDS
from .evidence_mentions import find_mentions
from .evidence_pool import Array, Pool
from .evidence_scales import Features, everywhere, gap, log_rank, standard
from .evidence_ties import Ties, read_ties

NEAR = 30
"""Words within which question terms are taken to be said together."""

CLOSE = 3
"""Words within which two terms that follow each other in the question count as a pair."""


def own_features(pool: Pool) -> tuple[Features, Ties, Array]:
    """Return features of each candidate, its ties to the others, and the hybrid score (N,)."""
    mentions = find_mentions(pool)
    total = pool.idf.sum() + 1e-9
    covered = (pool.has * pool.idf).sum(axis=1) / total
    words = pool.bm25.sum(axis=1)
    cosines = None
    if pool.dense is not None and pool.asked is not None:
        cosines = (pool.dense * pool.asked[0]).sum(axis=1)
    hybrid = hybrid_score(cosines, words)
    features = {
        **_meaning(cosines, len(words)),
        "bm25_ratio": words / (words.max() + 1e-9),
        "bm25_rank": log_rank(words),
        "bm25_gap": gap(words),
        "bm25_share": words / total,
        "covered": covered,
        "covered_gap": covered.max() - covered,
        "hybrid_gap": gap(hybrid),
        "hybrid_rank": log_rank(hybrid),
        **_rare(pool),
        **_last(pool),
        **_kinship(pool, first_belief(hybrid)),
        **_titles(pool, total),
        "named": mentions.in_question,
        "named_any": everywhere((mentions.in_question > 0.3).sum(), len(words)),
        **_together(pool, total),
        "length": _length(pool),
        "mentioned": np.log1p((mentions.link > 0).sum(axis=0)),
        "mentions": np.log1p((mentions.link > 0).sum(axis=1)),
        "best_covered": everywhere(covered.max(), len(words)),
        "terms": everywhere(len(pool.idf), len(words)),
    }
    return features, read_ties(pool, mentions, covered, cosines), hybrid


def first_belief(hybrid: Array) -> Array:
    """Return how strongly the hybrid search alone believes in each candidate."""
    return np.asarray(np.exp(hybrid - hybrid.max()), np.float32)


def hybrid_score(cosines: Array | None, words: Array) -> Array:
    """Return the mean of cosine and BM25, each in spreads of the candidates."""
    if cosines is None:
        return standard(words)
    return np.asarray((standard(cosines) + standard(words)) / 2, np.float32)


def stacked(features: Features, names: Sequence[str]) -> Array:
    """Return the named features as one array (N, F)."""
    return np.stack([np.asarray(features[name], np.float32) for name in names], axis=1)


def _meaning(cosines: Array | None, size: int) -> Features:
    if cosines is None:
        return dict.fromkeys(
            ("cosine_gap", "cosine_rank", "cosine_ratio"), everywhere(np.nan, size)
        )
    return {
        "cosine_gap": gap(cosines),
        "cosine_rank": log_rank(cosines),
        "cosine_ratio": cosines / max(float(cosines.max()), 1e-6),
    }


def _rare(pool: Pool) -> Features:
    """BM25 by rarity among the candidates alone, and coverage in which rare words weigh more."""
    words = (pool.bm25 / (pool.idf + 1e-9) * pool.rarity).sum(axis=1)
    squares = pool.idf**2
    return {
        "pool_gap": gap(words),
        "pool_rank": log_rank(words),
        "covered_rare": (pool.has * squares).sum(axis=1) / (squares.sum() + 1e-9),
    }


def _last(pool: Pool) -> Features:
    """The same of the question's last sentence; of the whole one where it is the only one."""
    kept = pool.last if pool.last.any() else np.ones_like(pool.last)
    total = pool.idf[kept].sum() + 1e-9
    size = len(pool.bm25)
    cosines = everywhere(np.nan, size)
    if pool.dense is not None and pool.asked is not None:
        cosines = (pool.dense * pool.asked[1]).sum(axis=1)
    return {
        "last_covered": (pool.has[:, kept] * pool.idf[kept]).sum(axis=1) / total,
        "last_bm25_gap": gap(pool.bm25[:, kept].sum(axis=1)),
        "last_cosine_gap": gap(cosines),
        "last_share": everywhere(total / (pool.idf.sum() + 1e-9), size),
    }


def _kinship(pool: Pool, belief: Array) -> Features:
    """How much of the belief lies with passages cut from the same, and with which of them."""
    shares = np.bincount(pool.kin, weights=belief)
    best = np.zeros(len(shares), np.float32)
    np.maximum.at(best, pool.kin, belief)
    return {
        "kin_share": (shares[pool.kin] - belief) / (belief.sum() + 1e-9),
        "kin_lead": belief / (best[pool.kin] + 1e-9),
        "kin_size": np.log1p(np.bincount(pool.kin)[pool.kin]) / np.log1p(len(belief)),
    }


def _titles(pool: Pool, total: float) -> Features:
    """A title that many candidates bear says little, and one that is missing nothing."""
    keys = [" ".join(title) for title in pool.titles]
    bearers = np.array([keys.count(key) if key else len(keys) for key in keys], np.float32)
    sizes = [max(len(set(title) - STOP_WORDS), 1) for title in pool.titles]
    return {
        "title_covered": (pool.title_has * pool.idf).sum(axis=1) / total / np.sqrt(bearers),
        "title_asked": pool.title_has.sum(axis=1) / np.array(sizes) / np.sqrt(bearers),
        "title_common": bearers / len(keys),
    }


def _length(pool: Pool) -> Array:
    lengths = np.array([len(text.written) for text in pool.texts], np.float32)
    return np.asarray(np.log((lengths + 1) / (np.median(lengths) + 1)), np.float32)


def _together(pool: Pool, total: float) -> Features:
    """How much of the question is said within few words, and how many of its word pairs."""
    asked = [term for term in pool.question.terms if term >= 0]
    pairs = {(a, b): float(min(pool.idf[a], pool.idf[b])) for a, b in pairwise(asked) if a != b}
    every = sum(pairs.values()) + 1e-9
    places = [[(i, t) for i, t in enumerate(text.terms) if t >= 0] for text in pool.texts]
    idf = pool.idf.tolist()
    near = np.array([_nearest(row, idf) for row in places], np.float32) / total
    paired = [
        {(t, u) for (i, t), (j, u) in pairwise(row) if j - i <= CLOSE and (t, u) in pairs}
        for row in places
    ]
    adjacent = [sum(pairs[pair] for pair in found) / every for found in paired]
    return {"near": near, "near_gap": near.max() - near, "pairs": np.array(adjacent, np.float32)}


def _nearest(places: list[tuple[int, int]], idf: list[float]) -> float:
    """Return the most weight of distinct terms within `NEAR` words, by a sliding window."""
    counts: dict[int, int] = {}
    held, best, oldest = 0.0, 0.0, 0
    for place, term in places:
        counts[term] = counts.get(term, 0) + 1
        held += idf[term] if counts[term] == 1 else 0.0
        while places[oldest][0] < place - NEAR:
            gone = places[oldest][1]
            counts[gone] -= 1
            held -= idf[gone] if counts[gone] == 0 else 0.0
            oldest += 1
        best = max(best, held)
    return best
