"""The evidence of a moment weighed against every part of the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...embed.protocol import Embedder, TokenEmbedder
from ...types import Passage
from .bridge import Link, Step
from .close import CloseReader, chosen
from .decide import Judged, judged
from .head import Head, head
from .leads import defines
from .links import linked, steps
from .question import Part
from .sentences import Unit
from .signals import linked_signals, own_signals
from .similar import PlainReader
from .split import Question, read
from .support import Grid, Sheet, read_units, sheet
from .tables import subject
from .words import stems

LED = 2.0
"""Log-odds for a post that leads to the name asked for: a surer step than most mentions."""

MORE = 3.0
"""Log-odds against a row of something else: the deputy, where the harbour master is asked for."""

DEFINED = 3.0
"""Log-odds for a piece that begins with the word whose meaning is asked for."""


class Reader(Protocol):
    """Compares a part with the evidence by meaning."""

    async def compared(self, made: Sheet) -> Sheet:
        """Return the sheet with the meanings of its most promising units compared."""

    async def along(self, made: Sheet, followed: Sequence[Step]) -> Grid | None:
        """Return the cosine of each step's query to the units, not a number where not compared."""


def open_reader(embedder: Embedder | None) -> Reader | None:
    """Return what compares by meaning: word by word where the embedder shows its word pieces."""
    if embedder is None:
        return None
    if isinstance(embedder, TokenEmbedder):
        return CloseReader(embedder, embedder)
    return PlainReader(embedder)


@dataclass(frozen=True)
class Assessment:
    """A question and, for each of its parts, the evidence against it and the chains that bear
    on it, best first."""

    question: Question
    sheets: tuple[Sheet, ...]
    tried: tuple[tuple[Judged, ...], ...]


async def assess(
    question: str, evidence: Sequence[Passage], reader: Reader | None, learned: Head | None = None
) -> Assessment:
    """Read the question and weigh the evidence for each part. Deterministic.

    `learned` stands for the head that ships with the package.
    """
    asked = read(question)
    found = read_units(evidence)
    sheets = [await weigh(part, evidence, found, reader, learned) for part in asked.parts]
    tried = [judged(made) if found and made.part.terms else () for made in sheets]
    return Assessment(asked, tuple(sheets), tuple(tried))


async def weigh(
    part: Part,
    evidence: Sequence[Passage],
    found: Sequence[Unit],
    reader: Reader | None,
    learned: Head | None = None,
) -> Sheet:
    """Score every unit for a part by itself, then with what leads to it."""
    learned = learned or head()
    made = sheet(part, evidence, found)
    if not found or not part.terms:
        return made
    made = chosen(made)
    if reader is not None:
        made = await reader.compared(made)
    own = own_signals(made)
    first = learned.first.score(own)
    followed = tuple(steps(made, first))
    along = await reader.along(made, followed) if reader is not None else None
    links = linked(made, first, followed, along)
    table = np.hstack([own, linked_signals(made, first, links)])
    scores = learned.second.score(table) + LED * _led(made, links)
    scores = scores - MORE * _says_more(made) + DEFINED * _defined(made)
    return replace(made, first=first, steps=followed, along=along, links=links, scores=scores)


def _led(made: Sheet, links: Sequence[Link]) -> Grid:
    """Where a person's name is asked for: the units that give one, and that a post leads to."""
    found = np.zeros(len(made.units))
    if made.part.by_name:
        for link in links:
            if link.typed:
                found[link.unit] = max(found[link.unit], link.bridge.nearness)
    return found


def _says_more(made: Sheet) -> Grid:
    """Tell the rows whose first cell adds to that of another row words that nobody asked for."""
    firsts = [stems(subject(u)) if u.kind == "row" else frozenset() for u in made.units]
    asked = {first for first in firsts if first and first <= made.asked}
    more = [
        any(one < first and (first - one).isdisjoint(made.asked) for one in asked)
        for first in firsts
    ]
    return np.array(more, dtype=np.float64)


def _defined(made: Sheet) -> Grid:
    """Tell the pieces that say what the word means whose meaning is asked for."""
    return np.array([float(defines(made.part, unit)) for unit in made.units])
