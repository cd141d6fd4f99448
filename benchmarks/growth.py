"""What a question costs as the corpus grows: the search, the trail and the ranking.

    python benchmarks/growth.py FOLDER [--sizes 5000 20000 100000] [--questions 30] [--plots FOLDER]

Prints the parts of a question (`whole` is embed + with trail + rank; `plain` is what a search
without trail and ranker costs, embedding included), and beside them the same hybrid search
by hand: one matrix product and `bm25s`, on arrays in memory. Then what the mention index
costs when adding, and the memory that the ranker keeps.

Grows the corpus of a question set by synthetic passages: sentences drawn from the real ones
under titles that recombine real ones, with vectors that lie between two real ones and some
noise, so that no forward pass is needed. Questions are the set's own.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from question_sets import QuestionSet, read_set

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.embed.protocol import Embedder
from suffice.tools.rerank.evidence import EvidenceReranker, shipped_model
from suffice.tools.rerank.evidence_pool import Texts
from suffice.tools.search import Searcher
from suffice.tools.store import open_store
from suffice.tools.store.protocol import DocumentRecord, Entry, Manifest, Store
from suffice.tools.trail.names import enrich
from suffice.tools.types import Document, Passage, Query

BATCH = 2000
NOISE = 0.03
COSTED = 400
"""Passages by which the cost of adding is told."""


def synthetic(real: Sequence[Document], size: int) -> Iterator[Document]:
    draw = random.Random(0)
    sentences = [s for d in real for s in d.text.split(". ") if len(s) > 20]
    titles = [d.title.split() or ["Page"] for d in real]
    for number in range(size):
        title = " ".join(draw.choice(titles)[:2] + draw.choice(titles)[-1:])
        text = ". ".join(draw.choices(sentences, k=4))
        yield Document(id=f"s{number}", title=title, text=text)


def entries(documents: Sequence[Document], vectors: Sequence[Any]) -> list[Entry]:
    sparse = Bm25()
    made = []
    for document, vector in zip(documents, vectors, strict=True):
        passage = Passage(
            id=document.id, document_id=document.id, title=document.title, text=document.text
        )
        words = sparse.embed_document(f"{document.title}\n{document.text}")
        made.append(Entry(passage, words, vector, dict(enrich(passage))))
    return made


async def put(store: Store, documents: Sequence[Document], vectors: Sequence[Any]) -> None:
    records = [DocumentRecord(d, "hash", passages=1) for d in documents]
    await store.upsert(records, entries(documents, vectors))


async def grow(store: Store, asked: QuestionSet, real: np.ndarray, start: int, size: int) -> None:
    random_ = np.random.default_rng(start)
    made = list(synthetic(asked.documents, size))[start:]
    for first in range(0, len(made), BATCH):
        batch = made[first : first + BATCH]
        pairs = random_.integers(0, len(real), (2, len(batch)))
        mixed = real[pairs[0]] + real[pairs[1]]
        mixed = mixed + NOISE * random_.standard_normal(mixed.shape)
        units = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
        await put(store, batch, list(units))
    await store.optimize()


async def measure(
    store: Store, embedder: Embedder, questions: Sequence[str]
) -> dict[str, list[float]]:
    """Milliseconds of each part; every question is new, so its embedding is paid for."""
    sparse = Bm25()
    plain, trail = Searcher(store, embedder, sparse, None), Searcher(store, embedder, sparse)
    reranker = EvidenceReranker(embedder, sparse)
    parts: dict[str, list[float]] = {"embed": [], "hybrid": [], "with trail": [], "rank": []}
    await reranker.rank(questions[0], (await trail.search_many([Query(text=questions[0])]))[0])
    worked: dict[str, float] = dict.fromkeys(parts, 0.0)

    async def timed(name: str, work: Awaitable[Any]) -> Any:
        start, processor = time.perf_counter(), time.process_time()
        done = await work
        parts[name].append(1000 * (time.perf_counter() - start))
        worked[name] += 1000 * (time.process_time() - processor) / len(questions)
        return done

    for text in questions:
        await timed("embed", embedder.embed_queries([text]))
        await timed("hybrid", plain.search_many([Query(text=text)]))
        found = (await timed("with trail", trail.search_many([Query(text=text)])))[0]
        await timed("rank", reranker.rank(text, found))
    print("processor time, mean ms:", ", ".join(f"{k} {v:.1f}" for k, v in worked.items()))
    plain_rows = zip(parts["embed"], parts["hybrid"], strict=True)
    rows = zip(parts["embed"], parts["with trail"], parts["rank"], strict=True)
    whole = {"plain": [sum(row) for row in plain_rows], "whole": [sum(row) for row in rows]}
    return {**parts, **whole}


async def by_hand(store: Store, embedder: Embedder, questions: Sequence[str]) -> list[float]:
    """Milliseconds of a hybrid search over arrays: no filters, no updates, nothing on disk."""
    import bm25s

    hits = [hit async for hit in store.scroll(with_vectors=True)]
    rows = np.stack([hit.dense for hit in hits if hit.dense is not None])
    index = bm25s.BM25()
    texts = [f"{hit.passage.title}\n{hit.passage.text}" for hit in hits]
    index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)
    taken = []
    for text in questions:
        start = time.perf_counter()
        near = rows @ (await embedder.embed_queries([text]))[0]
        tokens = bm25s.tokenize([text], stopwords="en", show_progress=False, return_ids=False)[0]
        scores = near / near.std() + _standard(index.get_scores(tokens))
        np.argpartition(-scores, 10)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def _standard(scores: np.ndarray) -> np.ndarray:
    return np.asarray(scores / (scores.std() + 1e-9))


async def costs(asked: QuestionSet, embedder: Embedder) -> None:
    """Print what the mention index costs when adding, and what the ranker keeps in memory."""
    real = asked.documents[:COSTED]
    start = time.process_time()
    made = [enrich(Passage(id=d.id, document_id=d.id, title=d.title, text=d.text)) for d in real]
    mentions = time.process_time() - start
    start = time.process_time()
    await embedder.embed_documents([f"{d.title}\n{d.text}" for d in real])
    embedding = time.process_time() - start
    size = sum(len(key.encode()) for one in made for keys in one.values() for key in keys)
    print(
        f"mention index: {1000 * mentions / len(real):.2f} ms of processor time a passage, "
        f"{100 * mentions / embedding:.1f} % of its embedding; {size / len(real):.0f} bytes of keys"
    )
    tracemalloc.start()
    texts = Texts(Bm25())
    model = shipped_model()
    for document in real:
        texts.read(document.text)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    trees = len(model.first_forest.values) + len(model.second_forest.values)
    print(f"ranker: {kept / 1e6:.1f} MB of memory in all ({trees} trees, the last texts read)")


def plot(table: dict[int, dict[str, list[float]]], folder: Path) -> None:
    """Median milliseconds of each part over the size of the corpus, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name in next(iter(table.values())):
        medians = [statistics.median(row[name]) for row in table.values()]
        style = "-" if name in ("plain", "whole") else ":" if name == "by hand" else "--"
        axes.plot([*table], medians, style, marker="o", markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_xticks([*table], [f"{size:,}" for size in table])
    axes.minorticks_off()
    axes.set_ylim(0)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("passages")
    axes.set_ylabel("milliseconds a question, median")
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(folder / "growth.svg", metadata={"Date": None})
    pyplot.close(figure)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 20_000, 100_000])
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--plots", type=Path)
    chosen = parser.parse_args()
    asked = read_set(chosen.folder)
    embedder = open_embedder("minilm")
    assert embedder is not None
    texts = [f"{d.title}\n{d.text}" for d in asked.documents]
    real = np.stack(await embedder.embed_documents(texts))
    await costs(asked, embedder)
    table: dict[int, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        manifest = Manifest(
            embedder=embedder.fingerprint,
            dimensions=embedder.dimensions,
            sparse=Bm25().fingerprint,
            created=datetime.now(UTC).isoformat(),
            suffice="benchmark",
        )
        await store.set_manifest(manifest)
        await put(store, asked.documents, list(real))
        have, place = 0, 0
        for size in chosen.sizes:
            await grow(store, asked, real, have, size - len(asked.documents))
            have = size - len(asked.documents)
            questions = [q.text for q in asked.questions[place : place + chosen.questions]]
            place += chosen.questions
            parts = await measure(store, embedder, questions)
            if importlib.util.find_spec("bm25s"):
                fresh = [f"{text} " for text in questions]  # not yet embedded
                parts["by hand"] = await by_hand(store, embedder, fresh)
            table[size] = parts
            load = os.getloadavg()[0]
            print(f"{await store.count():,} passages, {len(questions)} questions, load {load:.1f}")
            for name, values in parts.items():
                high = statistics.quantiles(values, n=10)[-1]
                print(f"  {name:12} median {statistics.median(values):6.1f} ms, 90 % {high:6.1f}")
        await store.close()
    await embedder.close()
    if chosen.plots:
        plot(table, chosen.plots)


if __name__ == "__main__":
    asyncio.run(main())
