"""Trains the model of the `evidence` reranker and writes it where the package keeps it.

    python benchmarks/train_evidence.py FOLDER [--cache FOLDER] [--kept] [--out FILE] [--ablation]

FOLDER holds the question sets named in FAMILIES. The cache keeps vectors and, for --kept, the
candidates of the last run; from the same of both comes the same file.
With --ablation nothing is written: each group of features is left out in turn, and what the
model is worth without it, on families it was not trained on, is printed.
Each set is asked as it is, without titles, with one title on everything, all sets merged
into one corpus, and by words alone. Every family is also left out once, and the model
trained on the others is measured on it; those predictions calibrate the final one.
Needs lightgbm and scipy, which the package itself does not.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from evidence_forests import CALIBRATED, GROUPS, Trained, left_out, train, weights
from evidence_rows import FAMILIES, Row, gather
from scipy.optimize import minimize

from suffice.tools.rerank.evidence import read_model

ABLATION_TREES = 100
"""Half of what is shipped: the differences are the same, in half the time."""


def ablate(rows: Sequence[Row], workers: int) -> None:
    """Print the recall of models that lack a group of features, by kind of family."""
    plain = [row for row in rows if row.variant == "plain"]
    for group in ("", *GROUPS):
        left_out(plain, workers, group, ABLATION_TREES)
        cells = defaultdict(list)
        for row in plain:
            if row.question.answerable:
                cells[row.family].append(_recall(row, row.scores)[0])
        means = {family: 100 * float(np.mean(values)) for family, values in cells.items()}
        chained = np.mean([means[f] for f in ("hotpot", "musique", "2wiki")])
        single = np.mean([means[f] for f in means if f not in ("hotpot", "musique", "2wiki")])
        each = "  ".join(f"{family} {value:.1f}" for family, value in means.items())
        name = f"without {group}" if group else "all features"
        print(f"{name:28} multi-hop {chained:5.1f}  others {single:5.1f}   {each}", flush=True)


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


def calibration_error(rows: Sequence[Row], line: tuple[float, float]) -> float:
    """The expected calibration error of left-out predictions, in tenths; prints each tenth."""
    kept = [row for row in rows if row.variant in CALIBRATED]
    scores = np.concatenate([row.scores for row in kept])
    said = 1 / (1 + np.exp(-(line[0] * scores + line[1])))
    gold, weight = np.concatenate([row.gold for row in kept]), weights(kept)
    tenth = np.minimum((10 * said).astype(int), 9)
    error = 0.0
    for number in range(10):
        inside = (tenth == number) & (weight > 0)
        if inside.any():
            mean, true = (np.average(x[inside], weights=weight[inside]) for x in (said, gold))
            error += abs(mean - true) * weight[inside].sum() / weight.sum()
            print(f"  said {mean:.2f}, true {true:.2f}, {inside.sum():,} passages")
    return error


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".build/vectors"))
    default = Path(__file__).parent.parent / "tools" / "rerank" / "evidence.json"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    parser.add_argument("--kept", action="store_true", help="the last run's candidates again")
    parser.add_argument("--ablation", action="store_true")
    asked = parser.parse_args()
    rows = gather(asked.folder, asked.cache, asked.workers, again=not asked.kept)
    print(f"{len(rows):,} questions in all variants", flush=True)
    if asked.ablation:
        ablate(rows, asked.workers)
    else:
        fit(rows, asked.out, asked.workers)


def fit(rows: Sequence[Row], out: Path, workers: int) -> None:
    left_out(rows, workers)
    report(row for row in rows if row.variant in CALIBRATED)
    line = calibrate(rows)
    print(f"calibration error {calibration_error(rows, line):.4f}")
    trained = train(rows)
    text = json.dumps(stored(trained, line), separators=(",", ":")) + "\n"
    read_model(json.loads(text))
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(text):,} bytes, calibrated by {line}")


if __name__ == "__main__":
    main()
