"""Embeddings of OpenAI and of any server that speaks its `/v1/embeddings`.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..providers import Provider
from ..retry import Patience, with_retries
from ..store.protocol import Vector
from .remote import fingerprint, in_batches, unit_vectors

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}


class OpenAIEmbedder:
    """Embeds through the `openai` package; queries and documents alike.

    `base_url` is another server's address (Ollama, vLLM, LM Studio, …). `dimensions` asks
    for vectors of that length; by default they have the model's own.
    """

    def __init__(
        self,
        model: str,
        api_key: str | None,
        *,
        base_url: str = "",
        dimensions: int = 0,
        timeout: float = 60.0,
        concurrency: int = 4,
        patience: Patience | None = None,
    ) -> None:
        self._model = model
        self._key = api_key
        self._base_url = base_url
        self._asked = dimensions
        self._timeout = timeout
        self._patience = patience
        self._slots = asyncio.Semaphore(concurrency)
        self._client: AsyncOpenAI | None = None
        self._what = str(Provider("openai", model, base_url))
        self.dimensions = dimensions or DIMENSIONS.get(model, 0)
        self.fingerprint = fingerprint("openai", model, dimensions)

    def __repr__(self) -> str:
        """Return the provider string, never the key."""
        return f"OpenAIEmbedder({self._what!r})"

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector for each text, in order."""
        return await in_batches(texts, self._embed)

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same; these models treat queries like documents."""
        return await self.embed_documents(texts)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _embed(self, texts: Sequence[str]) -> list[Vector]:
        data = await with_retries(
            lambda: self._call(texts),
            what=self._what,
            patience=self._patience,
            secrets=(self._key or "",),
        )
        vectors = unit_vectors(data, len(texts), self.dimensions, self._what)
        self.dimensions = self.dimensions or len(vectors[0])
        return vectors

    async def _call(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        options: dict[str, Any] = {"dimensions": self._asked} if self._asked else {}
        if self._base_url:
            # The client asks for base64 by default, which not every server knows.
            options["encoding_format"] = "float"
        async with self._slots:
            reply = await self._connected().embeddings.create(
                model=self._model, input=list(texts), **options
            )
        return [{"index": item.index, "embedding": item.embedding} for item in reply.data]

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                api_key=self._key or "none",
                base_url=self._base_url or None,
                timeout=self._timeout,
                max_retries=0,
            )
        return self._client
