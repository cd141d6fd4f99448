"""Fits the head that says whether the evidence answers, and writes it where the package keeps it.

    uv run --group benchmarks python benchmarks/fit_sufficiency.py FOLDER [--cache FOLDER]

FOLDER holds the question sets; what is read of them, and of what else, says tuning.py. The cache
is that of train_reader.py, which runs first and leaves in it the readers of three folds. Each
question is asked in earnest, as it is and, of some, once more with the passages withheld that
carry its answer. Prints the area under the ROC curve for questions held out, and for each family
of sets left out of the fit whole. The same folder gives the same file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from scipy.optimize import minimize
from situations import Case, Seen, draw
from train_evidence import forest
from tuning import CACHE, FAMILIES, RememberingReader, fold_heads, fold_of, gathered

from suffice.tools.embed import open_embedder
from suffice.tools.reason.extractive.assess import weigh
from suffice.tools.reason.extractive.split import read
from suffice.tools.reason.extractive.support import read_units
from suffice.tools.reason.sufficiency.head import FARTHEST, read_head, read_heads, table
from suffice.tools.reason.sufficiency.signs import BY_MEANING, BY_WORDS, FORM, signs

KINDS = {"asked": 1.0, "withheld": 0.5}
"""What a case of each kind counts for in the fit."""

FOLDS = 5
L2 = 10.0
SETTINGS = {
    "objective": "binary",
    "num_leaves": 6,
    "learning_rate": 0.04,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "seed": 7,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
TREES = 250


@dataclass
class Row:
    case: Case
    signs: dict[str, float]

    @property
    def family(self) -> str:
        return FAMILIES[self.case.set]

    @property
    def several(self) -> bool:
        """Whether it takes several steps, one passage to the next."""
        return self.family == "multi-hop"

    @property
    def fold(self) -> int:
        """Twins, hops and variants of one question stay together."""
        return int(draw("fold", self.case.set, self.case.question_id) * FOLDS)


async def measured(kept: Sequence[Seen], cache: Path, *, by_meaning: bool = True) -> list[Row]:
    """Return the signs of each, in order; not `by_meaning`, as without an embedder."""
    embedder = open_embedder("minilm")
    assert embedder is not None
    reader = RememberingReader(embedder, cache) if by_meaning else None
    found, heads = [], fold_heads(cache)
    for seen in kept:
        (part,) = read(seen.case.question).parts
        head, pieces = heads[fold_of(seen.case)], read_units(seen.evidence)
        weighed = await weigh(part, seen.evidence, pieces, reader, head)
        found.append(Row(seen.case, signs(weighed)))
    await embedder.close()
    return found


# Fitting


def fit(rows: Sequence[Row], ways: dict[str, int]) -> dict[str, Any]:
    """Return the stored form of a head, not calibrated yet."""
    several = [row for row in rows if row.several]
    plain = [row for row in rows if not row.several]
    return {
        "gate": gate(rows),
        "plain": expert(plain, ways),
        "steps": expert(several or plain, ways),
        "slope": 1.0,
        "offset": 0.0,
    }


def gate(rows: Sequence[Row]) -> dict[str, Any]:
    """What tells questions of several steps by their form; both sorts count the same."""
    truth = np.array([float(row.several) for row in rows])
    weight = np.where(truth == 1, 1 / max(truth.sum(), 1), 1 / max((1 - truth).sum(), 1))
    return line(rows, dict.fromkeys(FORM, 0), truth, weight * len(rows) / weight.sum())


def expert(rows: Sequence[Row], ways: dict[str, int]) -> dict[str, Any]:
    truth = np.array([float(row.case.answerable) for row in rows])
    weight = weights(rows)
    ways = ways | dict.fromkeys(FORM, 0)
    constraints = {"monotone_constraints": [*ways.values()]}
    columns = table([row.signs for row in rows], [*ways])
    data = lightgbm.Dataset(columns, truth, weight=weight)
    trees = lightgbm.train({**SETTINGS, **constraints}, data, num_boost_round=TREES)
    return {"line": line(rows, ways, truth, weight), "forest": forest(trees)}


def line(rows: Sequence[Row], ways: dict[str, int], truth: Any, weight: Any) -> dict[str, Any]:
    """Logistic regression; each weight may speak only the way its sign is known to."""
    columns = table([row.signs for row in rows], [*ways])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of blanks has no median
        usual = np.nan_to_num(np.nanmedian(columns, axis=0))
    filled = np.where(np.isnan(columns), usual, columns)
    mean, spread = filled.mean(axis=0), filled.std(axis=0) + 1e-6
    scaled = np.clip((filled - mean) / spread, -FARTHEST, FARTHEST)
    found = _regressed(np.hstack([scaled, np.ones((len(rows), 1))]), truth, weight, ways)
    values = {"usual": usual, "mean": mean, "spread": spread, "weights": found[:-1]}
    short = {key: [float(f"{v:.6g}") for v in value] for key, value in values.items()}
    return {"signs": [*ways], **short, "bias": float(f"{found[-1]:.6g}")}


def _regressed(table_: Any, truth: Any, weight: Any, ways: dict[str, int]) -> Any:
    def loss(at: Any) -> tuple[float, Any]:
        said = table_ @ at
        slope = table_.T @ (weight * (1 / (1 + np.exp(-said)) - truth))
        slope[:-1] += L2 * at[:-1]
        total = (weight * (np.logaddexp(0, said) - truth * said)).sum()
        return float(total + L2 * 0.5 * (at[:-1] ** 2).sum()), slope

    ends = {1: (0, None), -1: (None, 0), 0: (None, None)}
    bounds = [*(ends[way] for way in ways.values()), (None, None)]
    start = np.zeros(table_.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x


def weights(rows: Sequence[Row]) -> Any:
    """By kind; each family counts the same, and so do both truths within it."""
    each = np.array([KINDS[row.case.kind] for row in rows])
    cells = [(row.family, row.case.answerable) for row in rows]
    for cell in set(cells):
        mine = np.array([one == cell for one in cells])
        each[mine] /= each[mine].sum()
    return each / each.mean()


def held_out(rows: Sequence[Row], ways: dict[str, int], group: Callable[[Row], Any]) -> Any:
    """Log-odds of each row by a fit that has not seen its group."""
    scores = np.zeros(len(rows))
    groups = [group(row) for row in rows]
    for one in dict.fromkeys(groups):
        seen = [row for row, its in zip(rows, groups, strict=True) if its != one]
        mine = [i for i, its in enumerate(groups) if its == one]
        scores[mine] = read_head(fit(seen, ways)).raw([rows[i].signs for i in mine])
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
        for kinds in (("asked",), ("asked", "withheld")):
            mine = np.array([r.case.set == name and r.case.kind in kinds for r in rows])
            if len(set(truth[mine])) == 2:
                figures = [auc(s[mine], truth[mine]) for s in (within, without, cosine)]
                print(
                    f"  {name:18} {'+'.join(kinds):18} n={mine.sum():4}  held out {figures[0]:.3f}"
                    f"  family left out {figures[1]:.3f}  cosine {figures[2]:.3f}",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=CACHE)
    default = Path(__file__).parent.parent / "tools" / "reason" / "sufficiency" / "head.json"
    parser.add_argument("--out", type=Path, default=default)
    asked = parser.parse_args()
    kept = gathered(asked.folder, asked.cache)
    heads = {}
    for name, ways in (("by_meaning", {**BY_WORDS, **BY_MEANING}), ("by_words", BY_WORDS)):
        by_meaning = name == "by_meaning"
        rows = asyncio.run(measured(kept, asked.cache, by_meaning=by_meaning))
        print(name, len(rows), "cases")
        within = held_out(rows, ways, lambda row: row.fold)
        without = held_out(rows, ways, lambda row: row.family)
        report(rows, within, without)
        slope, offset = calibrated(within, rows)
        heads[name] = fit(rows, ways) | {"slope": slope, "offset": offset}
    read_heads(heads)
    text = json.dumps({"fitted_on": [*FAMILIES], **heads}, separators=(",", ":")) + "\n"
    asked.out.write_text(text, encoding="utf-8")
    print(f"{asked.out}: {len(text):,} bytes")


if __name__ == "__main__":
    main()
