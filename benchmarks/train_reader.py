"""Trains the reader of the extractive reasoner and writes it where the package keeps it.

    python benchmarks/train_reader.py FOLDER [--cache FOLDER] [--out FILE]

FOLDER holds the question sets named in FAMILIES; only their tune parts are read, and the hard
example questions. Every question is asked once with the reader as it is, and what had been
found at the end of that run is kept in the cache. A piece is right where it stands in a
supporting passage and holds the answer. Every family is also left out once, and the reader
trained on the others is measured on it. Needs lightgbm, which the package itself does not.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from answers import folded
from corpora import RememberingEmbedder
from question_sets import HALVED, half, read_hops
from train_evidence import forest

from suffice import Agent, Corpus, Document
from suffice.tools.embed import open_embedder
from suffice.tools.reason.extractive.assess import Similarity, along, compared
from suffice.tools.reason.extractive.bridge import bridges, mentions
from suffice.tools.reason.extractive.links import linked, steps
from suffice.tools.reason.extractive.signals import LINKED, OWN, linked_signals, own_signals
from suffice.tools.reason.extractive.split import read
from suffice.tools.reason.extractive.support import Sheet, read_units, sheet
from suffice.tools.types import Passage

EXAMPLES = Path(__file__).parent.parent / "examples"
FAMILIES = {
    "examples": "examples",
    "hotpotqa_train100": "hotpot",
    "musique_train100": "musique",
    "2wiki_train500": "2wiki",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
}
SENTENCES = ("clapnq", "northwind", "mtrag")
"""Families whose answers are sentences: a piece is right where most of its words are theirs."""

THEIRS = 0.6
MOST = 190
FOLDS = 3
TREES = (100, 120)
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
    relation relation_best phrase pull first first_best first_passage link_start
    link_nearness link_similarity link_open link_cover link_named link_typed
"""
_FALLING = "required_open open first_rank similarity_rank"
RISING, FALLING = frozenset(_RISING.split()), frozenset(_FALLING.split())
"""Signals that can speak only one way, whatever a small training set may suggest."""


@dataclass
class Row:
    """One question: its sheet, and for each unit whether it bears on it and holds the answer."""

    family: str
    question: dict[str, Any]
    sheet: Sheet
    answers: np.ndarray
    bears: np.ndarray
    own: np.ndarray
    words: bool = False
    first: np.ndarray = field(default_factory=lambda: np.zeros(0))
    table: np.ndarray = field(default_factory=lambda: np.zeros(0))


# Gathering


def asked(name: str, folder: Path) -> list[dict[str, Any]]:
    """The questions of a set to train on; of hop chains, the single steps as well."""
    if name == "examples":
        return _lines(EXAMPLES / "questions-hard.jsonl")
    rows = _lines(folder / name / "questions.jsonl")
    if name in HALVED:
        rows = [row for row in rows if half(row["id"]) == "tune"]
    for row in rows:
        turns = [text for who, text in row.get("history") or [] if who.lower() == "user"]
        row["question"] = " ".join([*turns[-2:], row["question"]])
    rows = rows[:: max(1, len(rows) // MOST)][: MOST + 10]
    if name.startswith("musique"):
        answers = {h["gold"]: h["answer"] for r in rows for h in r.get("hops") or []}
        for hop in read_hops(folder / name).questions[:MOST]:
            told = [answers[gold] for gold in hop.gold if gold in answers]
            rows.append({"id": hop.id, "question": hop.text, "gold": list(hop.gold),
                         "answers": told, "answerable": True})  # fmt: skip
    return rows


def found(name: str, folder: Path, cache: Path) -> Iterator[tuple[dict[str, Any], list[Passage]]]:
    """Ask every question of a set; yield it with what had been found at the end."""
    kept = cache / f"{name}.jsonl"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text("\n".join(_ask_all(name, folder)), encoding="utf-8")
    for row in _lines(kept):
        yield row["q"], [Passage(**passage) for passage in row["evidence"]]


def _ask_all(name: str, folder: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
        if name == "examples":
            corpus.add(EXAMPLES / "harbour")
        else:
            rows = _lines(folder / name / "passages.jsonl")
            corpus.add(Document(id=r["id"], title=r["title"], text=r["text"]) for r in rows)
        with Agent(corpus, small="none") as agent:
            for row in asked(name, folder):
                hidden = row.get("exclude")
                where = {"document_id": {"not_in": hidden}} if hidden else None
                passages = agent.ask(row["question"], where=where).passages
                yield json.dumps({"q": row, "evidence": [p.model_dump() for p in passages]})


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


async def gather(folder: Path, cache: Path, similarity: Similarity) -> list[Row]:
    rows = []
    for name, family in FAMILIES.items():
        for question, passages in found(name, folder, cache):
            parts = read(question["question"]).parts
            if len(parts) == 1 and passages and parts[0].terms:
                rows += await _rows(family, question, passages, similarity)
        print(family, Counter(r.family for r in rows)[family], flush=True)
    return rows


async def _rows(
    family: str, question: dict[str, Any], passages: Sequence[Passage], similarity: Similarity
) -> list[Row]:
    """The question with meanings compared, and for some by words alone."""
    made = sheet(read(question["question"]).parts[0], passages, read_units(passages))
    answers = _answers(family, question, made)
    if question["answerable"] and not answers.any():
        return []  # a yes or no, or not found: nothing to learn
    bears = answers | _bears(question, made, answers)
    row = Row(family, question, made, answers, bears, np.zeros(0))
    near = await compared(made, similarity)
    both = [replace(row, sheet=near, own=own_signals(near))]
    if _draw(question["id"]) < 0.3:
        both.append(replace(row, own=own_signals(made), words=True))
    return both


def _answers(family: str, question: dict[str, Any], made: Sheet) -> np.ndarray:
    gold, golds = set(question["gold"]), [folded(a) for a in question["answers"]]
    found = np.zeros(len(made.units), dtype=bool)
    for row, unit in enumerate(made.units):
        passage = made.passages[unit.passage]
        if not gold & {passage.document_id, passage.source} and not _at(passage.source, gold):
            continue
        said = folded(unit.text)
        if family in SENTENCES:
            theirs, ours = set(" ".join(golds).split()), said.split()
            found[row] = len(ours) > 4 and sum(w in theirs for w in ours) >= THEIRS * len(ours)
        else:
            found[row] = any(g and f" {g} " in f" {said} " for g in golds)
    return found


def _at(source: str, gold: set[str]) -> bool:
    return any(source.endswith("/" + g) for g in gold)


def _bears(question: dict[str, Any], made: Sheet, answers: np.ndarray) -> np.ndarray:
    """Which units of supporting passages name what a right unit speaks of."""
    gold = set(question["gold"])
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


def _draw(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32


# Training


def weights(rows: Sequence[Row], labels: Sequence[np.ndarray]) -> np.ndarray:
    """A question counts as much as another of its family, families alike by the square root."""
    counts = Counter(row.family for row in rows)
    parts = []
    for row, label in zip(rows, labels, strict=True):
        weight = (100 / counts[row.family]) ** 0.5 * (0.5 if row.words else 1.0)
        weight *= 1.0 if row.question["answerable"] else 0.5
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
    rows: Sequence[Row], first: Sequence[np.ndarray], similarity: Similarity
) -> None:
    for row, odds in zip(rows, first, strict=True):
        followed = steps(row.sheet, odds)
        cosines = None if row.words else await along(row.sheet, followed, similarity)
        links = linked(row.sheet, odds, followed, cosines)
        row.first = odds
        row.sheet = replace(row.sheet, first=odds, links=links)
        row.table = np.hstack([row.own, linked_signals(row.sheet, odds, links)])


def folds(rows: Sequence[Row]) -> np.ndarray:
    return np.array([int(_draw("fold" + row.question["id"]) * FOLDS) for row in rows])


async def train(
    rows: Sequence[Row], similarity: Similarity
) -> tuple[lightgbm.Booster, lightgbm.Booster]:
    """Both forests; the second sees what the first says of questions it was not grown on."""
    fold = folds(rows)
    odds: list[Any] = [None] * len(rows)
    for k in range(FOLDS):
        model = _first([r for r, f in zip(rows, fold, strict=True) if f != k])
        for i in np.flatnonzero(fold == k):
            odds[i] = model.predict(rows[i].own, raw_score=True)
    await with_links(rows, odds, similarity)
    return _first(rows), _second(rows)


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
        kind = str(row.question.get("type", "hop")) if row.family in ("examples",) else ""
        cells[kind].append([row.answers[order[:k]].any() for k in (1, 2, 3, 5)])
    for kind, hits in cells.items():
        print(f"  {name:12} {kind:12} n={len(hits):4}  right in 1, 2, 3, 5:",
              (100 * np.mean(hits, axis=0)).round(1), flush=True)  # fmt: skip


def stored(first: lightgbm.Booster, second: lightgbm.Booster) -> dict[str, Any]:
    return {
        "first": {"signals": list(OWN), **forest(first)},
        "second": {"signals": list(OWN + LINKED), **forest(second)},
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".build/reader"))
    default = Path(__file__).parent.parent / "tools" / "reason" / "extractive" / "reader.json"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--report", action="store_true", help="leave every family out once")
    chosen = parser.parse_args()
    inner = open_embedder("minilm")
    assert inner is not None
    embedder = RememberingEmbedder(inner, chosen.cache)
    similarity = Similarity(embedder)
    rows = await gather(chosen.folder, chosen.cache, similarity)
    for family in dict.fromkeys(FAMILIES.values() if chosen.report else ()):
        held = [r for r in rows if r.family == family]
        first, second = await train([r for r in rows if r.family != family], similarity)
        await with_links(held, [first.predict(r.own, raw_score=True) for r in held], similarity)
        report(family, held, [second.predict(r.table, raw_score=True) for r in held])
    first, second = await train(rows, similarity)
    embedder.save()
    await embedder.close()
    text = json.dumps(stored(first, second), separators=(",", ":")) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    print(f"{chosen.out}: {len(text):,} bytes")


if __name__ == "__main__":
    asyncio.run(main())
