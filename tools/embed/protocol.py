"""What an embedder must do, dense and sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..store.protocol import SparseVector, Vector


class Embedder(Protocol):
    """Texts to unit vectors. `fingerprint` names the exact weights, `provider:model@hash`."""

    fingerprint: str
    dimensions: int

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of `dimensions` floats for each text, in order."""

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """The same for queries, which some models treat differently."""

    async def close(self) -> None:
        """Release the model or the connection."""


class SparseEmbedder(Protocol):
    """Texts to token weights; the store multiplies in the inverse document frequency."""

    fingerprint: str

    def embed_document(self, text: str) -> SparseVector:
        """Weigh the tokens of a stored text."""

    def embed_query(self, text: str) -> SparseVector:
        """Weigh the tokens of a query."""
