"""The evidence of a question read closely: the ground on which its signs stand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...arrays import product
from ...embed.protocol import Embedder, TokenEmbedder, Tokens
from ...types import Passage
from ..extractive.question import Part, Term, relation_of
from ..extractive.sentences import Unit, units
from ..extractive.words import stems
from .meaning import Array, Meaning, compare, read_asked, windows
from .steps import Step, named_by, steps

FIRST = 5
"""Passages that are read closely, best first."""

FURTHER = 4
"""Passages below those that are read because the first ones name what they are about."""

LEADING = 3
"""Passages whose names lead on to others."""

BACKGROUND = (11, 14, 17)
"""Places in the evidence whose passages show what is usual in this corpus."""

REMEMBERED = 400
"""Windows whose word pieces are kept, 100 to 300 kB each."""

SYNONYM = 0.8
CONTEXT = 0.9
"""What a term counts for that is met by a synonym, or by the title and headings."""


@dataclass(frozen=True)
class Reading:
    """A part, and what is read for it.

    `scores` are those of all evidence, `trust` those of the passages read, within 0 and 1.
    `own` and `cover` (U, T) say how well each piece meets each term of the part, alone and with
    title and headings; `held` (N + B, T) how well each passage read, then each of the background,
    does. `along` (S, U) is the cosine of each step's query to the pieces. `meaning` and `along`
    are None without an embedder that shows its word pieces.
    """

    part: Part
    scores: Array
    trust: Array
    passages: tuple[Passage, ...]
    units: tuple[Unit, ...]
    own: Array
    cover: Array
    held: Array
    steps: tuple[Step, ...] = ()
    meaning: Meaning | None = None
    along: Array | None = None

    @property
    def at(self) -> Array:
        """The place of each piece's passage among those read."""
        return np.array([u.passage for u in self.units], dtype=np.intp)

    @property
    def rare(self) -> Array:
        """What each term counts for: its weight, more where few passages hold it. Sum 1."""
        weights = np.array([t.weight for t in self.part.terms])
        rare = weights * np.log(1 + (len(self.held) + 1) / (self.held.sum(axis=0) + 0.5))
        return np.asarray(rare / max(float(rare.sum()), 1e-9))

    @property
    def worth(self) -> Array:
        """How promising each piece is, by meaning or else by words, and by its passage."""
        if self.meaning is None:
            return np.asarray(self.cover @ self.rare + 0.5 * self.trust[self.at])
        by_words = self.meaning.words @ self.meaning.weights
        return np.asarray(by_words + self.meaning.pieces + 0.5 * self.trust[self.at])


class Reader:
    """Reads evidence for a part. Word pieces are kept, as the same passages come again."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, Tokens] = OrderedDict()

    async def read(self, part: Part, evidence: Sequence[Passage]) -> Reading:
        """Return what `evidence` (best first, with scores) says for `part`."""
        near, rest = _chosen(part, evidence)
        made = _by_words(part, evidence, near, rest)
        embedder = self._embedder
        if not made.units or embedder is None or not isinstance(embedder, TokenEmbedder):
            return replace(made, steps=tuple(steps(part, made.units, made.cover, made.worth)))
        made = replace(made, meaning=await self._meaning(embedder, made, rest))
        assert made.meaning is not None
        followed = tuple(steps(part, made.units, made.cover, made.worth))
        if not followed:
            return made
        queries = np.array(await embedder.embed_queries([step.query for step in followed]))
        along = np.asarray(product(made.meaning.vectors, queries).T, dtype=np.float64)
        return replace(made, steps=followed, along=along)

    async def _meaning(
        self, embedder: TokenEmbedder, made: Reading, rest: Sequence[Passage]
    ) -> Meaning:
        relation = relation_of(made.part)
        near = [w for i, p in enumerate(made.passages) for w in windows(p, i)]
        usual = [windows(p, i)[0].text for i, p in enumerate(rest)]
        texts = [made.part.text, relation, *(w.text for w in near), *usual]
        known = await self._tokens(embedder, texts)
        return compare(
            read_asked(made.part, known[made.part.text], known[relation]),
            [(w, known[w.text]) for w in near],
            [known[text] for text in usual],
            made.units,
            len(made.passages),
        )

    async def _tokens(self, embedder: TokenEmbedder, texts: Sequence[str]) -> dict[str, Tokens]:
        # Taken before waiting: meanwhile other questions may push out what is known.
        found = {t: self._known[t] for t in texts if t in self._known}
        new = [t for t in dict.fromkeys(texts) if t not in found]
        found.update(zip(new, await embedder.embed_tokens(new), strict=True))
        for text in texts:
            self._known[text] = found[text]
            self._known.move_to_end(text)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


def _chosen(
    part: Part, evidence: Sequence[Passage]
) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
    """The passages to read: the first, and those below that the first ones lead to."""
    first = list(evidence[:FIRST])
    given = named_by(part, [u for i, p in enumerate(first[:LEADING]) for u in units(p, i)])
    pull = {i: _pull(evidence[i], given) for i in range(FIRST, len(evidence))}
    ordered = sorted(pull, key=lambda i: (-pull[i], i))
    further = sorted(i for i in ordered[:FURTHER] if pull[i] > 0)
    rest = [evidence[i] for i in BACKGROUND if i < len(evidence) and i not in further]
    return (*first, *(evidence[i] for i in further)), tuple(rest)


def _pull(passage: Passage, given: frozenset[frozenset[str]]) -> int:
    """2 for a passage whose title is a name that is given, 1 for one that speaks of it."""
    title = stems(passage.title)
    if any(name <= title for name in given):
        return 2
    said = stems(passage.text)
    return int(any(len(name) > 1 and name <= said for name in given))


def _by_words(
    part: Part, evidence: Sequence[Passage], near: Sequence[Passage], rest: Sequence[Passage]
) -> Reading:
    found = tuple(u for i, p in enumerate(near) for u in units(p, i))
    own = _grid([[met(t, u.stems) for t in part.terms] for u in found], part)
    above = _grid([[met(t, u.context_stems) for t in part.terms] for u in found], part)
    held = [
        [met(t, stems(p.text) | stems(" ".join((p.title, *p.headings)))) for t in part.terms]
        for p in (*near, *rest)
    ]
    return Reading(
        part=part,
        scores=np.clip(np.array([p.score for p in evidence], dtype=np.float64), 0.0, 1.0),
        trust=np.clip(np.array([p.score for p in near], dtype=np.float64), 0.0, 1.0),
        passages=tuple(near),
        units=found,
        own=own,
        cover=np.maximum(own, CONTEXT * above),
        held=_grid(held, part),
    )


def _grid(rows: list[list[float]], part: Part) -> Array:
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(part.terms))


def met(term: Term, present: frozenset[str]) -> float:
    """Say how well a text with these stems meets a term."""
    if term.stem in present:
        return 1.0
    return SYNONYM if term.also and not term.also.isdisjoint(present) else 0.0
