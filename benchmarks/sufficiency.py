"""How well it is known, without a language model, whether the documents answer a question.

    python benchmarks/sufficiency.py FOLDER [--half report|tune] [--sets NAME...] [--limit N]

FOLDER holds the question sets; those that are halved (see question_sets.py) are asked by half.
Every question is asked in earnest and the confidence of its answer taken: the area under the
ROC curve of answerable against not with its 95 % interval (bootstrap over questions, twins
together), beside that of the plain cosine of the best passage in the same run; the expected
calibration error against "answerable" and against "answered rightly", in ten bins of equal
size, as it comes and after a straight line in log-odds fitted to the other fold of two; and
the error that a perfectly calibrated figure would show with so few questions.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from answers import folded
from scipy.optimize import minimize
from situations import Case, Seen, cases, documents, draw, see

from suffice import Corpus
from suffice.tools.types import Query

SETS = ("clapnq", "northwind", "mtrag", "musique_dev100")
LONG = ("clapnq", "northwind", "mtrag")
"""Sets whose answers are sentences: there a quote from a gold passage counts as right."""

BINS = 10
RESAMPLES = 1000


def asked(folder: Path, half: str, limit: int | None) -> tuple[list[Seen], list[float]]:
    """Ask a set; return what was seen and the cosine of each question's best passage."""
    with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
        corpus.add(documents(folder))
        chosen = list(cases(folder, half))[:limit]
        cosines = [best_cosine(corpus, case) for case in chosen]
        return list(see(corpus, chosen)), cosines


def best_cosine(corpus: Corpus, case: Case) -> float:
    where = {"document_id": {"not_in": list(case.exclude)}} if case.exclude else None
    query = Query(text=case.question, where=where)
    found = corpus._loop.run(corpus._parts.searcher.search(query))
    return max((c.signals.get("cosine", 0.0) for c in found), default=0.0)


def right(seen: Seen) -> bool:
    """Whether a question was answered, and from the right place or in the right words."""
    if not seen.case.answerable or seen.status not in ("answered", "partial"):
        return False
    if seen.case.set in LONG:
        return any(document in seen.case.gold for document, _ in seen.quotes)
    quoted = folded(" | ".join(quote for _, quote in seen.quotes))
    return any(folded(answer) in quoted for answer in seen.case.answers)


def auc(scores: Any, truth: Any) -> float:
    above, below = scores[truth][:, None], scores[~truth][None, :]
    return float(np.mean((above > below) + 0.5 * (above == below)))


def interval(scores: Any, truth: Any, groups: Sequence[str]) -> tuple[float, float]:
    """The middle 95 % of the area over resampled questions; twins go together."""
    rng, names = np.random.default_rng(7), sorted(set(groups))
    members = [[i for i, group in enumerate(groups) if group == name] for name in names]
    found = []
    for _ in range(RESAMPLES):
        taken = rng.integers(0, len(names), len(names))
        rows = np.array([i for place in taken for i in members[place]])
        if 0 < truth[rows].sum() < len(rows):
            found.append(auc(scores[rows], truth[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def calibration_error(said: Any, truth: Any) -> float:
    """How far what is said lies from what holds, in bins of equal size."""
    parts = np.array_split(np.argsort(said, kind="stable"), min(BINS, len(said)))
    gaps = [len(part) * abs(said[part].mean() - truth[part].mean()) for part in parts]
    return float(sum(gaps) / len(said))


def floor(said: Any) -> float:
    """The error of a perfect figure, for chance alone: the mean over drawn truths."""
    rng = np.random.default_rng(7)
    drawn = [calibration_error(said, rng.random(len(said)) < said) for _ in range(200)]
    return float(np.mean(drawn))


def recalibrated(said: Any, truth: Any, folds: Any) -> Any:
    """Each fold by a line in log-odds that was fitted to the other."""
    kept = np.clip(said, 0.01, 0.99)
    odds, made = np.log(kept / (1 - kept)), np.zeros(len(said))
    for fold in (0, 1):
        x, y = odds[folds != fold], truth[folds != fold]

        def loss(line: Any, x: Any = x, y: Any = y) -> float:
            z = line[0] * x + line[1]
            return float((np.logaddexp(0, z) - y * z).mean() + 0.01 * line[0] ** 2)

        slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
        made[folds == fold] = 1 / (1 + np.exp(-(slope * odds[folds == fold] + offset)))
    return made


def line(name: str, seen: Sequence[Seen], cosines: Sequence[float]) -> str:
    said = np.array([one.confidence for one in seen])
    truth = np.array([one.case.answerable for one in seen])
    groups = [f"{one.case.set}/{one.case.id.removesuffix('-U')}" for one in seen]
    folds = np.array([int(draw("fold", group) < 0.5) for group in groups])
    low, high = interval(said, truth, groups)
    hits = np.array([right(one) for one in seen])
    after, hit_after = (recalibrated(said, t.astype(float), folds) for t in (truth, hits))
    return (
        f"{name:16}{len(seen):5}{truth.sum():5}  {auc(said, truth):.3f} ({low:.3f}-{high:.3f})"
        f"  {auc(np.array(cosines), truth):.3f}"
        f"  {calibration_error(said, truth):.3f} {calibration_error(after, truth):.3f}"
        f"  {calibration_error(said, hits):.3f} {calibration_error(hit_after, hits):.3f}"
        f"  {floor(after):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("report", "tune"), default="report")
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--limit", type=int)
    chosen = parser.parse_args()
    print(
        f"{'set':16}{'n':>5}{'yes':>5}  area (95 %)            cosine  answerable: ece, after"
        "  right: ece, after  chance"
    )
    every: list[Seen] = []
    cosines: list[float] = []
    for name in chosen.sets:
        seen, near = asked(chosen.folder / name, chosen.half, chosen.limit)
        print(line(name, seen, near), flush=True)
        every, cosines = every + seen, cosines + near
    if len(chosen.sets) > 1:
        print(line("together", every, cosines))


if __name__ == "__main__":
    main()
