"""Rerankers behind the `/rerank` form that Voyage, Cohere, Jina, vLLM and TEI share.

https://docs.voyageai.com/reference/reranker-api
https://docs.cohere.com/reference/rerank
https://jina.ai/reranker
https://docs.vllm.ai/en/latest/models/supported_models.html (rerank API)
https://huggingface.github.io/text-embeddings-inference
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import CallFailed, CallRefused
from ..endpoint import Endpoint, together
from ..retry import Patience
from .asked import best_of, questions
from .protocol import Candidate


@dataclass(frozen=True, slots=True)
class Form:
    """How one provider spells the request. `batch` is the texts it takes in one call."""

    base_url: str
    texts: str = "documents"
    extra: tuple[tuple[str, Any], ...] = ()
    batch: int = 500


FORMS = {
    "voyage": Form("https://api.voyageai.com/v1", extra=(("truncation", True),)),
    "cohere": Form("https://api.cohere.com/v2"),
    "jina": Form("https://api.jina.ai/v1", extra=(("return_documents", False),)),
    "http": Form(""),
}
TEI = Form("", texts="texts", extra=(("truncate", True),), batch=32)
"""TEI refuses "documents" with 422; a server under "http" that does is asked its way."""


class HttpReranker:
    """Ranks through `POST {base_url}/rerank`. `provider` is a key of `FORMS`."""

    def __init__(
        self,
        provider: str,
        model: str,
        api_key: str | None,
        *,
        base_url: str = "",
        timeout: float = 30.0,
        concurrency: int = 4,
        patience: Patience | None = None,
    ) -> None:
        self.name = f"{provider}:{model}" if model else provider
        self._model = model
        self._form = FORMS[provider]
        self._may_be_tei = provider == "http"
        self._endpoint = Endpoint(
            self.name,
            base_url or self._form.base_url,
            api_key,
            timeout=timeout,
            concurrency=concurrency,
            patience=patience,
        )

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one relevance for each candidate, in their order; higher is better.

        A candidate that sub-questions asked for has the best of its relevances.
        Raises `CallFailed` or `CallRefused`.
        """
        asked = questions(question, candidates)
        texts = [[_text(candidates[i]) for i in places] for places in asked.values()]
        calls = (self._scores(query, t) for query, t in zip(asked, texts, strict=True))
        found = await together(*calls)
        return best_of(len(candidates), zip(asked.values(), found, strict=True))

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def _scores(self, query: str, texts: list[str]) -> list[float]:
        try:
            return await self._batched(query, texts)
        except CallRefused as refused:
            if not self._may_be_tei or refused.status != 422:
                raise
        self._form, self._may_be_tei = TEI, False
        return await self._batched(query, texts)

    async def _batched(self, query: str, texts: list[str]) -> list[float]:
        form = self._form
        parts = [texts[i : i + form.batch] for i in range(0, len(texts), form.batch)]
        found = await together(*(self._call(form, query, part) for part in parts))
        return [score for part in found for score in part]

    async def _call(self, form: Form, query: str, texts: list[str]) -> list[float]:
        body = {"query": query, form.texts: texts, **dict(form.extra)}
        if self._model and form is not TEI:
            body["model"] = self._model
        reply = await self._endpoint.post("/rerank", body)
        return self._read(reply, len(texts))

    def _read(self, reply: dict[str, Any], count: int) -> list[float]:
        try:
            scores = dict(_results(reply))
        except (KeyError, TypeError, ValueError):
            raise CallFailed(f"{self.name} answered with a ranking in an unknown form") from None
        if sorted(scores) != list(range(count)):
            raise CallFailed(f"{self.name} ranked {len(scores)} of {count} passages")
        if not all(math.isfinite(score) for score in scores.values()):
            raise CallFailed(f"{self.name} answered with a score that is no number")
        return [scores[i] for i in range(count)]


def _results(reply: dict[str, Any]) -> Iterator[tuple[int, float]]:
    for item in reply["results"] if "results" in reply else reply["data"]:
        score = item["relevance_score"] if "relevance_score" in item else item["score"]
        yield int(item["index"]), float(score)


def _text(candidate: Candidate) -> str:
    passage = candidate.passage
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text
