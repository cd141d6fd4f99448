"""The best passages read closely: which they are, and what their pieces mean for a part."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ...arrays import product
from ...embed.protocol import Embedder, TokenEmbedder
from ...types import Passage
from .bridge import Step, bridges
from .meaning import Asked, Meaning, Read, Window, compare, read, read_asked, windows
from .question import Part, relation_of
from .support import MOST_PASSAGES, Close, Grid, Sheet, met
from .words import stems

FIRST = 8
"""Passages that are read closely, best first."""

FURTHER = 4
"""Passages below those that are read because the first ones name what they are about, or
because they hold the words that are asked."""

LEADING = 3
"""Passages whose names lead on to others."""

NAMED = 0.5
"""What it counts for, beside the share of words that a passage meets, to speak of such a name;
twice that where its title does."""

BACKGROUND = (11, 14, 17)
"""Places in the evidence whose passages show what is usual in this corpus."""

REMEMBERED = 240
"""Windows that are kept after reading, 400 kB at most: those of a dozen questions."""


def chosen(made: Sheet) -> Sheet:
    """Return the sheet with what is to be read closely: the first passages, and those below
    that the first ones lead to or that hold what is asked."""
    passages = made.passages[:MOST_PASSAGES]
    held = _held(made.part, passages)
    first = tuple(range(min(FIRST, len(passages))))
    given = _given(made, first[:LEADING])
    words = held @ rarer(made.part, held)
    worth = {
        i: float(words[i]) + NAMED * _pull(passages[i], given)
        for i in range(len(first), len(passages))
    }
    further = sorted(sorted(worth, key=lambda i: (-worth[i], i))[:FURTHER])
    near = (*first, *further)
    usual = tuple(i for i in BACKGROUND if i < len(passages) and i not in further)
    rows = np.array([n for n, u in enumerate(made.units) if u.passage in near], dtype=np.intp)
    return replace(made, close=Close(near, usual, rows, held[[*near, *usual]]))


def rarer(part: Part, held: Grid) -> Grid:
    """Return what each term counts for: its weight, more where few passages hold it. Sum 1."""
    weights = np.array([t.weight for t in part.terms])
    rare = weights * np.log(1 + (len(held) + 1) / (held.sum(axis=0) + 0.5))
    return np.asarray(rare / max(float(rare.sum()), 1e-9))


def _held(part: Part, passages: Sequence[Passage]) -> Grid:
    """How well each passage as a whole meets each term."""
    rows = []
    for passage in passages:
        present = stems(passage.text) | stems(" ".join((passage.title, *passage.headings)))
        rows.append([met(term, present) for term in part.terms])
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(part.terms))


def _given(made: Sheet, places: Sequence[int]) -> frozenset[frozenset[str]]:
    """The stems of each name that passages give and the part does not."""
    return frozenset(
        bridge.stems
        for unit in made.units
        if unit.passage in places
        for bridge in bridges(made.part, unit, made.small)
    )


def _pull(passage: Passage, given: frozenset[frozenset[str]]) -> int:
    """2 for a passage whose title is a name that is given, 1 for one that speaks of it."""
    title = stems(passage.title)
    if any(name <= title for name in given):
        return 2
    said = stems(passage.text)
    return int(any(len(name) > 1 and name <= said for name in given))


class CloseReader:
    """Compares a question with the evidence word by word, each stretch of text read once.

    `tokens` shows the word pieces of texts, `embedder` the vectors of queries: with the default
    embedder one and the same.
    """

    def __init__(self, tokens: TokenEmbedder, embedder: Embedder) -> None:
        self._tokens, self._embedder = tokens, embedder
        self._known: OrderedDict[Window, Read] = OrderedDict()
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    async def compared(self, made: Sheet) -> Sheet:
        """Return the sheet with the meanings of what is read closely compared."""
        close = made.close
        near = [(i, w) for i, p in enumerate(close.passages) for w in windows(made.passages[p])]
        usual = [w for p in close.background for w in windows(made.passages[p])[:1]]
        known = await self._read([*(w for _, w in near), *usual])
        keys = [(made.units[row].passage, made.units[row].order) for row in close.rows]
        meaning = compare(
            await self._ask(made.part),
            [(i, known[w]) for i, w in near],
            [known[w] for w in usual],
            {(close.passages.index(p), order): n for n, (p, order) in enumerate(keys)},
            len(close.passages),
        )
        return with_meaning(made, meaning)

    async def along(self, made: Sheet, followed: Sequence[Step]) -> Grid | None:
        """Return the cosine of each step's query to the units, not a number where not read."""
        meaning = made.close.meaning
        if not followed or meaning is None:
            return None
        queries = np.array(await self._embedder.embed_queries([step.query for step in followed]))
        cosines = np.full((len(followed), len(made.units)), np.nan)
        cosines[:, made.close.rows] = product(meaning.vectors, queries).T
        cosines[:, ~made.near] = np.nan
        return cosines

    async def _ask(self, part: Part) -> Asked:
        key = repr((part.text, part.names))
        asked = self._asked.get(key)
        if asked is None:
            both = await self._tokens.embed_tokens([part.text, relation_of(part)])
            asked = read_asked(part, *both)
        _keep(self._asked, {key: asked}, REMEMBERED)
        return asked

    async def _read(self, wanted: Sequence[Window]) -> dict[Window, Read]:
        # Taken before waiting: meanwhile other questions may push out what is known.
        found = {window: self._known[window] for window in wanted if window in self._known}
        new = [window for window in dict.fromkeys(wanted) if window not in found]
        fresh = await self._tokens.embed_tokens([w.text for w in new]) if new else []
        found.update({w: read(w, tokens) for w, tokens in zip(new, fresh, strict=True)})
        _keep(self._known, found, REMEMBERED)
        return found


Key = TypeVar("Key", str, Window)
Kept = TypeVar("Kept", Read, Asked)


def _keep(known: OrderedDict[Key, Kept], found: Mapping[Key, Kept], most: int) -> None:
    """Remember what was found, and forget what was not asked for longest."""
    for key, one in found.items():
        known[key] = one
        known.move_to_end(key)
    while len(known) > most:
        known.popitem(last=False)


def with_meaning(made: Sheet, meaning: Meaning) -> Sheet:
    """Return the sheet with what the pieces that were read mean for the part."""
    rows = made.close.rows
    near = np.zeros(len(made.units), dtype=np.bool_)
    near[rows] = meaning.vectors.any(axis=1)
    similarity, relation = np.zeros(len(near)), np.zeros(len(near))
    similarity[rows], relation[rows] = meaning.pieces, meaning.relation
    close = replace(made.close, meaning=meaning)
    return replace(made, similarity=similarity, relation=relation, near=near, close=close)
