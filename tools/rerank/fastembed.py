"""Cross-encoders that the `fastembed` package runs in the process, when it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ..embed.fastembed import load_model
from .asked import best_of, questions
from .protocol import Candidate


class FastEmbedReranker:
    """A cross-encoder of fastembed, called in a thread of its own.

    Raises `ProviderMissing` where the package is not installed or does not know the model,
    `WeightsError` where it cannot be downloaded.
    """

    def __init__(self, model: str) -> None:
        self._model = load_model("fastembed.rerank.cross_encoder", "TextCrossEncoder", model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fastembed-rerank")
        self.name = f"fastembed:{model}"

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one relevance for each candidate, in their order; higher is better."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._rank, question, candidates)

    async def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        texts = [f"{c.passage.title}\n{c.passage.text}".strip() for c in candidates]
        asked = questions(question, candidates)
        found = [
            (places, [float(s) for s in self._model.rerank(query, [texts[i] for i in places])])
            for query, places in asked.items()
        ]
        return best_of(len(candidates), found)
