"""What a reranker must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..store.protocol import SparseVector, Vector
from ..types import Passage


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that some query found.

    `asked` holds the sub-questions whose queries found it. `signals` is what retrieval
    knows of it (cosine, BM25, ranks, trail), by name, for rerankers that can use it.
    """

    passage: Passage
    asked: tuple[str, ...] = ()
    dense: Vector | None = None
    sparse: SparseVector | None = None
    signals: dict[str, float] = field(default_factory=dict)


class Reranker(Protocol):
    """Scores passages against a question. `name` says which, for traces and status."""

    name: str

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one score for each candidate, in their order; higher is better."""

    async def close(self) -> None:
        """Release the model or the connection."""
