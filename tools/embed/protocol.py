"""What an embedder must do, dense and sparse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Tokens:
    """The word pieces of one text: `states` (T, dimensions), as the model leaves them.

    `places` (T, 2) is where each piece begins and ends in the text; (0, 0) for the marks
    that a model sets at the ends.
    """

    states: NDArray[np.float32]
    places: NDArray[np.int32]


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that can show its word pieces, for a comparison word by word."""

    async def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the states of each text's word pieces, in order."""


class SparseEmbedder(Protocol):
    """Texts to token weights; the store multiplies in the inverse document frequency."""

    fingerprint: str

    def embed_document(self, text: str) -> SparseVector:
        """Weigh the tokens of a stored text."""

    def embed_query(self, text: str) -> SparseVector:
        """Weigh the tokens of a query."""
