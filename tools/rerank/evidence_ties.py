"""How each candidate stands to those believed so far: what makes the second hop's passage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evidence_mentions import Mentions
from .evidence_pool import Array, Pool
from .evidence_scales import Features, everywhere, gap, log_rank

SIDE = 0.5
"""How far the question leans to a passage when the two are asked together."""

_ONE_THREAD = 250_000
"""Multiplications of one product that OpenBLAS does without threads (2**18)."""


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


def read_ties(pool: Pool, mentions: Mentions, covered: Array, cosines: Array | None) -> Ties:
    """Return all ties; `covered` and `cosines` (N,) are the candidates' own to the question."""
    total = pool.idf.sum() + 1e-9
    lacks = 1 - pool.has
    # Of the question, both lack: sum over terms of idf * lacks_i * lacks_j.
    joint = 1 - product(lacks * pool.idf, lacks) / total
    open_weight = (lacks * pool.idf).sum(axis=1, keepdims=True)
    residual = product(lacks, pool.bm25) / (open_weight + 0.3 * total)
    gain = joint - covered[:, None]
    shared = product(pool.others, pool.others)
    for tie in (gain, residual, shared):
        np.fill_diagonal(tie, 0)
    alike = beside = beyond = None
    if pool.dense is not None and cosines is not None:
        alike = product(pool.dense, pool.dense)
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
        return dict.fromkeys((*names, *linked_names), everywhere(np.nan, len(belief)))
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
        "belief_sum": everywhere(belief.sum(), len(belief)),
        "best_link": everywhere((link * belief[:, None]).max(), len(belief)),
        "best_joint": everywhere(
            (ties.joint * np.sqrt(np.outer(belief, belief))).max(), len(belief)
        ),
        "forward_named": _from(link, named),
        "backward_named": _to(link, named),
    }


def product(left: Array, right: Array) -> Array:
    """Return `left @ right.T`, in pieces too small for the linear algebra to start threads.

    Waking them takes longer than these products do, most of all on a busy machine.
    """
    size = left.shape[1]
    width = max(8, _ONE_THREAD // max(len(left) * len(right), 1))
    pieces = max(-(-size // width), 1)
    stacks = []
    for rows in (left, right):
        padded = np.zeros((len(rows), pieces * width), np.float32)
        padded[:, :size] = rows
        stack = padded.reshape(len(rows), pieces, width).transpose(1, 0, 2)
        stacks.append(np.ascontiguousarray(stack))
    return np.asarray(np.matmul(stacks[0], stacks[1].transpose(0, 2, 1)).sum(axis=0))


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
