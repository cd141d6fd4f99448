"""Whether a chain suffices: a few features, one logistic, and the hard conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .chain import Chain
from .support import Sheet
from .words import stems

MET = 0.75
"""How well a term must be met to count as met."""

FEATURES = (
    "names", "relation", "own", "open", "open_typed", "typed", "similarity", "answer_similarity",
    "stands_out", "nearness", "bridged", "neighbours", "rank", "plain",
    "chain_own", "about", "starts_about", "sure_typed", "length",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A chain with what speaks for it. `absent` are the required words it does not meet."""

    sheet: Sheet
    chain: Chain
    features: tuple[float, ...]
    confidence: float
    absent: tuple[str, ...]


WEIGHTS = (0.0, 0.34, 0.86, -0.69, -0.66, 0.28, 1.1, 0.78, 1.13, 0.59, 0.32, 0.34, 1.32, 0.38, 0.0, 0.0, 0.0, 0.0, 0.0)
BIAS = -4.27


def features(sheet: Sheet, chain: Chain) -> tuple[float, ...]:
    """Return the features of a chain, in the order of `FEATURES`; each is 0 to about 1.

    names: share of names, numbers and codes met; relation: weighted share of the other
    words met; own: the same by the answer piece's own words; open: content words not met,
    of three; open_typed: the same where a date, a person, … is asked for; typed: the
    answer piece holds a span of that kind; similarity, answer_similarity: the best cosine
    in the chain and that of the answer piece; stands_out: how far the best of them is
    above the other passages' best; nearness: how near the bridge names stand
    to the question's words, bridged, neighbours: steps of either kind, of two; rank: how
    high the answer's passage stands; plain: nothing typed is asked for.
    """
    names, relation, own, left = _coverage(sheet, chain)
    plain_weights = np.array([0.0 if t.required else t.weight for t in sheet.part.terms])
    together = np.maximum.reduce([sheet.own[u] for u in chain.units])
    own_all = float(together @ plain_weights) / (plain_weights.sum() or 1.0)
    plain = sheet.part.kind in ("text", "yesno", "name")
    answer = chain.answer
    steps = len(chain.units) - 1
    return (
        names,
        relation,
        own,
        left,
        0.0 if plain else left,
        0.5 if plain else float(bool(sheet.typed(answer))),
        max(0.0, *(float(sheet.similarity[u]) for u in chain.units)),
        max(0.0, float(sheet.similarity[answer])),
        _stands_out(sheet, chain),
        min((b.nearness for b in chain.bridges), default=0.5),
        len(chain.bridges) / 2,
        (steps - len(chain.bridges)) / 2,
        1.0 / (1.0 + sheet.units[answer].passage),
        float(plain),
        own_all,
        float(_about(sheet, chain)),
        float(_names_in_title(sheet, chain.units[0])),
        0.0 if plain else float(bool(sheet.typed(answer))) * own,
        min(1.0, sum(len(sheet.units[u].text) for u in chain.units) / 800),
    )


def _about(sheet: Sheet, chain: Chain) -> bool:
    """Whether the answer piece stands under a title that is what led to it."""
    if chain.bridges:
        return chain.bridges[-1].stems <= sheet.units[chain.answer].context_stems
    return _names_in_title(sheet, chain.answer)


def _names_in_title(sheet: Sheet, row: int) -> bool:
    context = sheet.units[row].context_stems
    return any(stems(name) <= context for name in sheet.part.names)


def _stands_out(sheet: Sheet, chain: Chain) -> float:
    """Cosine of the chain's best piece above the best piece of any passage not in it."""
    own = {sheet.units[u].passage for u in chain.units}
    others = [
        float(s) for s, u in zip(sheet.similarity, sheet.units, strict=True) if u.passage not in own
    ]
    best = max(float(sheet.similarity[u]) for u in chain.units)
    return max(-0.3, min(0.3, best - max(others, default=0.0)))


def _coverage(sheet: Sheet, chain: Chain) -> tuple[float, float, float, float]:
    terms = sheet.part.terms
    needs = [c for t, c in zip(terms, chain.cover, strict=True) if t.required]
    plain = np.array([0.0 if t.required else t.weight for t in terms])
    total = plain.sum()
    left = sum(
        c < 0.5 for t, c in zip(terms, chain.cover, strict=True) if not t.required and t.weight >= 1
    )
    return (
        sum(c >= MET for c in needs) / len(needs) if needs else 1.0,
        float(chain.cover @ plain) / total if total else 1.0,
        float(sheet.own[chain.answer] @ plain) / total if total else 1.0,
        min(left, 3) / 3,
    )


def confidence(values: tuple[float, ...]) -> float:
    """Return the probability that a chain with these features answers its part."""
    logit = BIAS + sum(w * v for w, v in zip(WEIGHTS, values, strict=True))
    return 1.0 / (1.0 + math.exp(-logit))


def judge(sheet: Sheet, chain: Chain) -> Judged:
    """Weigh one chain."""
    values = features(sheet, chain)
    absent = tuple(
        t.text for t, c in zip(sheet.part.terms, chain.cover, strict=True) if t.required and c < MET
    )
    return Judged(sheet, chain, values, confidence(values), absent)
