"""The probability that the evidence at hand answers what is asked. No language model."""

from __future__ import annotations

from collections.abc import Sequence

from ...embed.protocol import Embedder, TokenEmbedder
from ...types import Passage
from ..extractive.assess import open_reader, weigh
from ..extractive.question import part
from ..extractive.support import Sheet, read_units
from .head import Heads, shipped
from .signs import signs


class Sufficiency:
    """Estimates whether passages answer a question; see `docs/sufficiency.md`.

    `embedder` is that of the corpus: one that shows its word pieces (minilm) makes the
    estimate a good one, without it words and the reranker's scores have to do.
    """

    def __init__(self, embedder: Embedder | None = None, heads: Heads | None = None) -> None:
        # Vectors of whole texts tell the estimate nothing: nobody should pay for them.
        self._reader = open_reader(embedder) if isinstance(embedder, TokenEmbedder) else None
        self._heads = heads

    async def of(self, asked: str, evidence: Sequence[Passage]) -> float:
        """Return the probability that `evidence` (best first, with scores) answers `asked`.

        It is 0 without evidence. The same question and evidence always give the same.
        """
        return estimated(await self._weighed(asked, evidence), self._heads)

    async def signs(self, asked: str, evidence: Sequence[Passage]) -> dict[str, float]:
        """Return what the estimate rests on, by name."""
        return signs(await self._weighed(asked, evidence))

    async def _weighed(self, asked: str, evidence: Sequence[Passage]) -> Sheet:
        return await weigh(part(asked), evidence, read_units(evidence), self._reader)


def estimated(weighed: Sheet, heads: Heads | None = None) -> float:
    """Return the probability that the evidence of a part answers it, 0 where there is none."""
    if not weighed.passages:
        return 0.0
    return (heads or shipped()).probability(signs(weighed))
