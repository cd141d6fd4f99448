"""What a question costs as the corpus grows: the search, the trail and the ranking.

    python benchmarks/growth.py FOLDER [--sizes 5000 100000] [--questions 60]

Grows the corpus of a question set by synthetic passages: sentences drawn from the real ones
under titles that recombine real ones, with vectors that lie between two real ones and some
noise, so that no forward pass is needed. Questions are the set's own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from question_sets import QuestionSet, read_set

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.embed.protocol import Embedder
from suffice.tools.rerank.evidence import EvidenceReranker
from suffice.tools.search import Searcher
from suffice.tools.store import open_store
from suffice.tools.store.protocol import DocumentRecord, Entry, Manifest, Store
from suffice.tools.trail.names import enrich
from suffice.tools.types import Document, Passage, Query

BATCH = 2000
NOISE = 0.03


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
    for text in questions:
        moments = [time.perf_counter()]
        await embedder.embed_queries([text])
        moments.append(time.perf_counter())
        await plain.search_many([Query(text=text)])
        moments.append(time.perf_counter())
        found = (await trail.search_many([Query(text=text)]))[0]
        moments.append(time.perf_counter())
        await reranker.rank(text, found)
        moments.append(time.perf_counter())
        for name, start, end in zip(parts, moments, moments[1:], strict=False):
            parts[name].append(1000 * (end - start))
    rows = zip(parts["embed"], parts["with trail"], parts["rank"], strict=True)
    return {**parts, "whole": [sum(row) for row in rows]}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 100_000])
    parser.add_argument("--questions", type=int, default=60)
    chosen = parser.parse_args()
    asked = read_set(chosen.folder)
    embedder = open_embedder("minilm")
    assert embedder is not None
    texts = [f"{d.title}\n{d.text}" for d in asked.documents]
    real = np.stack(await embedder.embed_documents(texts))
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
            load = os.getloadavg()[0]
            print(f"{await store.count():,} passages, {len(questions)} questions, load {load:.1f}")
            for name, values in parts.items():
                high = statistics.quantiles(values, n=10)[-1]
                print(f"  {name:12} median {statistics.median(values):6.1f} ms, 90 % {high:6.1f}")
        await store.close()
    await embedder.close()


if __name__ == "__main__":
    asyncio.run(main())
