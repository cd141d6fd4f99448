"""Whether a chain suffices: a few features, one logistic, and the hard conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .chain import SCALE, Chain
from .support import Sheet
from .words import stems

MET = 0.75
"""How well a term must be met to count as met."""

LEAST = 0.4
"""The share of its words below which a question that names nothing is not spoken of."""

LED = 0.8
"""Log-odds for a post that led to the name asked for: a surer step than most mentions."""

FEATURES = (
    "best", "answer", "relation", "own", "open", "open_typed", "typed", "similarity",
    "answer_similarity", "margin", "peak", "nearness", "bridged", "neighbours", "about",
    "plain", "length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heads:
    """Weights over the features: to order the chains of one part, and to believe the first."""

    rank: tuple[float, ...]
    confidence: tuple[float, ...]
    bias: float


# Fitted on the chains of questions with known supporting passages, and of others whose answer
# had been taken out: `rank` as a choice among the chains of a question (conditional logit),
# `confidence` by logistic regression on the chosen one. In the order of `FEATURES`.
HEADS = Heads(
    rank=(
        1.76, 1.42, -0.22, -0.31, -2.18, -1.93, -0.31, 2.16, 1.58, -0.29, 1.07, 2.08,
        -0.33, -0.29, -0.27, 0.0, 0.04,
    ),
    confidence=(
        0.45, 0.8, 0.28, -0.05, -1.1, -0.82, -0.17, 0.88, 0.5, 1.08, 0.22, 0.96, -0.04,
        -0.38, 0.14, -0.1, -0.45,
    ),
    bias=-3.03,
)  # fmt: skip
HEADS_BY_WORDS = Heads(
    rank=(
        1.95, 1.84, -0.3, -0.27, -1.99, -1.18, -0.44, 0.0, 0.0, 0.83, 0.97, 1.82, -0.31,
        -0.37, 0.66, 0.0, -0.26,
    ),
    confidence=(
        1.07, 1.53, -0.38, 0.26, -0.84, -0.69, -0.21, 0.0, 0.0, 1.32, 0.0, 1.42, -0.06,
        -0.46, 0.43, 0.06, -0.24,
    ),
    bias=-3.55,
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A chain with what speaks for it.

    `rank` orders the chains of one part; `confidence` is the probability that the first
    of them answers it. `absent` are the required words that it does not meet, and the kind
    of value asked for where it has none; `lacks` tells whether any required word is.
    """

    sheet: Sheet
    chain: Chain
    features: tuple[float, ...]
    rank: float
    confidence: float
    absent: tuple[str, ...]
    lacks: bool = False

    @property
    def complete(self) -> bool:
        """Whether the chain meets every content word of the part, and the kind asked for."""
        named = dict(zip(FEATURES, self.features, strict=True))
        return named["open"] == 0 and named["typed"] > 0


def features(sheet: Sheet, chain: Chain) -> tuple[float, ...]:
    """Return the features of a chain, in the order of `FEATURES`; each is 0 to about 1.

    best, answer: the scores of the chain's best piece and of the answer piece, of ten;
    relation: weighted share of the question's words, names apart, that the chain meets;
    own: the same by the answer piece's own words; open: content words not met, of three;
    open_typed: the same where a date, a person, … is asked for; typed: the answer piece
    holds such a span; similarity, answer_similarity: best cosine in the chain, and that of
    the answer piece; margin: how far its best piece is above the best of other passages;
    peak: the share of belief its best piece has among all; nearness: how near the bridge
    names stand to the question's words; bridged, neighbours: steps of either kind, of two;
    about: the answer piece stands under a title that led to it; plain: nothing typed is
    asked for; length: characters to quote, of 800.
    """
    relation, own, left = _coverage(sheet, chain)
    answer, steps = chain.answer, len(chain.units) - 1
    best = max(float(sheet.scores[u]) for u in chain.units)
    return (
        best / SCALE,
        float(sheet.scores[answer]) / SCALE,
        relation,
        own,
        left,
        0.0 if sheet.plain else left,
        0.5 if sheet.plain else float(bool(sheet.typed[answer])),
        max(0.0, *(float(sheet.similarity[u]) for u in chain.units)),
        max(0.0, float(sheet.similarity[answer])),
        _margin(sheet, chain, best),
        1.0 / float(np.exp(np.minimum(sheet.scores - best, 5.0)).sum()),
        min((b.nearness for b in chain.bridges), default=0.5),
        len(chain.bridges) / 2,
        (steps - len(chain.bridges)) / 2,
        float(_about(sheet, chain)),
        float(sheet.plain),
        min(1.0, sum(len(sheet.units[u].text) for u in chain.units) / 800),
    )


def _margin(sheet: Sheet, chain: Chain, best: float) -> float:
    """How far the chain's best piece stands above the best of other passages, of ten."""
    own = {sheet.units[u].passage for u in chain.units}
    rest = [s for s, u in zip(sheet.scores, sheet.units, strict=True) if u.passage not in own]
    return max(-0.5, min(0.5, (best - float(max(rest, default=0.0))) / SCALE))


def _about(sheet: Sheet, chain: Chain) -> bool:
    """Whether the answer piece stands under a title that is what led to it."""
    if chain.bridges:
        return chain.bridges[-1].stems <= sheet.units[chain.answer].context_stems
    return _names_in_title(sheet, chain.answer)


def _names_in_title(sheet: Sheet, row: int) -> bool:
    context = sheet.units[row].context_stems
    return any(stems(name) <= context for name in sheet.part.names)


def _coverage(sheet: Sheet, chain: Chain) -> tuple[float, float, float]:
    terms = sheet.part.terms
    plain = np.array([0.0 if t.required else t.weight for t in terms])
    total = float(plain.sum())
    left = sum(
        c < 0.5 for t, c in zip(terms, chain.cover, strict=True) if not t.required and t.weight >= 1
    )
    return (
        float(chain.cover @ plain) / total if total else 1.0,
        float(sheet.own[chain.answer] @ plain) / total if total else 1.0,
        min(left, 3) / 3,
    )


def judge(sheet: Sheet, chain: Chain) -> Judged:
    """Weigh one chain."""
    values = features(sheet, chain)
    absent = [
        t.text for t, c in zip(sheet.part.terms, chain.cover, strict=True) if t.required and c < MET
    ]
    lacks = bool(absent)
    if not _has_subject(sheet) and values[FEATURES.index("relation")] < LEAST:
        absent.append("most of what was asked")
    if sheet.part.wants_value and not _has_value(sheet, chain):
        absent.append("name" if sheet.part.by_name else sheet.part.kind)
    heads = HEADS if sheet.compared else HEADS_BY_WORDS
    led = LED if sheet.part.by_name and chain.bridges and not absent else 0.0
    rank = sum(w * v for w, v in zip(heads.rank, values, strict=True))
    believed = confidence(values, heads, led)
    return Judged(sheet, chain, values, rank, believed, tuple(absent), lacks)


def _has_subject(sheet: Sheet) -> bool:
    """Whether the part has words that must be met, so that its subject cannot be missed."""
    return any(t.required for t in sheet.part.terms)


def _has_value(sheet: Sheet, chain: Chain) -> bool:
    """A name must stand in the one piece, or in the one that a mention led to."""
    if not sheet.part.by_name:
        return any(sheet.typed[u] for u in chain.units)
    led = len(chain.units) == 1 or bool(chain.bridges)
    return led and bool(sheet.typed[chain.answer])


def confidence(values: tuple[float, ...], heads: Heads, more: float = 0.0) -> float:
    """Return the probability that a chain with these features answers its part.

    `more` is what speaks for it beyond the features, in log-odds.
    """
    logit = more + heads.bias + sum(w * v for w, v in zip(heads.confidence, values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit))))
