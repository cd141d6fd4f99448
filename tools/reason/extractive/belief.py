"""How far what would be said of a part is believed: signs of it, and one logistic over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .decide import Judged

SIGNS = (
    "trust", "trust_second", "similarity", "relation", "chain", "estimate", "rank", "absent",
    "elsewhere",
)  # fmt: skip

WEIGHTS = (0.06, 0.17, 0.42, 0.44, 0.61, 1.55, 0.5, -0.23, -0.3)
"""Fitted by `benchmarks/fit_belief.py` on answerable and unanswerable questions of 23 sets,
each set with a bias of its own, so that the signs decide and not the set."""

BIAS = -0.77

LACKS = 2.0
"""Log-odds against a chain where a name, number or identifier of the part is not met: the right
thing said of something else is no answer. Set, not fitted: in an encyclopedia a name is often
met under another form, in a handbook hardly ever."""

UNKNOWN_SIMILARITY = 0.5
"""Stands for the cosine where nothing was embedded; about what is usual."""

SAME_RELATION = 0.6
"""The cosine of what is asked, without its names, that counts as its words being met."""

LEAST, MOST = 0.01, 0.99


def signs(judged: Judged, estimate: float) -> tuple[float, ...]:
    """Return the signs that what a chain says answers its part, in the order of `SIGNS`.

    trust, trust_second: the reranker's scores of the first two passages, which are
    probabilities where the reranker gives such; similarity: the best cosine of any piece;
    relation: how far the chain and the two best pieces meet what is asked of the things
    named, by their words or by meaning; chain, rank: the chain's probability and its log-odds,
    of four; estimate: the `estimate` that the evidence as a whole answers, in log-odds, of
    two; absent: a required word or the kind of value asked for is nowhere; elsewhere: the part
    names something, and the chain speaks of none of it.
    """
    made = judged.sheet
    trust = [min(1.0, max(0.0, passage.score)) for passage in made.passages[:2]]
    whole = min(MOST, max(LEAST, estimate))
    return (
        trust[0],
        trust[1] if len(trust) > 1 else 0.0,
        float(made.similarity.max()) if made.compared else UNKNOWN_SIMILARITY,
        _relation(judged),
        judged.confidence,
        math.log(whole / (1.0 - whole)) / 2,
        judged.rank / 4,
        float(bool(judged.absent)),
        float(bool(made.part.names) and not made.named[list(judged.chain.units)].any()),
    )


def belief(judged: Judged, estimate: float) -> float:
    """Return the probability that what a chain says answers its part.

    It is 0 where meanings were not compared and there is no value of the kind asked for, or a
    required word is missing: words alone are too little then.
    """
    if judged.absent and not judged.sheet.compared:
        return 0.0
    bias = BIAS - LACKS * judged.lacks
    return logistic(signs(judged, estimate), WEIGHTS, bias)


def logistic(values: Sequence[float], weights: Sequence[float], bias: float) -> float:
    """Return the probability of a weighted sum of signs."""
    return 1.0 / (1.0 + math.exp(-bias - sum(w * v for w, v in zip(weights, values, strict=True))))


def _relation(judged: Judged) -> float:
    made = judged.sheet
    best = (int(row) for row in np.argsort(-made.scores, kind="stable")[:2])
    rows = sorted({*judged.chain.units, *best})
    asked = np.array([0.0 if term.required else term.weight for term in made.part.terms])
    total = float(asked.sum())
    by_words = float(made.cover[rows].max(axis=0) @ asked) / total if total else 1.0
    by_meaning = min(1.0, max(0.0, float(made.relation[rows].max())) / SAME_RELATION)
    return max(by_words, by_meaning)
