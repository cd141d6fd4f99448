"""How well the right passages are found: from BM25 to the trail and the evidence ranker.

    python benchmarks/retrieval.py FOLDER... [--half report] [--cache FOLDER] [--plots FOLDER]
    uv run --group benchmarks --extra fastembed python benchmarks/retrieval.py FOLDER...
        --reranker fastembed:Xenova/ms-marco-MiniLM-L-6-v2

Each FOLDER holds `passages.jsonl` and `questions.jsonl` (see question_sets.py). For each it
prints the recall of gold passages in the first 2, 5 and 10, the share of questions with all
gold in the first 5 and 10, with 95 % intervals from a bootstrap over questions, the recall
of the whole candidate list, and milliseconds per question. The corpus is built once; all
rankings answer the same questions from it. `bm25s` is run beside them where installed.
`--reranker` adds another reranker over the same candidates, by its provider string; it can
be given several times. The weights of fastembed's cross-encoders are fetched from the
Hugging Face Hub at the first run and kept, so they need a network once; where they cannot
be had, nothing is run.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from corpora import RememberingEmbedder, corpus_of
from question_sets import HALVED, Question, QuestionSet, read_set

from suffice.errors import SufficeError
from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.embed.protocol import Embedder
from suffice.tools.rerank import open_reranker
from suffice.tools.rerank.evidence import EvidenceReranker
from suffice.tools.rerank.protocol import Reranker
from suffice.tools.search import Searcher
from suffice.tools.store.protocol import SearchRequest, Store
from suffice.tools.types import Query

DEPTH = 50
DRAWS = 2000
MEASURES = ("recall@2", "recall@5", "recall@10", "all@5", "all@10", "candidates")

Rank = Callable[[Question], Awaitable[list[str]]]


@dataclass
class Clock:
    """Milliseconds of each part of a search, question by question."""

    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def timed(self, part: str, work: Awaitable[Any]) -> Any:
        start = time.perf_counter()
        try:
            return await work
        finally:
            self.parts[part].append(1000 * (time.perf_counter() - start))

    def __str__(self) -> str:
        return ", ".join(f"{k} {statistics.median(v):.1f}" for k, v in self.parts.items())


def measures(ranked: Sequence[str], gold: Sequence[str]) -> list[float]:
    """The MEASURES of one ranked list of document ids, each id once."""
    wanted, order = set(gold), list(dict.fromkeys(ranked))
    found = {k: len(wanted & set(order[:k])) / len(wanted) for k in (2, 5, 10)}
    every = len(wanted & set(order)) / len(wanted)
    return [found[2], found[5], found[10], float(found[5] == 1), float(found[10] == 1), every]


def rankings(
    store: Store, embedder: Embedder, clocks: dict[str, Clock], others: Sequence[Reranker] = ()
) -> dict[str, Rank]:
    sparse = Bm25()
    plain, trail = Searcher(store, embedder, sparse, None), Searcher(store, embedder, sparse)

    async def bm25(question: Question) -> list[str]:
        request = SearchRequest(sparse=sparse.embed_query(question.text), limit=DEPTH)
        return await _leg(store, request, clocks["BM25"])

    async def dense(question: Question) -> list[str]:
        clock = clocks["dense"]
        vector = (await clock.timed("embed", embedder.embed_queries([question.text])))[0]
        return await _leg(store, SearchRequest(dense=vector, limit=DEPTH), clock)

    async def searched(question: Question, searcher: Searcher, clock: Clock) -> list[Any]:
        await clock.timed("embed", embedder.embed_queries([question.text]))
        found = await clock.timed("search", searcher.search_many([Query(text=question.text)]))
        return list(found[0])

    async def hybrid(question: Question) -> list[str]:
        return _documents(await searched(question, plain, clocks["hybrid"]))

    async def with_trail(question: Question) -> list[str]:
        return _documents(await searched(question, trail, clocks["hybrid + trail"]))

    def reranked_by(reranker: Reranker) -> Rank:
        async def rank(question: Question) -> list[str]:
            clock = clocks[f"hybrid + trail + {reranker.name}"]
            found = await searched(question, trail, clock)
            scores = await clock.timed("rerank", reranker.rank(question.text, found))
            return _documents([found[i] for i in np.argsort(-np.array(scores), kind="stable")])

        return rank

    rerankers = [EvidenceReranker(embedder, sparse), *others]
    return {
        "BM25": bm25,
        "dense": dense,
        "hybrid": hybrid,
        "hybrid + trail": with_trail,
        **{f"hybrid + trail + {one.name}": reranked_by(one) for one in rerankers},
    }


async def _leg(store: Store, request: SearchRequest, clock: Clock) -> list[str]:
    hits = (await clock.timed("search", store.search([request])))[0]
    return [hit.passage.document_id for hit in hits]


def _documents(candidates: Sequence[Any]) -> list[str]:
    return [candidate.passage.document_id for candidate in candidates]


def bm25s_ranking(asked: QuestionSet) -> Rank:
    """BM25 by another hand, as a check that ours is not a weak one."""
    import bm25s

    texts = [f"{d.title}\n{d.text}" for d in asked.documents]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)

    async def rank(question: Question) -> list[str]:
        tokens = bm25s.tokenize([question.text], stopwords="en", show_progress=False)
        places, _ = index.retrieve(tokens, k=min(DEPTH, len(texts)), show_progress=False)
        return [asked.documents[int(i)].id for i in places[0]]

    return rank


async def run(
    asked: QuestionSet, embedder: RememberingEmbedder, others: Sequence[Reranker]
) -> dict[str, Any]:
    questions = [q for q in asked.questions if q.answerable and q.gold]
    clocks: dict[str, Clock] = defaultdict(Clock)
    table: dict[str, Any] = {}
    async with corpus_of(asked.documents, embedder, Bm25()) as store:
        embedder.save()
        ways = rankings(store, embedder, clocks, others)
        if importlib.util.find_spec("bm25s"):
            ways["bm25s"] = bm25s_ranking(asked)
        for name, rank in ways.items():
            embedder.forget_queries()
            values = np.array([measures(await rank(q), q.gold) for q in questions])
            table[name] = {"values": values, "clock": clocks[name]}
        passages = await store.count()
    print(f"\n{asked.name}: {passages:,} passages, {len(questions)} questions")
    print(f"{'':26}" + "".join(f"{name:>19}" for name in MEASURES))
    for name, row in table.items():
        print(f"{name:26}" + _cells(row["values"]) + f"   ms: {row['clock']}")
    return {name: _summary(row["values"]) for name, row in table.items()}


def _summary(values: np.ndarray) -> dict[str, Any]:
    low, high = _interval(values)
    found: dict[str, Any] = {"questions": len(values)}
    for place, measure in enumerate(MEASURES):
        found[measure] = float(values[:, place].mean())
        found[f"{measure} interval"] = [float(low[place]), float(high[place])]
    return found


def _interval(values: np.ndarray) -> Any:
    """Between what 95 % of resamples of the questions fall."""
    draws = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    return np.percentile(values[draws].mean(axis=1), [2.5, 97.5], axis=0)


def _cells(values: np.ndarray) -> str:
    """Means in per cent, each with its interval."""
    low, high = _interval(values)
    rows = zip(values.mean(axis=0), low, high, strict=True)
    return "".join(f"{100 * m:7.1f} ({100 * a:4.1f}–{100 * b:5.1f})" for m, a, b in rows)


def plot(results: dict[str, dict[str, Any]], folder: Path) -> None:
    """Recall@5 and all gold in the first 5, way by way, as one SVG for each set."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    for name, table in results.items():
        questions = next(iter(table.values()))["questions"]
        figure, axes = pyplot.subplots(figsize=(7, 1 + 0.5 * len(table)), layout="constrained")
        places = np.arange(len(table))
        looks = (("recall@5", -0.2, "#20639b"), ("all@5", 0.2, "#9fc4e3"))
        for measure, shift, colour in looks:
            values = [100 * row[measure] for row in table.values()]
            errors = np.abs(100 * np.array([row[f"{measure} interval"] for row in table.values()]))
            reach = np.abs(errors.T - np.array(values))
            line = {"ecolor": "#444444", "elinewidth": 1, "capsize": 2}
            bars = axes.barh(
                places + shift, values, 0.38, xerr=reach, error_kw=line, color=colour, label=measure
            )
            axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
        axes.set_yticks(places, list(table))
        axes.set_xlim(0, 112)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("per cent, with 95 % intervals")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"{name}: {questions} questions")
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        pyplot.close(figure)


def opened(names: Sequence[str]) -> list[Reranker]:
    """The rerankers of these provider strings; says why and stops where one cannot be had."""
    found = []
    for name in names:
        try:
            reranker = open_reranker(name)
        except SufficeError as error:
            sys.exit(f"--reranker {name}: {error}\nNothing was run; the rest runs without it.")
        if reranker is not None:
            found.append(reranker)
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--half", choices=("tune", "report"), help="of the sets that are halved")
    parser.add_argument("--cache", type=Path, default=Path(".build/vectors"))
    parser.add_argument("--reranker", action="append", default=[], help="fastembed:MODEL, …")
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    others = opened(asked.reranker)
    inner = open_embedder("minilm")
    assert inner is not None
    embedder = RememberingEmbedder(inner, asked.cache)
    results = {}
    for folder in asked.folders:
        whole = read_set(folder)
        part = whole.part(asked.half) if asked.half and whole.name in HALVED else whole
        results[whole.name] = await run(part, embedder, others)
    for held in (embedder, *others):
        await held.close()
    if asked.plots:
        plot(results, asked.plots)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
