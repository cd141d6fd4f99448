"""What the evidence ranker learns from: questions in several variants, by candidate."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from corpora import RememberingEmbedder, corpus_of
from question_sets import HALVED, Question, QuestionSet, merged, read_hops, read_set

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest.chunk import chunk, embedding_text
from suffice.tools.rerank import evidence_features as ef
from suffice.tools.rerank.evidence_pool import Texts, last_sentence, read_pool
from suffice.tools.rerank.evidence_ties import Ties, trail_features
from suffice.tools.search import Searcher
from suffice.tools.types import Query

FAMILIES = {
    "hotpotqa_train100": "hotpot",
    "musique_train100": "musique",
    "2wiki_train500": "2wiki",
    "chunking472": "chunking",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
}
VARIANT_WEIGHTS = {"plain": 1.0, "merged": 1.0, "untitled": 0.4, "one title": 0.3, "words": 0.3}

SHARES = {"2wiki_train500": 0.5}
"""Of a set much larger than the others, a part: its questions are much alike."""

BATCH = 16


@dataclass
class Row:
    """One question in one variant: its candidates, their features, and which are gold."""

    family: str
    variant: str
    question: Question
    documents: list[str]
    gold: np.ndarray
    features: dict[str, np.ndarray]
    ties: Ties
    hybrid: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Job:
    """A question set to gather candidates for, in one variant; by words alone or not."""

    asked: QuestionSet
    variant: str
    by_meaning: bool = True


def jobs_of(folder: Path) -> list[Job]:
    """All sets in all variants, in the order in which their rows are learned from."""
    sets = [tuned(read_set(folder / name)) for name in FAMILIES]
    jobs = []
    for one in [*sets, read_hops(folder / "musique_train100")]:
        jobs.append(Job(one, "plain"))
        jobs.append(Job(thinned(one, 0.5), "words", by_meaning=False))
        jobs.append(Job(thinned(one.untitled(), 0.6), "untitled"))
        if FAMILIES.get(one.name) in ("hotpot", "musique"):
            jobs.append(Job(thinned(one.untitled("Handbook"), 0.3), "one title"))
    return [*jobs, Job(thinned(merged(sets), 0.5), "merged")]


def gather(folder: Path, cache: Path, workers: int, *, again: bool = True) -> list[Row]:
    """The rows of all sets in all variants, gathered by several processes at once.

    They are kept in `cache`; where not `again`, those of the last run are read from there.
    """
    jobs = jobs_of(folder)
    files = [cache / f"{job.asked.name}, {job.variant}.rows" for job in jobs]
    if again:
        asyncio.run(_embed_passages(jobs, cache))
        # Started afresh: a fork would be without the threads of the embedder.
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, spawn) as pool:
            longest = sorted(zip(jobs, files, strict=True), key=lambda one: -_work(one[0]))
            for found in [pool.submit(_gather_one, job, cache, file) for job, file in longest]:
                found.result()
    return [row for file in files for row in pickle.loads(file.read_bytes())]


def _work(job: Job) -> int:
    return len(job.asked.questions) * len(job.asked.documents)


async def _embed_passages(jobs: Sequence[Job], cache: Path) -> None:
    """Embed all passages in one order, so that their batches do not depend on the processes."""
    embedder = _open(cache)
    for job in jobs:
        if job.by_meaning:
            passages = [p for document in job.asked.documents for p in chunk(document)]
            await embedder.embed_documents([embedding_text(p) for p in passages])
    embedder.save()
    await embedder.close()


def _gather_one(job: Job, cache: Path, file: Path) -> None:
    file.write_bytes(pickle.dumps(asyncio.run(rows_of(job, _open(cache))), protocol=5))


def _open(cache: Path) -> RememberingEmbedder:
    inner = open_embedder("minilm")
    assert inner is not None
    return RememberingEmbedder(inner, cache)


def tuned(whole: QuestionSet) -> QuestionSet:
    kept = whole.part("tune") if whole.name in HALVED else whole
    told = tuple(q for q in kept.questions if q.answerable or whole.name in HALVED)
    found = replace(kept, questions=tuple(q for q in told if q.gold or not q.answerable))
    return thinned(found, SHARES.get(whole.name, 1.0), "share")


def thinned(whole: QuestionSet, share: float, purpose: str = "thin") -> QuestionSet:
    kept = tuple(q for q in whole.questions if draw(purpose, q.id) < share)
    return replace(whole, questions=kept)


def draw(purpose: str, name: str) -> float:
    digest = hashlib.sha256(f"{purpose}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


async def rows_of(job: Job, remembering: RememberingEmbedder) -> list[Row]:
    embedder = remembering if job.by_meaning else None
    asked, sparse = job.asked, Bm25()
    rows: list[Row] = []
    async with corpus_of(asked.documents, embedder, sparse) as store:
        searcher = Searcher(store, embedder, sparse)
        texts = Texts(sparse)
        for start in range(0, len(asked.questions), BATCH):
            batch = asked.questions[start : start + BATCH]
            found = await searcher.search_many([Query(text=q.text) for q in batch])
            vectors = await _asked(batch, embedder) if embedder else None
            for i, (question, candidates) in enumerate(zip(batch, found, strict=True)):
                dense = [c.dense for c in candidates] if vectors else None
                if candidates:
                    pool = read_pool(
                        question.text, candidates, vectors and vectors[i], dense, sparse, texts
                    )
                    rows.append(_row(asked, job.variant, question, candidates, pool))
    print(f"{asked.name}, {job.variant}: {len(rows)} questions", flush=True)
    return rows


async def _asked(batch: Sequence[Question], embedder: RememberingEmbedder) -> list[Any]:
    """The vectors of each question: of all of it, and of its last sentence."""
    whole = await embedder.embed_queries([q.text for q in batch])
    last = await embedder.embed_queries([last_sentence(q.text) for q in batch])
    return list(zip(whole, last, strict=True))


def _row(
    asked: QuestionSet, variant: str, question: Question, candidates: Sequence[Any], pool: Any
) -> Row:
    own, ties, hybrid = ef.own_features(pool)
    documents = [c.passage.document_id for c in candidates]
    first = {**own, **trail_features(ties, ef.first_belief(hybrid))}
    gold = np.array([d in question.gold for d in documents] if question.answerable else False)
    family = FAMILIES.get(asked.name) or ("hops" if asked.name.endswith("-hops") else "")
    if asked.name == "merged":
        family = FAMILIES[_home(question)]
    gold = np.broadcast_to(gold, (len(documents),)).astype(int)
    return Row(family, variant, question, documents, gold, first, ties, hybrid)


def _home(question: Question) -> str:
    if not question.gold:
        return "mtrag"
    return question.gold[0].split("/", 1)[0]
