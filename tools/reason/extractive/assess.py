"""The evidence of a moment weighed against every part of the question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...embed.protocol import Embedder
from ...store.protocol import Vector
from ...types import Passage
from .chain import chains
from .decide import Judged, judge
from .sentences import Unit
from .split import Question, read
from .support import Sheet, read_units, sheet

MOST_EMBEDDED = 16
"""Pieces compared by embedding for one part, the best by words."""

READ_WHOLE = 3
"""Top passages of which every piece is compared, up to `MOST_WHOLE` in all."""

MOST_WHOLE = 20

CHAINS_JUDGED = 24
REMEMBERED = 20_000


@dataclass(frozen=True)
class Assessment:
    """A question and, for each of its parts, the chains that bear on it, best first."""

    question: Question
    tried: tuple[tuple[Judged, ...], ...]


class Similarity:
    """Cosines between a part and pieces of text, each text embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def to(self, asked: str, texts: Sequence[str]) -> list[float]:
        """Return the cosine of `asked` to each of `texts`."""
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            vectors = await self._embedder.embed_documents(new)
            self._known.update(zip(new, vectors, strict=True))
        query = (await self._embedder.embed_queries([asked]))[0]
        cosines = [float(self._known[t] @ query) for t in texts]
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return cosines


async def assess(
    question: str, evidence: Sequence[Passage], similarity: Similarity | None
) -> Assessment:
    """Read the question and weigh the evidence for each part. Deterministic."""
    asked = read(question)
    found = read_units(evidence)
    tried = []
    for part in asked.parts:
        made = sheet(part, evidence, found)
        if similarity is not None and found:
            made = await _compared(made, similarity)
        tried.append(_weighed(made))
    return Assessment(asked, tuple(tried))


def _weighed(made: Sheet) -> tuple[Judged, ...]:
    judged = [judge(made, chain) for chain in chains(made)[:CHAINS_JUDGED]]
    return tuple(sorted(judged, key=lambda j: (bool(j.absent), -j.rank, j.chain.units)))


async def _compared(made: Sheet, similarity: Similarity) -> Sheet:
    rows = _worth_embedding(made)
    texts = [_in_context(made.units[row]) for row in rows] + [made.units[row].text for row in rows]
    cosines = await similarity.to(made.part.text, texts)
    near, bare = np.zeros(len(made.units)), np.zeros(len(made.units))
    near[rows], bare[rows] = cosines[: len(rows)], cosines[len(rows) :]
    return replace(made, similarity=near, bare=bare, compared=True)


def _in_context(unit: Unit) -> str:
    return f"{unit.context[:120]}: {unit.text}" if unit.context else unit.text


def _worth_embedding(made: Sheet) -> list[int]:
    """The best pieces by words, all of the top passages, and the best of those just below."""
    ranked = [int(row) for row in np.argsort(-made.scores, kind="stable")]
    whole = [row for row, u in enumerate(made.units) if u.passage < READ_WHOLE][:MOST_WHOLE]
    below: dict[int, int] = {}
    for row in ranked:
        below.setdefault(made.units[row].passage, row)
    next_best = [row for passage, row in below.items() if passage < 2 * READ_WHOLE]
    return sorted({*ranked[:MOST_EMBEDDED], *whole, *next_best})
