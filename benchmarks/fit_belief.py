"""Fit the extractive reasoner's belief: is the answer in what would be quoted?

    uv run --group benchmarks python benchmarks/fit_belief.py FOLDER

FOLDER holds the question sets; only their tune parts are read (see question_sets.py), and the
hard example questions. Prints the weights of `tools/reason/extractive/belief.py`, and the area
under the ROC curve of each set when it is left out of the fit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from answers import folded
from question_sets import half
from scipy.optimize import minimize

from suffice import Corpus, Document
from suffice.tools.reason.extractive.assess import Similarity, assess
from suffice.tools.reason.extractive.belief import SIGNS, signs
from suffice.tools.reason.extractive.outcome import told
from suffice.tools.reason.extractive.settle import settle
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.types import Passage, Query

EXAMPLES = Path(__file__).parent.parent / "examples"
LONG = ("northwind", "clapnq", "mtrag")
"""Sets whose answers are sentences: there a quote from a gold passage counts."""

SETS = ("examples", *LONG, "musique_train100")
MOST = 190
L2 = 3.0


def questions(name: str, folder: Path) -> list[dict[str, Any]]:
    path = (
        EXAMPLES / "questions-hard.jsonl"
        if name == "examples"
        else folder / name / "questions.jsonl"
    )
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if name in LONG:
        rows = [row for row in rows if half(row["id"]) == "tune"]
    for row in rows:
        turns = [text for who, text in row.get("history") or [] if who.lower() in ("user", "human")]
        row["question"] = " ".join([*turns[-2:], row["question"]])
    return rows[:: max(1, len(rows) // MOST)][:MOST]


def fill(corpus: Corpus, name: str, folder: Path) -> None:
    if name == "examples":
        corpus.add(EXAMPLES / "harbour")
        return
    lines = (folder / name / "passages.jsonl").read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    corpus.add(Document(id=r["id"], title=r["title"], text=r["text"]) for r in rows)


async def sample(
    corpus: Corpus, name: str, rows: Sequence[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    """Return set, answerable, answer in the quotes, and signs of each single-part question."""
    parts = corpus._parts
    similarity, found = Similarity(parts.embedder), []
    sufficiency = Sufficiency(parts.embedder)
    for row in rows:
        where = {"document_id": {"not_in": row["exclude"]}} if row.get("exclude") else None
        evidence = await ranked(parts, Query(text=row["question"], where=where))
        weighed = await assess(row["question"], evidence, similarity)
        settled = [settle(p, t) for p, t in zip(weighed.question.parts, weighed.tried, strict=True)]
        if len(settled) != 1 or settled[0].chosen is None or settled[0].chosen.lacks:
            continue
        quotes = [quote for claim in told(settled[0]) for quote in claim.quotes]
        hit = row["answerable"] and any(_hits(name, row, quote, evidence) for quote in quotes)
        estimate = await sufficiency.of(weighed.question.parts[0].text, evidence)
        found.append((name, row["answerable"], hit, signs(settled[0].chosen, estimate)))
    return found


async def ranked(parts: Any, query: Query) -> tuple[Passage, ...]:
    candidates = await parts.searcher.search(query)
    scores = await parts.reranker.rank(query.text, candidates)
    best = sorted(zip(scores, candidates, strict=True), key=lambda pair: -pair[0])[:20]
    return tuple(c.passage.model_copy(update={"score": float(score)}) for score, c in best)


def _hits(name: str, row: dict[str, Any], quote: Any, evidence: Sequence[Passage]) -> bool:
    if name in LONG:
        return any(p.id == quote.passage_id and p.document_id in row["gold"] for p in evidence)
    return any(folded(answer) in folded(quote.text) for answer in row["answers"])


def fit(sets: Any, values: Any, hits: Any) -> tuple[Any, float]:
    """Weighted logistic regression with a bias for each set; returns weights and mean bias."""
    names = sorted(set(sets))
    each = np.stack([(sets == name).astype(float) for name in names], axis=1)
    table, size = np.hstack([values, each]), values.shape[1]
    weight = np.zeros(len(hits))
    for name in names:
        for truth in (0.0, 1.0):
            chosen = (sets == name) & (hits == truth)
            weight[chosen] = 1.0 / max(1, chosen.sum())
    weight *= len(hits) / weight.sum()

    def loss(at: Any) -> tuple[float, Any]:
        said = 1 / (1 + np.exp(-table @ at))
        logs = hits * np.log(said + 1e-9) + (1 - hits) * np.log(1 - said + 1e-9)
        slope = table.T @ (weight * (said - hits))
        slope[:size] += L2 * at[:size]
        return float(-(weight * logs).sum() + L2 * 0.5 * (at[:size] ** 2).sum()), slope

    at = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B").x
    return at[:size], float(at[size:].mean())


def auc(scores: Any, hits: Any) -> float:
    above, below = scores[hits == 1][:, None], scores[hits == 0][None, :]
    return float(np.mean((above > below) + 0.5 * (above == below)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows: list[tuple[Any, ...]] = []
    for name in SETS:
        with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
            fill(corpus, name, folder)
            rows += corpus._loop.run(sample(corpus, name, questions(name, folder)))
    rows = [row for row in rows if row[2] or not row[1]]  # a wrong quote is neither case
    sets, hits = np.array([r[0] for r in rows]), np.array([float(r[2]) for r in rows])
    values = np.array([r[3] for r in rows])
    for name in SETS:
        weights, _ = fit(sets[sets != name], values[sets != name], hits[sets != name])
        area = auc(values[sets == name] @ weights, hits[sets == name])
        print(f"{name:18} left out: AUC {area:.3f} of {int((sets == name).sum())} questions")
    weights, bias = fit(sets, values, hits)
    print(
        {sign: round(float(w), 2) for sign, w in zip(SIGNS, weights, strict=True)}, round(bias, 2)
    )


if __name__ == "__main__":
    main()
