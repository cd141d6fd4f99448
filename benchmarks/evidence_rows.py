"""What the evidence ranker learns from: questions in several variants, by candidate."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from corpora import RememberingEmbedder, corpus_of
from question_sets import HALVED, Question, QuestionSet, merged, read_hops, read_set

from suffice.tools.embed.bm25 import Bm25
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


async def gather(folder: Path, embedder: RememberingEmbedder) -> list[Row]:
    sets = [tuned(read_set(folder / name)) for name in FAMILIES]
    hops = read_hops(folder / "musique_train100")
    together = merged(sets)
    rows = []
    for one in [*sets, hops]:
        rows += await rows_of(one, "plain", embedder)
        rows += await rows_of(thinned(one, 0.5), "words", None)
        rows += await rows_of(thinned(one.untitled(), 0.6), "untitled", embedder)
        if FAMILIES.get(one.name) in ("hotpot", "musique"):
            rows += await rows_of(thinned(one.untitled("Handbook"), 0.3), "one title", embedder)
        embedder.save()
    return rows + await rows_of(thinned(together, 0.5), "merged", embedder)


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


async def rows_of(
    asked: QuestionSet, variant: str, embedder: RememberingEmbedder | None
) -> list[Row]:
    sparse = Bm25()
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
                    rows.append(_row(asked, variant, question, candidates, pool))
    print(f"{asked.name}, {variant}: {len(rows)} questions", flush=True)
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
