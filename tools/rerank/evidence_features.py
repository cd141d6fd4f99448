"""What tells evidence from the rest: numbers that mean the same in any corpus.

Every feature is relative to the other candidates of its question, or a share between 0
and 1. There are two kinds. *Own* features look at a passage and the question alone.
*Trail* features look at how it stands to the passages believed so far; they take a
*belief* (N,) in 0..1, at first from the hybrid search, then from a first ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..trail.names import STOP_WORDS
from .evidence_mentions import Mentions, find_mentions
from .evidence_pool import Array, Pool

NEAR = 30
"""Words within which question terms are taken to be said together."""

CLOSE = 3
"""Words within which two terms that follow each other in the question count as a pair."""

SIDE = 0.5
"""How far the question leans to a passage when the two are asked together."""

_ONE_THREAD = 250_000
"""Multiplications of one product that OpenBLAS does without threads (2**18)."""

Features = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Ties:
    """How each candidate (row) leads to each other (column), whatever is believed.

    `gain` is the share of the question the second adds to what the first covers, `joint`
    what both cover; `residual` is BM25 for the words the first leaves open; `shared` is
    likeness in other words. `alike`, `beside`, `beyond` are cosines of the two passages,
    of the question leaning to the first with the second, and of the question with the
    first taken out; the last two in spreads of their row.
    """

    mentions: Mentions
    gain: Array
    joint: Array
    residual: Array
    shared: Array
    alike: Array | None
    beside: Array | None
    beyond: Array | None


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
        "named_any": _all((mentions.in_question > 0.3).sum(), len(words)),
        **_together(pool, total),
        "length": _length(pool),
        "mentioned": np.log1p((mentions.link > 0).sum(axis=0)),
        "mentions": np.log1p((mentions.link > 0).sum(axis=1)),
        "best_covered": _all(covered.max(), len(words)),
        "terms": _all(len(pool.idf), len(words)),
    }
    return features, _ties(pool, mentions, covered, cosines), hybrid


def trail_features(ties: Ties, belief: Array) -> Features:
    """Return how each candidate stands to those believed: linked, completing, alike."""
    link, said, common = ties.mentions.link, ties.mentions.said, ties.mentions.common
    linked = (np.maximum(link, link.T) > 0.05).astype(np.float32)
    top = np.argsort(-belief, kind="stable")[:3]
    steps = link / (link.sum(axis=1, keepdims=True) + 0.2)
    one_step = (steps * belief[:, None]).sum(axis=0)
    forward = _from(link, belief)
    named = ties.mentions.in_question
    return {
        "forward": forward,
        "forward_rank": log_rank(forward),
        "forward_sum": np.log1p((link * belief[:, None]).sum(axis=0)),
        "backward": _to(link, belief),
        "backward_sum": np.log1p((link * belief[None, :]).sum(axis=1)),
        "said": _from(said, belief),
        "said_most": said.max(axis=0),
        "said_here": _to(said, belief),
        "common": _from(common, belief),
        "common_gain": _from(common * np.sqrt(np.maximum(ties.gain, 0)), belief),
        "common_residual": _from(ties.residual * (common > 0), belief),
        "gain": _from(ties.gain, belief),
        "gain_linked": _from(ties.gain * linked, belief),
        "gain_first": ties.gain[top[0]],
        "gain_least": ties.gain[top].min(axis=0),
        "joint_linked": _from(ties.joint * linked, belief),
        "residual": _from(ties.residual, belief),
        "residual_linked": _from(ties.residual * linked, belief),
        "shared": _from(ties.shared, belief),
        "shared_linked": _from(ties.shared * linked, belief),
        "shared_gain": _from(ties.shared * np.sqrt(np.maximum(ties.gain, 0)), belief),
        "shared_mean": _mean(ties.shared, belief),
        **_trail_meaning(ties, belief, linked, top),
        "one_step": one_step,
        "two_steps": (steps * one_step[:, None]).sum(axis=0),
        "belief": belief,
        "belief_gap": belief.max() - belief,
        "belief_rank": log_rank(belief),
        "belief_sum": _all(belief.sum(), len(belief)),
        "best_link": _all((link * belief[:, None]).max(), len(belief)),
        "best_joint": _all((ties.joint * np.sqrt(np.outer(belief, belief))).max(), len(belief)),
        "forward_named": _from(link, named),
        "backward_named": _to(link, named),
    }


def first_belief(hybrid: Array) -> Array:
    """Return how strongly the hybrid search alone believes in each candidate."""
    return np.asarray(np.exp(hybrid - hybrid.max()), np.float32)


def hybrid_score(cosines: Array | None, words: Array) -> Array:
    """Return the mean of cosine and BM25, each in spreads of the candidates."""
    if cosines is None:
        return _standard(words)
    return np.asarray((_standard(cosines) + _standard(words)) / 2, np.float32)


def stacked(features: Features, names: Sequence[str]) -> Array:
    """Return the named features as one array (N, F)."""
    return np.stack([np.asarray(features[name], np.float32) for name in names], axis=1)


def gram(rows: Array) -> Array:
    """Return `rows @ rows.T`, in pieces too small for the linear algebra to start threads.

    Waking them takes longer than these products do, most of all on a busy machine.
    """
    count, size = rows.shape
    width = max(8, _ONE_THREAD // max(count * count, 1))
    pieces = -(-size // width)
    padded = np.zeros((count, pieces * width), np.float32)
    padded[:, :size] = rows
    stack = np.ascontiguousarray(padded.reshape(count, pieces, width).transpose(1, 0, 2))
    return np.asarray(np.matmul(stack, stack.transpose(0, 2, 1)).sum(axis=0))


def log_rank(values: Array) -> Array:
    """Return the binary logarithm of the rank from 1; equal values share the best."""
    ranks = np.searchsorted(np.sort(-values), -values, side="left")
    return np.asarray(np.log2(1 + ranks), np.float32)


def gap(values: Array) -> Array:
    """Return the distance to the best, in spreads of the candidates."""
    return np.asarray((values.max() - values) / (values.std() + 1e-6), np.float32)


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / (values.std() + 1e-6), np.float32)


def _all(value: float, size: int) -> Array:
    return np.full(size, value, np.float32)


def _from(tie: Array, belief: Array) -> Array:
    """Return the strongest tie that comes from a believed candidate."""
    return np.asarray((tie * belief[:, None]).max(axis=0))


def _to(tie: Array, belief: Array) -> Array:
    """Return the strongest tie that leads to a believed candidate."""
    return np.asarray((tie * belief[None, :]).max(axis=1))


def _mean(tie: Array, belief: Array) -> Array:
    """Return the mean tie to all other candidates, weighted by belief in them."""
    weight = belief[:, None] * (1 - np.eye(len(belief), dtype=np.float32))
    return np.asarray((weight * tie).sum(axis=0) / (weight.sum(axis=0) + 1e-6))


def _meaning(cosines: Array | None, size: int) -> Features:
    if cosines is None:
        return dict.fromkeys(("cosine_gap", "cosine_rank", "cosine_ratio"), _all(np.nan, size))
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
    cosines = _all(np.nan, size)
    if pool.dense is not None and pool.asked is not None:
        cosines = (pool.dense * pool.asked[1]).sum(axis=1)
    return {
        "last_covered": (pool.has[:, kept] * pool.idf[kept]).sum(axis=1) / total,
        "last_bm25_gap": gap(pool.bm25[:, kept].sum(axis=1)),
        "last_cosine_gap": gap(cosines),
        "last_share": _all(total / (pool.idf.sum() + 1e-9), size),
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


def _ties(pool: Pool, mentions: Mentions, covered: Array, cosines: Array | None) -> Ties:
    total = pool.idf.sum() + 1e-9
    lacks = 1 - pool.has
    # Of the question, both lack: sum over terms of idf * lacks_i * lacks_j.
    joint = 1 - ((lacks * pool.idf) @ lacks.T) / total
    open_weight = (lacks * pool.idf).sum(axis=1, keepdims=True)
    residual = (lacks @ pool.bm25.T) / (open_weight + 0.3 * total)
    gain = joint - covered[:, None]
    shared = gram(pool.others)
    for tie in (gain, residual, shared):
        np.fill_diagonal(tie, 0)
    alike = beside = beyond = None
    if pool.dense is not None and cosines is not None:
        alike = gram(pool.dense)
        norms = np.sqrt(1 + SIDE**2 + 2 * SIDE * cosines)[:, None]
        beside = _rows((cosines[None, :] + SIDE * alike) / norms)
        left = np.sqrt(np.maximum(1 - cosines**2, 1e-3))[:, None]
        beyond = _rows((cosines[None, :] - cosines[:, None] * alike) / left)
    return Ties(mentions, gain, joint, residual, shared, alike, beside, beyond)


def _rows(tie: Array) -> Array:
    """Return each row in its own spreads; no candidate leads to itself."""
    np.fill_diagonal(tie, -1)
    return np.asarray(
        (tie - tie.mean(axis=1, keepdims=True)) / (tie.std(axis=1, keepdims=True) + 1e-6)
    )


def _trail_meaning(ties: Ties, belief: Array, linked: Array, top: Array) -> Features:
    if ties.alike is None or ties.beside is None or ties.beyond is None:
        names = ("beside", "beyond", "beside_rank", "beyond_rank", "alike_first", "alike")
        linked_names = ("beside_linked", "beyond_linked", "alike_gap")
        return dict.fromkeys((*names, *linked_names), _all(np.nan, len(belief)))
    others = ties.alike * (1 - np.eye(len(belief), dtype=np.float32))
    beside, beyond = np.maximum(ties.beside, 0), np.maximum(ties.beyond, 0)
    return {
        "beside": _from(beside, belief),
        "beyond": _from(beyond, belief),
        "beside_rank": _best_rank(ties.beside[top]),
        "beyond_rank": _best_rank(ties.beyond[top]),
        "alike_first": ties.alike[top[0]],
        "alike": _from(others, belief),
        "beside_linked": _from(beside * linked, belief),
        "beyond_linked": _from(beyond * linked, belief),
        "alike_gap": gap(_mean(ties.alike, belief)),
    }


def _best_rank(rows: Array) -> Array:
    ranks = np.argsort(np.argsort(-rows, axis=1, kind="stable"), axis=1)
    return np.asarray(np.log2(1 + ranks.min(axis=0)), np.float32)
