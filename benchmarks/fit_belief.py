"""Fit the extractive reasoner's belief: is the answer in what would be quoted?

    uv run --group benchmarks python benchmarks/fit_belief.py FOLDER [--cache FOLDER]

FOLDER holds the question sets; the cases are those of fit_sufficiency.py, which runs first and
may share its `--cache`. What the estimate of sufficiency says of a case is said by a head that
was fitted without it. Prints the weights of `tools/reason/extractive/belief.py`, made
straight so that they give probabilities over questions as people ask them, and the area under
the ROC curve of each set when its family is left out of the fit.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fit_sufficiency
import numpy as np
from answers import folded
from fit_sufficiency import auc
from scipy.optimize import minimize
from situations import Case, Seen
from tuning import CACHE, FAMILIES, RememberingReader, fold_heads, fold_of, gathered

from suffice.tools.embed import open_embedder
from suffice.tools.reason.extractive.assess import assess
from suffice.tools.reason.extractive.belief import SIGNS, signs
from suffice.tools.reason.extractive.outcome import told
from suffice.tools.reason.extractive.settle import settle
from suffice.tools.reason.protocol import Quote
from suffice.tools.reason.sufficiency.signs import BY_MEANING, BY_WORDS
from suffice.tools.types import Passage

LONG = ("northwind", "clapnq", "mtrag", "chunking472")
"""Sets whose answers are sentences: there a quote from a gold passage counts."""

L2 = 3.0


@dataclass
class Row:
    """A case that is believed or not: its signs, and whether the answer would be quoted."""

    case: Case
    signs: tuple[float, ...]
    hit: bool

    @property
    def family(self) -> str:
        return FAMILIES[self.case.set]


def gather(folder: Path, cache: Path) -> list[Row]:
    kept = gathered(folder, cache)
    rows = asyncio.run(fit_sufficiency.measured(kept, cache))
    odds = fit_sufficiency.held_out(rows, {**BY_WORDS, **BY_MEANING}, lambda row: row.fold)
    slope, offset = fit_sufficiency.calibrated(odds, rows)
    estimates = 1 / (1 + np.exp(-(slope * odds + offset)))
    return asyncio.run(_weighed(kept, estimates, cache))


async def _weighed(kept: Sequence[Seen], estimates: Sequence[float], cache: Path) -> list[Row]:
    """Return the cases of which something would be said, unless a required word is missing."""
    embedder = open_embedder("minilm")
    assert embedder is not None
    reader, found, heads = RememberingReader(embedder, cache), [], fold_heads(cache)
    for seen, estimate in zip(kept, estimates, strict=True):
        head = heads[fold_of(seen.case)]
        weighed = await assess(seen.case.question, seen.evidence, reader, head)
        settled = settle(weighed.question.parts[0], weighed.tried[0])
        if settled.chosen is None or settled.chosen.lacks:
            continue
        quotes = [quote for claim in told(settled) for quote in claim.quotes]
        hit = seen.case.answerable and any(_hits(seen.case, q, seen.evidence) for q in quotes)
        found.append(Row(seen.case, signs(settled.chosen, float(estimate)), hit))
    await embedder.close()
    return found


def _hits(case: Case, quote: Quote, evidence: Sequence[Passage]) -> bool:
    if case.set in LONG:
        return any(p.id == quote.passage_id and p.document_id in case.gold for p in evidence)
    return any(f" {folded(answer)} " in f" {folded(quote.text)} " for answer in case.answers)


def fit(rows: Sequence[Row]) -> tuple[Any, float]:
    """Weighted logistic regression with a bias for each set; returns weights and mean bias.

    A wrong quote from documents that do answer is neither the one case nor the other.
    """
    rows = [row for row in rows if row.hit or not row.case.answerable]
    names = sorted({row.case.set for row in rows})
    sets = np.array([row.case.set for row in rows])
    hits = np.array([float(row.hit) for row in rows])
    each = np.stack([(sets == name).astype(float) for name in names], axis=1)
    table, size = np.hstack([np.array([row.signs for row in rows]), each]), len(SIGNS)
    weight = np.zeros(len(hits))
    for name in names:
        for truth in (0.0, 1.0):
            chosen = (sets == name) & (hits == truth)
            weight[chosen] = 1.0 / max(1, chosen.sum())
    weight *= len(hits) / weight.sum()

    def loss(at: Any) -> tuple[float, Any]:
        odds = table @ at
        slope = table.T @ (weight * (1 / (1 + np.exp(-odds)) - hits))
        slope[:size] += L2 * at[:size]
        total = (weight * (np.logaddexp(0, odds) - hits * odds)).sum()
        return float(total + L2 * 0.5 * (at[:size] ** 2).sum()), slope

    at = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B").x
    return at[:size], float(at[size:].mean())


def straightened(rows: Sequence[Row], weights: Any, bias: float) -> tuple[float, float]:
    """Slope and offset that make log-odds those of a right quote, over questions as asked.

    Each set counts the same. Wrong quotes count as what they are.
    """
    asked = [row for row in rows if row.case.kind == "asked"]
    odds = np.array([row.signs for row in asked]) @ weights + bias
    hits = np.array([float(row.hit) for row in asked])
    sizes = Counter(row.case.set for row in asked)
    weight = np.array([1.0 / sizes[row.case.set] for row in asked])

    def loss(line: Any) -> float:
        said = line[0] * odds + line[1]
        return float((weight * (np.logaddexp(0, said) - hits * said)).sum())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(offset)


def report(rows: Sequence[Row]) -> None:
    for name, family in FAMILIES.items():
        weights, _ = fit([row for row in rows if row.family != family])
        mine = [row for row in rows if row.case.set == name]
        mine = [row for row in mine if row.hit or not row.case.answerable]
        hits = np.array([row.hit for row in mine])
        if 0 < hits.sum() < len(hits):
            area = auc(np.array([row.signs for row in mine]) @ weights, hits)
            print(f"{name:18} family left out: AUC {area:.3f} of {len(mine)} cases")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=CACHE)
    asked = parser.parse_args()
    rows = gather(asked.folder, asked.cache)
    report(rows)
    weights, bias = fit(rows)
    slope, offset = straightened(rows, weights, bias)
    print(f"straightened by {slope:.2f} and {offset:.2f}")
    print({s: round(slope * float(w), 2) for s, w in zip(SIGNS, weights, strict=True)})
    print("bias", round(slope * bias + offset, 2))


if __name__ == "__main__":
    main()
