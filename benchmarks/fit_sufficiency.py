"""Fits the head that says whether the evidence answers, and writes it where the package keeps it.

    uv run --group benchmarks python benchmarks/fit_sufficiency.py FOLDER [--cache FOLDER]

FOLDER holds the question sets; only their tune parts are read (see question_sets.py), the hard
example questions, and those of `handbooks/`. Each question is asked in earnest, as it is and, of
some, once more with the passages withheld that carry its answer. `--cache` keeps what was
seen, for a fit with other signs; delete it after a change to search, reranking or reasoning.
Prints the area under the ROC curve for questions held out, and for each family of sets left out
of the fit whole. The same folder gives the same file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from scipy.optimize import minimize
from situations import (
    EXAMPLES,
    HANDBOOKS,
    Case,
    Seen,
    documents,
    draw,
    restored,
    see,
    stored,
    variants,
)
from train_evidence import forest

from suffice import Corpus
from suffice.tools.embed import open_embedder
from suffice.tools.reason.extractive.split import read
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.reason.sufficiency.head import FARTHEST, read_head, read_heads, table
from suffice.tools.reason.sufficiency.signs import BY_MEANING, BY_WORDS, FORM

FAMILIES = {
    "musique_train100": "multi-hop",
    "hotpotqa_train100": "multi-hop",
    "2wiki_train500": "multi-hop",
    "chunking472": "chunking",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
    "examples": "examples",
    "clinic": "handbooks",
    "foundry": "handbooks",
}
KINDS = {"asked": 1.0, "withheld": 0.5}
"""What a case of each kind counts for in the fit."""

WITHHELD = {
    "clapnq": 0.5,
    "mtrag": 0.5,
    "examples": 1.0,
    "hotpotqa_train100": 1.0,
    "2wiki_train500": 1.0,
    "chunking472": 1.0,
    "clinic": 0.5,
    "foundry": 0.5,
}
"""The share of a set's answerable questions that is asked again with its answer withheld. Not
in northwind, which says most things twice, nor in musique, which has twins of its own."""

MOST = {"2wiki_train500": 100, "chunking472": 110}
"""Questions asked of the larger sets."""

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
    def several(self) -> bool:
        """Whether it takes several steps, one passage to the next."""
        return self.family == "multi-hop"

    @property
    def fold(self) -> int:
        """Twins, hops and variants of one question stay together."""
        name = self.case.id.split("/")[0].removesuffix("-U")
        return int(draw("fold", self.case.set, name) * FOLDS)


# Gathering


def gather(folder: Path, cache: Path) -> list[Seen]:
    """Return what was seen of the tuning cases of all sets; what the cache has is not asked."""
    kept: list[Seen] = []
    for name in FAMILIES:
        kept += _seen(_folder(name, folder), cache)
    return [seen for seen in kept if seen.evidence and _chosen(seen.case) and _single(seen.case)]


def _folder(name: str, folder: Path) -> Path:
    if FAMILIES[name] == "handbooks":
        return HANDBOOKS / name
    return EXAMPLES if name == "examples" else folder / name


def _seen(folder: Path, cache: Path) -> list[Seen]:
    file = cache / f"{folder.name}.jsonl"
    if not file.exists():
        with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
            corpus.add(documents(folder))
            cases = _most(folder.name, variants(folder))
            lines = [stored(seen) for seen in see(corpus, filter(_chosen, cases))]
        cache.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"  {folder.name}: {len(lines)} cases", flush=True)
    return [restored(line) for line in file.read_text("utf-8").splitlines()]


def _most(name: str, cases: Iterable[Case]) -> list[Case]:
    """The same questions of a large set each time, drawn by their names."""
    found = list(cases)
    ids = sorted({case.id for case in found}, key=lambda one: draw("pick", one))
    kept = set(ids[: MOST.get(name)])
    return [case for case in found if case.id in kept]


def _chosen(case: Case) -> bool:
    return case.kind == "asked" or draw("withheld", case.id) < WITHHELD.get(case.set, 0.0)


def _single(case: Case) -> bool:
    """Whether a question asks one thing: the parts of others are weighed one by one."""
    return len(read(case.question).parts) == 1


async def measured(kept: Sequence[Seen]) -> list[Row]:
    """Return the signs of each, in order."""
    embedder = open_embedder("minilm")
    assert embedder is not None
    sufficiency = Sufficiency(embedder)
    rows = [
        Row(seen.case, await sufficiency.signs(seen.case.question, seen.evidence)) for seen in kept
    ]
    await embedder.close()
    return rows


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
    parser.add_argument("--cache", type=Path)
    default = Path(__file__).parent.parent / "tools" / "reason" / "sufficiency" / "head.json"
    parser.add_argument("--out", type=Path, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as nothing:
        rows = asyncio.run(measured(gather(asked.folder, asked.cache or Path(nothing))))
    heads = {}
    for name, ways in (("by_meaning", {**BY_WORDS, **BY_MEANING}), ("by_words", BY_WORDS)):
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
