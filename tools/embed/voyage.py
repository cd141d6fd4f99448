"""Voyage's embeddings, https://docs.voyageai.com/reference/embeddings-api."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..endpoint import Endpoint
from ..retry import Patience
from ..store.protocol import Vector
from .remote import fingerprint, in_batches, unit_vectors

BASE_URL = "https://api.voyageai.com/v1"
DIMENSIONS = {
    "voyage-3": 1024,
    "voyage-3-large": 1024,
    "voyage-3-lite": 512,
    "voyage-3.5": 1024,
    "voyage-3.5-lite": 1024,
    "voyage-code-3": 1024,
    "voyage-finance-2": 1024,
    "voyage-law-2": 1024,
    "voyage-multilingual-2": 1024,
}


class VoyageEmbedder:
    """Embeds through `POST {base_url}/embeddings`, telling queries from documents.

    `dimensions` asks for vectors of that length; by default they have the model's own.
    """

    def __init__(
        self,
        model: str,
        api_key: str | None,
        *,
        base_url: str = "",
        dimensions: int = 0,
        timeout: float = 30.0,
        concurrency: int = 4,
        patience: Patience | None = None,
    ) -> None:
        self._model = model
        self._asked = dimensions
        self.dimensions = dimensions or DIMENSIONS.get(model, 0)
        self.fingerprint = fingerprint("voyage", model, dimensions)
        self._endpoint = Endpoint(
            f"voyage:{model}",
            base_url or BASE_URL,
            api_key,
            timeout=timeout,
            concurrency=concurrency,
            patience=patience,
        )

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector for each text, in order."""
        return await self._embed(texts, "document")

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same for queries."""
        return await self._embed(texts, "query")

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def _embed(self, texts: Sequence[str], input_type: str) -> list[Vector]:
        return await in_batches(texts, lambda part: self._call(part, input_type))

    async def _call(self, texts: Sequence[str], input_type: str) -> list[Vector]:
        body: dict[str, Any] = {
            "model": self._model,
            "input": list(texts),
            "input_type": input_type,
        }
        if self._asked:
            body["output_dimension"] = self._asked
        reply = await self._endpoint.post("/embeddings", body)
        vectors = unit_vectors(reply.get("data"), len(texts), self.dimensions, self._endpoint.what)
        self.dimensions = self.dimensions or len(vectors[0])
        return vectors
