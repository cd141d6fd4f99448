"""How the evidence ranker learns: two forests, and one family left out at a time."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from evidence_rows import FAMILIES, VARIANT_WEIGHTS, Row, draw

from suffice.tools.rerank import evidence_features as ef
from suffice.tools.rerank.evidence import again, belief
from suffice.tools.rerank.evidence_ties import trail_features

CALIBRATED = ("plain", "merged")
"""The variants on which families are left out in turn."""

SURE, DRAWN = 40, 0.35
"""A question is learned from its gold passages, its first by hybrid search, and of the
others from this share, weighed up to all."""

GROUPS = {
    "names": """forward backward said named mention common common_gain common_residual one_step
        two_steps best_link gain_linked joint_linked residual_linked shared_linked
        beside_linked beyond_linked""",
    "meaning": "cosine beside beyond alike last_cosine",
    "coverage": """covered gain joint residual near pairs best_joint best_covered title last_covered
        """,
    "shared words": "shared",
    "last sentence": "last",
    "same document": "kin",
    "rarity in the pool": "pool",
    "second look": "again",
}
"""Features by what they look at: those whose names begin so."""

UNANSWERABLE_WEIGHT = 0.5
SPREAD = 0.6
"""How far small families are weighed up to large ones: 0 not at all, 1 fully."""

FOLDS = 3
TREES = 200
SETTINGS = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.04,
    "min_data_in_leaf": 120,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "seed": 7,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_RISING = """
    cosine_ratio bm25_ratio bm25_share covered covered_rare last_covered named near pairs
    forward said gain_linked one_step forward_sum forward_named belief
"""
_FALLING = """
    cosine_gap cosine_rank bm25_rank bm25_gap covered_gap hybrid_gap hybrid_rank near_gap
    belief_gap belief_rank alike_gap title_common pool_gap pool_rank last_bm25_gap
    last_cosine_gap
"""
RISING, FALLING = frozenset(_RISING.split()), frozenset(_FALLING.split())
"""Features that can speak only one way, whatever a small training set may suggest."""


def learned(row: Row) -> np.ndarray:
    """The weight of each candidate by whether it is learned from at all."""
    draws = np.random.default_rng(int(2**32 * draw("rows", row.question.id)))
    place = np.argsort(np.argsort(-row.hybrid, kind="stable"), kind="stable")
    drawn = draws.random(len(place)) < DRAWN
    return np.where((place < SURE) | (row.gold > 0), 1.0, drawn / DRAWN)


def weights(rows: Sequence[Row]) -> np.ndarray:
    counts = Counter((row.family, row.variant) for row in rows)
    parts = []
    for row in rows:
        weight = VARIANT_WEIGHTS[row.variant] * (100 / counts[(row.family, row.variant)]) ** SPREAD
        weight *= 1.0 if row.question.answerable else UNANSWERABLE_WEIGHT
        parts.append(weight * ~_lesser(row))
    return np.concatenate(parts)


def _lesser(row: Row) -> np.ndarray:
    """Which passages are of a gold document without being its best: nobody knows if they tell."""
    best: dict[str, int] = {}
    gold = [i for i in np.argsort(-row.hybrid, kind="stable") if row.gold[i]]
    for i in gold:
        best.setdefault(row.documents[i], i)
    lesser = row.gold.astype(bool)
    lesser[list(best.values())] = False
    return lesser


def grow(rows: Sequence[Row], names: Sequence[str], trees: int) -> lightgbm.Booster:
    plain = [name.removeprefix("again_") for name in names]
    constraints = [1 if n in RISING else -1 if n in FALLING else 0 for n in plain]
    weight = weights(rows) * np.concatenate([learned(row) for row in rows])
    columns = np.concatenate([ef.stacked(row.features, names) for row in rows])[weight > 0]
    gold = np.concatenate([row.gold for row in rows])[weight > 0]
    data = lightgbm.Dataset(columns, gold, weight=weight[weight > 0], params={"max_bin": 63})
    settings = {**SETTINGS, "monotone_constraints": constraints}
    return lightgbm.train(settings, data, num_boost_round=trees)


def scored(model: lightgbm.Booster, row: Row, names: Sequence[str]) -> np.ndarray:
    return np.asarray(model.predict(ef.stacked(row.features, names), raw_score=True))


def fold_of(row: Row) -> int:
    return int(draw("fold", row.question.id) * FOLDS)


@dataclass
class Trained:
    first: lightgbm.Booster
    second: lightgbm.Booster
    first_names: list[str]
    second_names: list[str]

    def score(self, row: Row) -> np.ndarray:
        look_again(row, scored(self.first, row, self.first_names))
        return scored(self.second, row, self.second_names)


def look_again(row: Row, log_odds: np.ndarray) -> None:
    row.features.update(again(trail_features(row.ties, belief(log_odds))))


def train(rows: Sequence[Row], without: str = "", trees: int = TREES) -> Trained:
    """Both forests; the second learns from beliefs that the first has not been trained on."""
    known = [n for n in rows[0].features if not n.startswith("again_")]
    first_names = [n for n in known if not _belongs(n, without)]
    for fold in range(FOLDS):
        model = grow([r for r in rows if fold_of(r) != fold], first_names, trees)
        for row in rows:
            if fold_of(row) == fold:
                look_again(row, scored(model, row, first_names))
    again_names = [n for n in rows[0].features if n.startswith("again_")]
    kept = [n for n in again_names if not _belongs(n.removeprefix("again_"), without)]
    second_names = [*first_names, *(kept if without != "second look" else [])]
    first = grow(rows, first_names, trees)
    return Trained(first, grow(rows, second_names, trees), first_names, second_names)


def _belongs(name: str, group: str) -> bool:
    return bool(group) and name.startswith(tuple(GROUPS[group].split()))


HOMES = {"hops": "musique"}
"""Families that go with another: MuSiQue's hops with MuSiQue."""


def left_out(rows: Sequence[Row], workers: int, without: str = "", trees: int = TREES) -> None:
    """Score each family by a model that was trained on all others."""
    kept = [row for row in rows if row.variant in CALIBRATED]
    tasks = [(kept, family, without, trees) for family in dict.fromkeys(FAMILIES.values())]
    _SHARED["tasks"] = tasks
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        found = pool.map(_without_family, range(len(tasks)), chunksize=1)
    for scores in found:
        for place, values in scores.items():
            kept[place].scores = values


_SHARED: dict[str, Any] = {}
"""What the worker processes find in their copy of the memory."""


def _without_family(number: int) -> dict[int, np.ndarray]:
    rows, family, without, trees = _SHARED["tasks"][number]
    held = [i for i, r in enumerate(rows) if HOMES.get(r.family, r.family) == family]
    trained = train([r for r in rows if HOMES.get(r.family, r.family) != family], without, trees)
    return {i: trained.score(rows[i]) for i in held}
