"""Fits the head that says whether the evidence answers, and writes it where the package keeps it.

    uv run --group benchmarks python benchmarks/fit_sufficiency.py FOLDER [--cache FOLDER]

FOLDER holds the question sets; only their tune parts are read (see question_sets.py), and the
hard example questions. Each question is asked in earnest, as it is and changed: with passages
that carry its answer withheld, with fewer of its earlier turns, one hop of it alone. `--cache`
keeps what was seen, for a fit with other signs; delete it after a change to search, reranking
or reasoning. Prints the area under the ROC curve for questions held out, and for each family
of sets left out of the fit whole. The same folder gives the same file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from scipy.optimize import minimize
from situations import EXAMPLES, Case, Seen, documents, draw, restored, see, stored, variants
from train_evidence import forest

from suffice import Corpus
from suffice.tools.embed import open_embedder
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.reason.sufficiency.head import FARTHEST, read_heads, table
from suffice.tools.reason.sufficiency.signs import BY_MEANING, BY_WORDS

FAMILIES = {
    "examples": "examples",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
    "musique_train100": "multi-hop",
    "hotpotqa_train100": "multi-hop",
    "2wiki_train500": "multi-hop",
    "chunking472": "chunking",
}
MOST = {"2wiki_train500": 60, "hotpotqa_train100": 60, "chunking472": 80}
"""Questions taken of the sets that have no unanswerable ones of their own."""

KINDS = {"asked": 1.0, "two turns": 0.3, "withheld": 0.5, "hop": 0.3, "withheld hop": 0.3}
"""What a case of each kind counts for in the fit."""

HOPS = 60
FOLDS = 5
L2 = 10.0
SETTINGS = {
    "objective": "binary",
    "num_leaves": 4,
    "learning_rate": 0.04,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "seed": 7,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
TREES = 200


@dataclass
class Row:
    case: Case
    signs: dict[str, float]

    @property
    def family(self) -> str:
        return FAMILIES[self.case.set]

    @property
    def fold(self) -> int:
        """Twins, hops and variants of one question stay together."""
        name = self.case.id.split("/")[0].removesuffix("-U")
        return int(draw("fold", self.case.set, name) * FOLDS)


# Gathering


def gather(folder: Path, cache: Path) -> list[Row]:
    kept: list[Seen] = []
    for name in FAMILIES:
        kept += _seen(EXAMPLES if name == "examples" else folder / name, cache)
    return asyncio.run(_measured(kept))


def _seen(folder: Path, cache: Path) -> list[Seen]:
    file = cache / f"{folder.name}.jsonl"
    if not file.exists():
        with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
            corpus.add(documents(folder))
            lines = [stored(seen) for seen in see(corpus, _chosen(folder))]
        cache.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"  {folder.name}: {len(lines)} cases", flush=True)
    return [restored(line) for line in file.read_text("utf-8").splitlines()]


def _chosen(folder: Path) -> Iterator[Case]:
    taken: Counter[str] = Counter()
    for case in variants(folder):
        limit = HOPS if "hop" in case.kind else MOST.get(folder.name, 10**6)
        taken[case.kind] += 1
        if taken[case.kind] <= limit:
            yield case


async def _measured(kept: Sequence[Seen]) -> list[Row]:
    embedder = open_embedder("minilm")
    assert embedder is not None
    sufficiency = Sufficiency(embedder)
    rows = []
    for seen in kept:
        if seen.evidence:
            signs = await sufficiency.signs(seen.case.question, seen.evidence)
            rows.append(Row(seen.case, signs))
    await embedder.close()
    return rows


# Fitting


@dataclass
class Fitted:
    """Both parts of a head before they are calibrated."""

    names: tuple[str, ...]
    usual: Any
    mean: Any
    spread: Any
    weights: Any
    bias: float
    trees: lightgbm.Booster

    def raw(self, rows: Sequence[Row]) -> Any:
        columns = table([row.signs for row in rows], self.names)
        scaled = _scaled(columns, self.usual, self.mean, self.spread)
        grown = self.trees.predict(columns, raw_score=True)
        return (scaled @ self.weights + self.bias + grown) / 2


def fit(rows: Sequence[Row], ways: dict[str, int]) -> Fitted:
    names = tuple(ways)
    columns = table([row.signs for row in rows], names)
    truth = np.array([float(row.case.answerable) for row in rows])
    weight = weights(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of blanks has no median
        usual = np.nan_to_num(np.nanmedian(columns, axis=0))
    filled = np.where(np.isnan(columns), usual, columns)
    mean, spread = filled.mean(axis=0), filled.std(axis=0) + 1e-6
    scaled = _scaled(columns, usual, mean, spread)
    line = _straight(scaled, truth, weight, ways)
    constraints = {"monotone_constraints": [*ways.values()]}
    data = lightgbm.Dataset(columns, truth, weight=weight)
    trees = lightgbm.train({**SETTINGS, **constraints}, data, num_boost_round=TREES)
    return Fitted(names, usual, mean, spread, line[:-1], float(line[-1]), trees)


def weights(rows: Sequence[Row]) -> Any:
    """By kind; a family counts for the root of its size, and both truths in it the same."""
    each = np.array([KINDS[row.case.kind] for row in rows])
    truth = np.array([row.case.answerable for row in rows])
    family = np.array([row.family for row in rows])
    for name in set(family):
        for answerable in (True, False):
            mine = (family == name) & (truth == answerable)
            if mine.any():
                each[mine] *= np.sqrt(each[family == name].sum()) / each[mine].sum()
    return each / each.mean()


def _scaled(columns: Any, usual: Any, mean: Any, spread: Any) -> Any:
    filled = np.where(np.isnan(columns), usual, columns)
    return np.clip((filled - mean) / spread, -FARTHEST, FARTHEST)


def _straight(scaled: Any, truth: Any, weight: Any, ways: dict[str, int]) -> Any:
    """Logistic regression; each weight may speak only the way its sign is known to."""
    size = scaled.shape[1]
    rows = np.hstack([scaled, np.ones((len(scaled), 1))])

    def loss(at: Any) -> tuple[float, Any]:
        said = rows @ at
        slope = rows.T @ (weight * (1 / (1 + np.exp(-said)) - truth))
        slope[:size] += L2 * at[:size]
        total = (weight * (np.logaddexp(0, said) - truth * said)).sum()
        return float(total + L2 * 0.5 * (at[:size] ** 2).sum()), slope

    bounds = [(0, None) if way > 0 else (None, 0) for way in ways.values()] + [(None, None)]
    start = np.zeros(size + 1)
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x


def held_out(rows: Sequence[Row], ways: dict[str, int], group: Callable[[Row], Any]) -> Any:
    """Log-odds of each row by a fit that has not seen its group."""
    scores = np.zeros(len(rows))
    groups = [group(row) for row in rows]
    for one in dict.fromkeys(groups):
        seen = [row for row, its in zip(rows, groups, strict=True) if its != one]
        mine = [i for i, its in enumerate(groups) if its == one]
        scores[mine] = fit(seen, ways).raw([rows[i] for i in mine])
    return scores


def calibrated(scores: Any, rows: Sequence[Row]) -> tuple[float, float]:
    """Slope and offset in log-odds that make the held-out truths most likely."""
    truth = np.array([float(row.case.answerable) for row in rows])
    weight = weights(rows)

    def loss(line: Any) -> float:
        said = line[0] * scores + line[1]
        return float((weight * (np.logaddexp(0, said) - truth * said)).sum())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return round(float(slope), 4), round(float(offset), 4)


def auc(scores: Any, truth: Any) -> float:
    above, below = scores[truth][:, None], scores[~truth][None, :]
    return float(np.mean((above > below) + 0.5 * (above == below))) if len(above) else np.nan


def report(rows: Sequence[Row], within: Any, without: Any) -> None:
    truth = np.array([row.case.answerable for row in rows])
    cosine = np.array([row.signs.get("cosine1", 0.0) for row in rows])
    for name in FAMILIES:
        for kinds in (("asked",), ("asked", "withheld"), ("hop", "withheld hop")):
            mine = np.array([r.case.set == name and r.case.kind in kinds for r in rows])
            if len(set(truth[mine])) == 2:
                figures = [auc(s[mine], truth[mine]) for s in (within, without, cosine)]
                print(
                    f"  {name:18} {'+'.join(kinds):18} n={mine.sum():4}  held out {figures[0]:.3f}"
                    f"  family left out {figures[1]:.3f}  cosine {figures[2]:.3f}",
                    flush=True,
                )


# Writing


def written(made: Fitted, line: tuple[float, float]) -> dict[str, Any]:
    def short(values: Any) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    return {
        "signs": made.names,
        "usual": short(made.usual),
        "mean": short(made.mean),
        "spread": short(made.spread),
        "weights": short(made.weights),
        "bias": float(f"{made.bias:.6g}"),
        "forest": forest(made.trees),
        "slope": line[0],
        "offset": line[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    default = Path(__file__).parent.parent / "tools" / "reason" / "sufficiency" / "head.json"
    parser.add_argument("--out", type=Path, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as nothing:
        rows = gather(asked.folder, asked.cache or Path(nothing))
    heads = {}
    for name, ways in (("by_meaning", {**BY_WORDS, **BY_MEANING}), ("by_words", BY_WORDS)):
        print(name, len(rows), "cases")
        within = held_out(rows, ways, lambda row: row.fold)
        without = held_out(rows, ways, lambda row: row.family)
        report(rows, within, without)
        heads[name] = written(fit(rows, ways), calibrated(within, rows))
    read_heads(heads)
    text = json.dumps({"fitted_on": [*FAMILIES], **heads}, separators=(",", ":")) + "\n"
    asked.out.write_text(text, encoding="utf-8")
    print(f"{asked.out}: {len(text):,} bytes")


if __name__ == "__main__":
    main()
