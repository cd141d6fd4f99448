"""Trains the reader of the extractive reasoner and writes it where the package keeps it.

    uv run --group benchmarks python benchmarks/train_reader.py FOLDER [--cache FOLDER] [--out FILE]

FOLDER holds the question sets; what is read of them, and of what else, says tuning.py, whose
`--cache` it shares with the two fits that come after it: fit_sufficiency.py, fit_belief.py.
Every question is asked once with the reader as it is, and what had been found at the end of
that run is kept. A piece is right where it stands in a supporting passage and holds the
answer. With `--report` every family is also left out once, and the reader trained on the
others is measured on it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from answers import folded
from situations import Case, Seen, draw
from train_evidence import forest
from tuning import (
    CACHE,
    FAMILIES,
    FOLDS,
    RememberingReader,
    fold_file,
    fold_of,
    gathered,
    gathered_steps,
)

from suffice.tools.embed import open_embedder
from suffice.tools.reason.extractive.bridge import bridges, mentions
from suffice.tools.reason.extractive.close import chosen
from suffice.tools.reason.extractive.links import linked, steps
from suffice.tools.reason.extractive.signals import LINKED, OWN, linked_signals, own_signals
from suffice.tools.reason.extractive.split import read
from suffice.tools.reason.extractive.support import Sheet, read_units, sheet

SENTENCES = ("clapnq", "northwind", "mtrag", "chunking472")
"""Sets whose answers are sentences: a piece is right where most of its words are theirs."""

SETS = {
    "musique_train100": "musique",
    "hotpotqa_train100": "hotpot",
    "2wiki_train500": "2wiki",
    **{name: family for name, family in FAMILIES.items() if family != "multi-hop"},
}
"""The family of each set, of which one is left out at a time."""

KINDS = ("single-hop", "bridge", "three-hop", "comparison", "conflict")
"""Types of questions that are reported apart."""

THEIRS = 0.6
TREES = (120, 150)
SETTINGS = {
    "objective": "binary",
    "num_leaves": 12,
    "learning_rate": 0.05,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "seed": 7,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_RISING = """
    own own_rare own_best own_relation own_relation_best cover cover_rare cover_best
    cover_relation cover_relation_best named passage_cover place similarity similarity_best
    relation relation_best phrase pull words words_best words_rest words_rest_best least
    first first_best first_passage link_start link_nearness link_similarity link_open
    link_cover link_named link_typed
"""
_FALLING = "required_open open first_rank similarity_rank"
RISING, FALLING = frozenset(_RISING.split()), frozenset(_FALLING.split())
"""Signals that can speak only one way, whatever a small training set may suggest."""


@dataclass
class Row:
    """One case: its sheet, and for each unit whether it bears on it and holds the answer."""

    case: Case
    sheet: Sheet
    answers: np.ndarray
    bears: np.ndarray
    own: np.ndarray
    words: bool = False
    first: np.ndarray = field(default_factory=lambda: np.zeros(0))
    table: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def family(self) -> str:
        return SETS[self.case.set]


# Gathering


async def gather(kept: Sequence[Seen], reader: RememberingReader) -> list[Row]:
    rows = []
    for seen in kept:
        (part,) = read(seen.case.question).parts
        if part.terms:
            rows += await _rows(seen, reader)
    print(dict(Counter(row.family for row in rows)), flush=True)
    return rows


async def _rows(seen: Seen, reader: RememberingReader) -> list[Row]:
    """The question with meanings compared, and for some by words alone."""
    (part,) = read(seen.case.question).parts
    made = chosen(sheet(part, seen.evidence, read_units(seen.evidence)))
    if not made.units:
        return []
    answers = _answers(seen.case, made)
    if seen.case.answerable and not answers.any():
        return []  # a yes or no, or not found: nothing to learn
    near = await reader.compared(made)
    row = Row(seen.case, near, answers, answers | _bears(seen.case, made, answers), np.zeros(0))
    both = [replace(row, own=own_signals(near))]
    if draw(seen.case.id) < 0.3:
        both.append(replace(row, sheet=made, own=own_signals(made), words=True))
    return both


def _answers(case: Case, made: Sheet) -> np.ndarray:
    gold, golds = set(case.gold), [folded(a) for a in case.answers]
    found = np.zeros(len(made.units), dtype=bool)
    for row, unit in enumerate(made.units if case.answerable else ()):
        passage = made.passages[unit.passage]
        if not gold & {passage.document_id, passage.source} and not _at(passage.source, gold):
            continue
        said = folded(unit.text)
        if case.set in SENTENCES:
            theirs, ours = set(" ".join(golds).split()), said.split()
            found[row] = len(ours) > 4 and sum(w in theirs for w in ours) >= THEIRS * len(ours)
        else:
            found[row] = any(g and f" {g} " in f" {said} " for g in golds)
    return found


def _at(source: str, gold: set[str]) -> bool:
    return any(source.endswith("/" + g) for g in gold)


def _bears(case: Case, made: Sheet, answers: np.ndarray) -> np.ndarray:
    """Which units of supporting passages name what a right unit speaks of."""
    gold = set(case.gold)
    found = np.zeros(len(made.units), dtype=bool)
    right = [made.units[row] for row in np.flatnonzero(answers)]
    for row, unit in enumerate(made.units):
        passage = made.passages[unit.passage]
        if (passage.document_id in gold or _at(passage.source, gold)) and not answers[row]:
            led = bridges(made.part, unit, made.small)
            found[row] = any(
                mentions(r, b) for r in right if r.passage != unit.passage for b in led
            )
    return found


# Training


def weights(rows: Sequence[Row], labels: Sequence[np.ndarray]) -> np.ndarray:
    """A question counts as much as another of its family, families alike by the square root."""
    counts = Counter(row.family for row in rows)
    parts = []
    for row, label in zip(rows, labels, strict=True):
        weight = (100 / counts[row.family]) ** 0.5 * (0.5 if row.words else 1.0)
        weight *= 1.0 if row.case.answerable else 0.5
        each = np.full(len(label), weight)
        each[label] *= 2.0 / max(1, label.sum()) ** 0.5
        parts.append(each)
    return np.concatenate(parts)


def grown(
    rows: Sequence[Row], tables: Sequence[np.ndarray], labels: Sequence[np.ndarray],
    names: Sequence[str], trees: int,
) -> lightgbm.Booster:  # fmt: skip
    data = lightgbm.Dataset(
        np.vstack(tables), np.concatenate(labels).astype(int), weight=weights(rows, labels),
        feature_name=list(names), free_raw_data=False,
    )  # fmt: skip
    ways = [int(name in RISING) - int(name in FALLING) for name in names]
    return lightgbm.train(SETTINGS | {"monotone_constraints": ways}, data, num_boost_round=trees)


async def with_links(
    rows: Sequence[Row], first: Sequence[np.ndarray], reader: RememberingReader
) -> None:
    for row, odds in zip(rows, first, strict=True):
        followed = steps(row.sheet, odds)
        cosines = None if row.words else await reader.along(row.sheet, followed)
        links = linked(row.sheet, odds, followed, cosines)
        row.first = odds
        row.sheet = replace(row.sheet, first=odds, links=links)
        row.table = np.hstack([row.own, linked_signals(row.sheet, odds, links)])


@dataclass
class Trained:
    """Both forests."""

    first: lightgbm.Booster
    second: lightgbm.Booster

    async def scores(self, rows: Sequence[Row], reader: RememberingReader) -> list[np.ndarray]:
        """Return what is said of rows that it was not trained on."""
        await with_links(rows, [self.first.predict(r.own, raw_score=True) for r in rows], reader)
        return [self.second.predict(row.table, raw_score=True) for row in rows]


async def train(rows: Sequence[Row], reader: RememberingReader) -> tuple[Trained, list[Trained]]:
    """Return what all rows make, and for each fold what the rows of the others do.

    The second forest sees what the first says of questions that this was not trained on.
    """
    fold = np.array([fold_of(row.case) for row in rows])
    firsts = [_first([rows[i] for i in np.flatnonzero(fold != k)]) for k in range(FOLDS)]
    odds = [firsts[k].predict(r.own, raw_score=True) for r, k in zip(rows, fold, strict=True)]
    await with_links(rows, odds, reader)
    seconds = [_second([rows[i] for i in np.flatnonzero(fold != k)]) for k in range(FOLDS)]
    parts = [Trained(*each) for each in zip(firsts, seconds, strict=True)]
    return Trained(_first(rows), _second(rows)), parts


def _first(rows: Sequence[Row]) -> lightgbm.Booster:
    return grown(rows, [r.own for r in rows], [r.bears for r in rows], OWN, TREES[0])


def _second(rows: Sequence[Row]) -> lightgbm.Booster:
    tables, labels = [r.table for r in rows], [r.answers for r in rows]
    return grown(rows, tables, labels, OWN + LINKED, TREES[1])


def report(name: str, rows: Sequence[Row], scores: Sequence[np.ndarray]) -> None:
    """How often one of the first k pieces is right."""
    told = [(r, s) for r, s in zip(rows, scores, strict=True) if r.answers.any() and not r.words]
    cells = defaultdict(list)
    for row, score in told:
        order = np.argsort(-score, kind="stable")
        kind = row.case.type if row.case.type in KINDS else ""
        cells[kind].append([row.answers[order[:k]].any() for k in (1, 2, 3, 5)])
    for kind, hits in cells.items():
        print(f"  {name:12} {kind:12} n={len(hits):4}  right in 1, 2, 3, 5:",
              (100 * np.mean(hits, axis=0)).round(1), flush=True)  # fmt: skip


def stored(trained: Trained) -> dict[str, Any]:
    return {
        "first": {"signals": list(OWN), **forest(trained.first)},
        "second": {"signals": list(OWN + LINKED), **forest(trained.second)},
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=CACHE)
    default = Path(__file__).parent.parent / "tools" / "reason" / "extractive" / "reader.json"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--report", action="store_true", help="leave every family out once")
    asked = parser.parse_args()
    kept = await asyncio.to_thread(_seen, asked.folder, asked.cache)
    await _train(kept, asked.cache, asked.out, report_too=asked.report)


def _seen(folder: Path, cache: Path) -> list[Seen]:
    return [*gathered(folder, cache), *gathered_steps(folder, cache)]


async def _train(kept: Sequence[Seen], cache: Path, out: Path, *, report_too: bool) -> None:
    embedder = open_embedder("minilm")
    assert embedder is not None
    reader = RememberingReader(embedder, cache)
    rows = await gather(kept, reader)
    for family in dict.fromkeys(SETS.values() if report_too else ()):
        held = [r for r in rows if r.family == family]
        without, _ = await train([r for r in rows if r.family != family], reader)
        report(family, held, await without.scores(held, reader))
    whole, parts = await train(rows, reader)
    await embedder.close()
    _write(out, stored(whole))
    for k, part in enumerate(parts):
        _write(fold_file(cache, k), stored(part))


def _write(out: Path, made: dict[str, Any]) -> None:
    text = json.dumps(made, separators=(",", ":")) + "\n"
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(text):,} bytes")


if __name__ == "__main__":
    asyncio.run(main())
