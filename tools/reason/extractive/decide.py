"""Whether a chain suffices: a few features, one logistic, and the hard conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .chain import Chain
from .support import Sheet

MET = 0.75
"""How well a required term must be met to count as met."""

FEATURES = (
    "coverage", "own", "required", "typed", "similarity", "hops", "uncovered", "kind_text",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A chain with what speaks for it. `absent` are the required words it does not meet."""

    sheet: Sheet
    chain: Chain
    features: tuple[float, ...]
    confidence: float
    absent: tuple[str, ...]


WEIGHTS = (3.0, 1.5, 1.0, 0.8, 2.5, -0.2, -0.8, 0.0)
BIAS = -4.0


def features(sheet: Sheet, chain: Chain) -> tuple[float, ...]:
    """Return the features of a chain, in the order of `FEATURES`; each is 0 to about 1.

    coverage: weighted share of the question's words that the chain meets; own: the same by
    the quoted words alone; required: share of names, numbers and codes met; typed: the
    answer piece holds a span of the kind asked for; similarity: the best cosine in the
    chain; hops: pieces beyond the first, of two; uncovered: content words not met, of three.
    """
    terms = sheet.part.terms
    own = np.maximum.reduce([sheet.own[u] for u in chain.units])
    needs = [c for t, c in zip(terms, chain.cover, strict=True) if t.required]
    loose = [c for t, c in zip(terms, chain.cover, strict=True) if t.weight >= 1.0]
    plain = sheet.part.kind in ("text", "yesno", "name")
    return (
        float(chain.cover @ sheet.weights),
        float(own @ sheet.weights),
        sum(c >= MET for c in needs) / len(needs) if needs else 1.0,
        0.5 if plain else float(bool(sheet.typed[chain.answer])),
        max(0.0, max(float(sheet.similarity[u]) for u in chain.units)),
        (len(chain.units) - 1) / 2,
        min(sum(c < 0.5 for c in loose), 3) / 3,
        float(plain),
    )


def confidence(values: tuple[float, ...]) -> float:
    """Return the probability that a chain with these features answers its part."""
    logit = BIAS + sum(w * v for w, v in zip(WEIGHTS, values, strict=True))
    return 1.0 / (1.0 + math.exp(-logit))


def judge(sheet: Sheet, chain: Chain) -> Judged:
    """Weigh one chain."""
    values = features(sheet, chain)
    absent = tuple(
        t.text
        for t, c in zip(sheet.part.terms, chain.cover, strict=True)
        if t.required and c < MET
    )
    return Judged(sheet, chain, values, confidence(values), absent)
