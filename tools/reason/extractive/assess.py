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
from .question import relation_of
from .sentences import Unit
from .split import Question, read
from .support import SYNONYM, Grid, Sheet, read_units, sheet
from .words import STOP, words

MOST_EMBEDDED = 16
"""Pieces compared by embedding for one part, the best by words."""

READ_WHOLE = 3
"""Top passages of which every piece is compared, up to `MOST_WHOLE` in all."""

MOST_WHOLE = 20

MOST_SOFT = 12
"""Best pieces whose words are compared one by one with the words that no piece meets."""

NEAR_WORDS = (0.4, 0.35)
"""The cosine of two words from which they are near, and what more makes them the same."""

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
        known = await self._vectors(texts)
        query = (await self._embedder.embed_queries([asked]))[0]
        return [float(known[t] @ query) for t in texts]

    async def among(self, ours: Sequence[str], theirs: Sequence[str]) -> Grid:
        """Return the cosines of single words, one row for each of `ours`."""
        known = await self._vectors([*ours, *theirs])
        left, right = np.array([known[t] for t in ours]), np.array([known[t] for t in theirs])
        return np.asarray(left @ right.T, dtype=np.float64)

    async def _vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        fresh = dict(zip(new, await self._embedder.embed_documents(new), strict=True))
        found = {t: fresh[t] if t in fresh else self._known[t] for t in texts}
        self._known.update(fresh)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


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
            made = await _softened(await _compared(made, similarity), similarity)
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
    relation = np.zeros(len(made.units))
    relation[rows] = await similarity.to(relation_of(made.part), texts[len(rows) :])
    return replace(made, similarity=near, bare=bare, relation=relation, compared=True)


async def _softened(made: Sheet, similarity: Similarity) -> Sheet:
    """Let words near in meaning count for those that no piece meets: "shut" for "closed"."""
    terms = made.part.terms
    open_terms = [
        c
        for c, t in enumerate(terms)
        if not t.required and t.weight >= 1.0 and t.text.isalpha() and made.own[:, c].max() < 0.5
    ]
    rows = [int(row) for row in np.argsort(-made.scores, kind="stable")[:MOST_SOFT]]
    spoken = {row: _content(made.units[row].text) for row in rows}
    theirs = sorted(set().union(*spoken.values())) if spoken else []
    if not open_terms or not theirs:
        return made
    ours = [terms[c].text.lower() for c in open_terms]
    near = await similarity.among(ours, theirs)
    soft = SYNONYM * np.clip((near - NEAR_WORDS[0]) / NEAR_WORDS[1], 0.0, 1.0)
    place = {word: i for i, word in enumerate(theirs)}
    own, cover = made.own.copy(), made.cover.copy()
    for row, mine in spoken.items():
        if mine:
            best = soft[:, [place[word] for word in mine]].max(axis=1)
            own[row, open_terms] = np.maximum(own[row, open_terms], best)
            cover[row, open_terms] = np.maximum(cover[row, open_terms], best)
    return replace(made, own=own, cover=cover)


def _content(text: str) -> list[str]:
    """The words of a text that have a meaning of their own, in small letters."""
    low = {w.text.lower() for w in words(text) if w.text.isalpha() and len(w.text) > 2}
    return sorted(low - STOP)


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
