"""Trains the model of the `evidence` reranker and writes it where the package keeps it.

    python benchmarks/train_evidence.py FOLDER [--cache FOLDER] [--out FILE]

FOLDER holds the question sets named in FAMILIES. The same folder gives the same file.
Each set is asked as it is, without titles, with one title on everything, all sets merged
into one corpus, and by words alone. Every family is also left out once, and the model
trained on the others is measured on it; those predictions calibrate the final one.
Needs lightgbm and scipy, which the package itself does not.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from corpora import RememberingEmbedder, corpus_of
from question_sets import HALVED, Question, QuestionSet, merged, read_hops, read_set
from scipy.optimize import minimize

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.rerank import evidence_features as ef
from suffice.tools.rerank.evidence import again, belief, read_model
from suffice.tools.rerank.evidence_pool import Stems, read_pool
from suffice.tools.search import Searcher
from suffice.tools.types import Query

FAMILIES = {
    "hotpotqa_train100": "hotpot",
    "musique_train100": "musique",
    "2wiki_train500": "2wiki",
    "chunking472": "chunking",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
}
VARIANT_WEIGHTS = {"plain": 1.0, "merged": 1.0, "untitled": 0.4, "one title": 0.3, "words": 0.3}
CALIBRATED = ("plain", "merged")
"""The variants on which families are left out in turn."""

UNANSWERABLE_WEIGHT = 0.5
SPREAD = 0.6
"""How far small families are weighed up to large ones: 0 not at all, 1 fully."""

FOLDS = 3
BATCH = 16
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
    cosine_ratio bm25_ratio bm25_share covered named near pairs forward said gain_linked
    one_step forward_sum forward_named belief
"""
_FALLING = """
    cosine_gap cosine_rank bm25_rank bm25_gap covered_gap hybrid_gap hybrid_rank near_gap
    belief_gap belief_rank alike_gap title_common
"""
RISING, FALLING = frozenset(_RISING.split()), frozenset(_FALLING.split())
"""Features that can speak only one way, whatever a small training set may suggest."""


@dataclass
class Row:
    """One question in one variant: its candidates, their features, and which are gold."""

    family: str
    variant: str
    question: Question
    documents: list[str]
    gold: np.ndarray
    features: dict[str, np.ndarray]
    ties: ef.Ties
    hybrid: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))


# Gathering


async def gather(folder: Path, embedder: RememberingEmbedder) -> list[Row]:
    sets = [_tuned(read_set(folder / name)) for name in FAMILIES]
    hops = read_hops(folder / "musique_train100")
    together = merged(sets)
    rows = []
    for one in [*sets, hops]:
        rows += await rows_of(one, "plain", embedder)
        rows += await rows_of(thinned(one, 0.5), "words", None)
        rows += await rows_of(thinned(one.untitled(), 0.6), "untitled", embedder)
        if FAMILIES.get(one.name) in ("hotpot", "musique"):
            rows += await rows_of(thinned(one.untitled("Handbook"), 0.3), "one title", embedder)
        embedder.save()
    return rows + await rows_of(thinned(together, 0.5), "merged", embedder)


def _tuned(whole: QuestionSet) -> QuestionSet:
    kept = whole.part("tune") if whole.name in HALVED else whole
    told = tuple(q for q in kept.questions if q.answerable or whole.name in HALVED)
    return replace(kept, questions=tuple(q for q in told if q.gold or not q.answerable))


def thinned(whole: QuestionSet, share: float) -> QuestionSet:
    kept = tuple(q for q in whole.questions if _draw("thin", q.id) < share)
    return replace(whole, questions=kept)


def _draw(purpose: str, name: str) -> float:
    digest = hashlib.sha256(f"{purpose}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


async def rows_of(
    asked: QuestionSet, variant: str, embedder: RememberingEmbedder | None
) -> list[Row]:
    sparse = Bm25()
    rows: list[Row] = []
    async with corpus_of(asked.documents, embedder, sparse) as store:
        searcher = Searcher(store, embedder, sparse)
        stems = Stems(sparse)
        for start in range(0, len(asked.questions), BATCH):
            batch = asked.questions[start : start + BATCH]
            found = await searcher.search_many([Query(text=q.text) for q in batch])
            vectors = await embedder.embed_queries([q.text for q in batch]) if embedder else None
            for i, (question, candidates) in enumerate(zip(batch, found, strict=True)):
                dense = [c.dense for c in candidates] if vectors else None
                if candidates:
                    pool = read_pool(
                        question.text, candidates, vectors and vectors[i], dense, sparse, stems
                    )
                    rows.append(_row(asked, variant, question, candidates, pool))
    print(f"{asked.name}, {variant}: {len(rows)} questions", flush=True)
    return rows


def _row(
    asked: QuestionSet, variant: str, question: Question, candidates: Sequence[Any], pool: Any
) -> Row:
    own, ties, hybrid = ef.own_features(pool)
    documents = [c.passage.document_id for c in candidates]
    first = {**own, **ef.trail_features(ties, ef.first_belief(hybrid))}
    gold = np.array([d in question.gold for d in documents] if question.answerable else False)
    family = FAMILIES.get(asked.name) or ("hops" if asked.name.endswith("-hops") else "")
    if asked.name == "merged":
        family = FAMILIES[_home(question)]
    gold = np.broadcast_to(gold, (len(documents),)).astype(int)
    return Row(family, variant, question, documents, gold, first, ties, hybrid)


def _home(question: Question) -> str:
    if not question.gold:
        return "mtrag"
    return question.gold[0].split("/", 1)[0]


# Training


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
    columns = np.concatenate([ef.stacked(row.features, names) for row in rows])
    gold = np.concatenate([row.gold for row in rows])
    data = lightgbm.Dataset(columns, gold, weight=weights(rows), params={"max_bin": 63})
    settings = {**SETTINGS, "monotone_constraints": constraints}
    return lightgbm.train(settings, data, num_boost_round=trees)


def scored(model: lightgbm.Booster, row: Row, names: Sequence[str]) -> np.ndarray:
    return np.asarray(model.predict(ef.stacked(row.features, names), raw_score=True))


def fold_of(row: Row) -> int:
    return int(_draw("fold", row.question.id) * FOLDS)


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
    row.features.update(again(ef.trail_features(row.ties, belief(log_odds))))


def train(rows: Sequence[Row]) -> Trained:
    """Both forests; the second learns from beliefs that the first has not been trained on."""
    first_names = [n for n in rows[0].features if not n.startswith("again_")]
    for fold in range(FOLDS):
        model = grow([r for r in rows if fold_of(r) != fold], first_names, TREES)
        for row in rows:
            if fold_of(row) == fold:
                look_again(row, scored(model, row, first_names))
    second_names = [*first_names, *(n for n in rows[0].features if n.startswith("again_"))]
    first = grow(rows, first_names, TREES)
    return Trained(first, grow(rows, second_names, TREES), first_names, second_names)


def left_out(rows: Sequence[Row]) -> None:
    """Score every family by a model that has not seen it; musique's hops go with musique."""
    homes = {"hops": "musique"}
    for family in dict.fromkeys(FAMILIES.values()):
        held = [r for r in rows if homes.get(r.family, r.family) == family]
        others = [r for r in rows if homes.get(r.family, r.family) != family]
        trained = train([r for r in others if r.variant in CALIBRATED])
        measured = [r for r in held if r.variant in CALIBRATED]
        for row in measured:
            row.scores = trained.score(row)
        report(measured)


def report(rows: Iterable[Row]) -> None:
    cells: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    for row in rows:
        if row.question.answerable:
            ranked, hybrid = _recall(row, row.scores), _recall(row, row.hybrid)
            cells[(row.family, row.variant)].append((*ranked, *hybrid))
    for (family, variant), values in cells.items():
        r5, all5, h5, hall5, pool = 100 * np.mean([(*v[:2], *v[3:5], v[2]) for v in values], axis=0)
        print(
            f"  without {family:10} {variant:10} n={len(values):4}  recall@5 {r5:5.1f}"
            f" (hybrid {h5:5.1f})  all@5 {all5:5.1f} ({hall5:5.1f})  pool {pool:5.1f}",
            flush=True,
        )


def _recall(row: Row, scores: np.ndarray) -> tuple[float, float, float]:
    order = [row.documents[i] for i in np.argsort(-scores, kind="stable")]
    gold = set(row.question.gold)
    found = len(gold & set(list(dict.fromkeys(order))[:5])) / len(gold)
    return found, float(found == 1), len(gold & set(order)) / len(gold)


def calibrate(rows: Sequence[Row]) -> tuple[float, float]:
    """Slope and offset in log-odds that make the left-out predictions most likely."""
    kept = [row for row in rows if row.variant in CALIBRATED]
    x = np.concatenate([row.scores for row in kept])
    y = np.concatenate([row.gold for row in kept])
    w = weights(kept)

    def loss(line: np.ndarray) -> float:
        z = line[0] * x + line[1]
        return float((w * (np.logaddexp(0, z) - y * z)).sum() / w.sum())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return round(float(slope), 4), round(float(offset), 4)


# Writing


def stored(trained: Trained, line: tuple[float, float]) -> dict[str, Any]:
    return {
        "trained_on": [*FAMILIES],
        "slope": line[0],
        "offset": line[1],
        "first": {"features": trained.first_names, **forest(trained.first)},
        "second": {"features": trained.second_names, **forest(trained.second)},
    }


def forest(model: lightgbm.Booster) -> dict[str, Any]:
    trees = [tree(info["tree_structure"]) for info in model.dump_model()["tree_info"]]
    return {"depth": max(t.pop("depth") for t in trees), "trees": trees}


def tree(root: dict[str, Any]) -> dict[str, Any]:
    """A tree as parallel lists; leaves lead to themselves."""
    keys = ("feature", "threshold", "blank_left", "left", "right", "value")
    table: dict[str, Any] = {key: [] for key in keys}

    def place(node: dict[str, Any]) -> tuple[int, int]:
        number = len(table["value"])
        inner = "left_child" in node
        blanks = inner and node["missing_type"] == "NaN"
        table["feature"].append(node["split_feature"] if inner else 0)
        table["threshold"].append(_short(node["threshold"]) if inner else 0)
        left = node["default_left"] if blanks else inner and node["threshold"] >= 0
        table["blank_left"].append(int(left))
        table["value"].append(0 if inner else _short(node["leaf_value"]))
        table["left"].append(number)
        table["right"].append(number)
        if not inner:
            return number, 0
        table["left"][number], left_depth = place(node["left_child"])
        table["right"][number], right_depth = place(node["right_child"])
        return number, 1 + max(left_depth, right_depth)

    _, table["depth"] = place(root)
    return table


def _short(number: float) -> float:
    return float(f"{number:.7g}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".build/vectors"))
    default = Path(__file__).parent.parent / "tools" / "rerank" / "evidence.json"
    parser.add_argument("--out", type=Path, default=default)
    asked = parser.parse_args()
    inner = open_embedder("minilm")
    assert inner is not None
    embedder = RememberingEmbedder(inner, asked.cache)
    rows = await gather(asked.folder, embedder)
    await embedder.close()
    left_out(rows)
    line = calibrate(rows)
    trained = train(rows)
    text = json.dumps(stored(trained, line), separators=(",", ":")) + "\n"
    read_model(json.loads(text))
    asked.out.write_text(text, encoding="utf-8")
    print(f"{asked.out}: {len(text):,} bytes, calibrated by {line}")


if __name__ == "__main__":
    asyncio.run(main())
