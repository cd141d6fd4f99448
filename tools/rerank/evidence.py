"""The learned reranker: does this passage, with the others, carry the answer?

Two small forests of decision trees, no model of language. The first looks at each
candidate and how it stands to what the hybrid search believes; the second looks again
with the first one's beliefs, so that the right first passage makes way for the second.
What they were trained on, and what they gain and do not, is in `docs/retrieval.md`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed.protocol import Embedder, SparseEmbedder
from ..store.protocol import Vector
from .evidence_features import first_belief, own_features, stacked
from .evidence_pool import Pool, Texts, last_sentence, read_pool
from .evidence_ties import trail_features
from .evidence_trees import Forest, read_forest
from .protocol import Candidate

MODEL_FILE = "evidence.json"

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """The two forests and the straight line in log-odds that calibrates the second.

    `first` and `second` name the features of each, in order.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    first_forest: Forest
    second_forest: Forest
    slope: float
    offset: float


def read_model(stored: dict[str, Any]) -> Model:
    """Return the model that `benchmarks/train_evidence.py` stored."""
    return Model(
        first=tuple(stored["first"]["features"]),
        second=tuple(stored["second"]["features"]),
        first_forest=read_forest(stored["first"]),
        second_forest=read_forest(stored["second"]),
        slope=float(stored["slope"]),
        offset=float(stored["offset"]),
    )


@cache
def shipped_model() -> Model:
    """Return the model that comes with the package."""
    text = files(__package__).joinpath(MODEL_FILE).read_text(encoding="utf-8")
    return read_model(json.loads(text))


class EvidenceReranker:
    """Scores passages by the probability that they support the answer. Implements `Reranker`.

    Candidates may come without vectors and signals: what lacks is worked out from the
    text. `embedder` is None where only lexical search is at hand.
    """

    name = "evidence"

    def __init__(
        self, embedder: Embedder | None, sparse: SparseEmbedder, model: Model | None = None
    ) -> None:
        self._embedder = embedder
        self._sparse = sparse
        self._texts = Texts(sparse)
        self._model = model

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return a calibrated probability for each candidate, in their order."""
        if not candidates:
            return []
        # Equals are told apart by their place, so the order they come in must not matter.
        places = sorted(range(len(candidates)), key=lambda i: candidates[i].passage.id)
        ordered = [candidates[i] for i in places]
        asked, dense = await self._vectors(question, ordered)
        scores = await asyncio.to_thread(self._scores, question, ordered, asked, dense)
        by_place = dict(zip(places, scores, strict=True))
        return [float(by_place[i]) for i in range(len(candidates))]

    async def close(self) -> None:
        """Nothing is held."""

    async def _vectors(
        self, question: str, candidates: Sequence[Candidate]
    ) -> tuple[list[Vector] | None, list[Vector] | None]:
        if self._embedder is None:
            return None, None
        wanted = list(dict.fromkeys((question, last_sentence(question))))
        found = await self._embedder.embed_queries(wanted)
        asked = [found[0], found[-1]]
        lacking = [c for c in candidates if c.dense is None]
        texts = [f"{c.passage.title}\n{c.passage.text}".strip() for c in lacking]
        made = iter(await self._embedder.embed_documents(texts) if texts else [])
        return asked, [next(made) if c.dense is None else c.dense for c in candidates]

    def _scores(
        self,
        question: str,
        candidates: Sequence[Candidate],
        asked: Sequence[Vector] | None,
        dense: Sequence[Vector] | None,
    ) -> Numbers:
        pool = read_pool(question, candidates, asked, dense, self._sparse, self._texts)
        return probabilities(self._model or shipped_model(), pool)


def probabilities(model: Model, pool: Pool) -> Numbers:
    """Return the probability of each candidate of a pool, by both forests in turn."""
    own, ties, hybrid = own_features(pool)
    first = {**own, **trail_features(ties, first_belief(hybrid))}
    believed = belief(model.first_forest.score(stacked(first, model.first)))
    second = {**first, **again(trail_features(ties, believed))}
    log_odds = model.second_forest.score(stacked(second, model.second))
    return np.asarray(1 / (1 + np.exp(-(model.slope * log_odds + model.offset))))


def belief(log_odds: Numbers) -> NDArray[np.float32]:
    """Return how strongly the first forest believes in each, relative to the best."""
    return np.asarray(np.exp(np.maximum(log_odds - log_odds.max(), -30)), np.float32)


def again(features: dict[str, Any]) -> dict[str, Any]:
    """Return trail features under the names they have at the second look."""
    return {f"again_{name}": column for name, column in features.items()}
