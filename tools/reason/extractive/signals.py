"""What speaks for a piece of the evidence: the numbers that the learned reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from .bridge import Link
from .leads import pull
from .sentences import Unit
from .support import Grid, Sheet
from .tables import subject
from .words import STOP, stems, words

KINDS = ("text", "yesno", "name", "person", "place", "date", "duration", "number", "money",
         "identifier")  # fmt: skip
FORMS = ("text", "item", "row", "code")

OWN = (
    "own", "own_rare", "own_best", "own_relation", "own_relation_best", "own_names",
    "cover", "cover_rare", "cover_best", "cover_relation", "cover_relation_best", "named",
    "required_open", "open", "beside", "passage_cover",
    "place", "trust", "rank", "typed", "pull", "phrase", "subject", "kind",
    "form", "length", "order", "fresh", "similarity", "similarity_best", "similarity_rank",
    "relation", "relation_best", "terms", "names",
    "words", "words_best", "words_rest", "words_rest_best", "least", "asking",
)  # fmt: skip
"""Signals of a piece by itself. `…_best` is how far it lies behind the best piece. From `words`
on they compare the words of the piece one by one: all, those that are no names, the one met
worst, the question word."""

LINKED = (
    "first", "first_best", "first_rank", "first_beside", "first_passage", "link",
    "link_start", "link_nearness", "link_similarity", "link_open", "link_cover", "link_named",
    "link_title", "link_typed", "link_same", "links",
)  # fmt: skip
"""Signals that know how the pieces bear on each other."""


def own_signals(sheet: Sheet) -> Grid:
    """Return one row a unit, in the order of `OWN`; not a number where it cannot be told."""
    units, part = sheet.units, sheet.part
    relation = np.array([0.0 if t.required else t.weight for t in part.terms])
    named = np.array([t.weight if t.name >= 0 else 0.0 for t in part.terms])
    rare = sheet.rare
    blank = np.full(len(units), np.nan)
    own, own_rare = sheet.own @ sheet.weights, sheet.own @ rare
    cover, cover_rare = sheet.cover @ sheet.weights, sheet.cover @ rare
    own_relation = _share(sheet.own, relation)
    cover_relation = _share(sheet.cover, relation)
    order = np.array([u.order for u in units], dtype=float)
    columns = {
        "own": own,
        "own_rare": own_rare,
        "own_best": own_rare - own_rare.max(),
        "own_relation": own_relation,
        "own_relation_best": own_relation - own_relation.max(),
        "own_names": _share(sheet.own, named),
        "cover": cover,
        "cover_rare": cover_rare,
        "cover_best": cover_rare - cover_rare.max(),
        "cover_relation": cover_relation,
        "cover_relation_best": cover_relation - cover_relation.max(),
        "named": sheet.named.mean(axis=1) if part.names else blank,
        "required_open": _open(sheet, required=True),
        "open": _open(sheet, required=False),
        "beside": _beside(sheet, own),
        "passage_cover": _in_passage(sheet, cover_rare),
        "place": sheet.place,
        "trust": np.array([sheet.passages[u.passage].score for u in units]),
        "rank": 1.0 / (1.0 + np.array([u.passage for u in units])),
        "typed": blank if sheet.plain else np.array([min(3.0, len(s)) for s in sheet.typed]),
        "pull": np.array([pull(sheet, row) for row in range(len(units))]),
        "phrase": _phrases(sheet),
        "subject": np.array([_subject(sheet, u) for u in units]),
        "kind": np.full(len(units), float(KINDS.index(part.kind))),
        "form": np.array([float(FORMS.index(u.kind)) for u in units]),
        "length": np.array([min(len(u.text), 700) / 100 for u in units]),
        "order": order,
        "fresh": np.array([_fresh(sheet, row) for row in range(len(units))]),
        "terms": np.full(len(units), float(len(part.terms))),
        "names": np.full(len(units), float(len(part.names))),
    }
    for name, values in (("similarity", sheet.similarity), ("relation", sheet.relation)):
        known = np.where(sheet.near, values, np.nan) if sheet.compared else blank
        best = np.nanmax(known) if sheet.compared else np.nan
        columns[name], columns[f"{name}_best"] = known, known - best
    last = np.where(sheet.near, sheet.similarity, -9.0)
    columns["similarity_rank"] = _rank(last) if sheet.compared else blank
    columns |= _word_by_word(sheet)
    return np.stack([columns[name] for name in OWN], axis=1)


def linked_signals(sheet: Sheet, first: Grid, links: Sequence[Link]) -> Grid:
    """Return one row a unit, in the order of `LINKED`; `first` are the log-odds by itself."""
    count = len(sheet.units)
    table = np.full((count, len(LINKED)), np.nan)
    column = {name: table[:, i] for i, name in enumerate(LINKED)}
    column["first"][:] = first
    column["first_best"][:] = first - first.max()
    column["first_rank"][:] = _rank(first)
    column["first_beside"][:] = _beside(sheet, first)
    column["first_passage"][:] = _in_passage(sheet, first)
    column["links"][:] = 0
    for link in links:
        row = link.unit
        column["links"][row] += 1
        if column["links"][row] > 1 and link.strength <= column["link"][row]:
            continue
        column["link"][row] = link.strength
        column["link_start"][row] = first[link.start]
        column["link_nearness"][row] = link.bridge.nearness
        column["link_similarity"][row] = link.similarity
        column["link_open"][row] = link.open
        union = np.maximum(sheet.cover[link.start], sheet.cover[row])
        column["link_cover"][row] = union @ sheet.weights
        if sheet.part.names:
            column["link_named"][row] = (sheet.named[link.start] | sheet.named[row]).mean()
        column["link_title"][row] = link.bridge.stems <= sheet.units[row].context_stems
        column["link_typed"][row] = link.typed
        column["link_same"][row] = sheet.units[link.start].passage == sheet.units[row].passage
    return table


def _word_by_word(sheet: Sheet) -> dict[str, Grid]:
    """How well the best word of a unit means each word that is asked."""
    meaning, columns = sheet.close.meaning, {}
    names = ("words", "words_rest", "least", "asking")
    if meaning is None:
        found = np.full((len(names), len(sheet.units)), np.nan)
    else:
        rest = np.where(meaning.content & ~meaning.names, meaning.weights, 0.0)
        rows = [meaning.words @ meaning.weights, _share(meaning.words, rest)]
        rows.append(meaning.words[:, meaning.content].min(axis=1))
        rows.append(_share(meaning.words, meaning.asking.astype(np.float64)))
        found = np.full((len(names), len(sheet.units)), np.nan)
        found[:, sheet.close.rows] = rows
        found[:, ~sheet.near] = np.nan
    for name, values in zip(names, found, strict=True):
        columns[name] = values
        if name.startswith("words"):
            columns[f"{name}_best"] = _behind(values)
    return columns


def _behind(values: Grid) -> Grid:
    """How far each value lies behind the best one that is known."""
    known = values[~np.isnan(values)]
    return values - (known.max() if len(known) else np.nan)


def _share(grid: Grid, weights: Grid) -> Grid:
    total = float(weights.sum())
    return grid @ weights / total if total else np.full(len(grid), np.nan)


def _open(sheet: Sheet, *, required: bool) -> Grid:
    """How many of the terms a unit with its title and headings leaves open."""
    columns = [
        c
        for c, t in enumerate(sheet.part.terms)
        if t.required == required and (required or t.weight >= 1.0)
    ]
    return np.asarray((sheet.cover[:, columns] < 0.5).sum(axis=1), dtype=float)


def _beside(sheet: Sheet, values: Grid) -> Grid:
    """The best of the two units next to each, in its passage."""
    found = np.full(len(values), np.nan)
    for row, unit in enumerate(sheet.units):
        near = [
            values[n]
            for n in (row - 1, row + 1)
            if 0 <= n < len(values) and sheet.units[n].passage == unit.passage
        ]
        found[row] = max(near, default=np.nan)
    return found


def _in_passage(sheet: Sheet, values: Grid) -> Grid:
    """The best value of each unit's passage."""
    best: dict[int, float] = {}
    for unit, value in zip(sheet.units, values, strict=True):
        best[unit.passage] = max(best.get(unit.passage, -np.inf), float(value))
    return np.array([best[u.passage] for u in sheet.units])


def _phrases(sheet: Sheet) -> Grid:
    """The share of the names, and of the pairs of words side by side, that stand together."""
    said = sheet.part.text
    pairs = [
        (a.stem, b.stem)
        for a, b in pairwise(words(said))
        if {a.text.lower(), b.text.lower()}.isdisjoint(STOP)
    ]
    if not pairs:
        return np.full(len(sheet.units), np.nan)
    found = []
    for unit in sheet.units:
        near = _pairs(unit.text) | _pairs(unit.context)
        found.append(sum(pair in near for pair in pairs) / len(pairs))
    return np.array(found)


@lru_cache(maxsize=8192)
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((a.stem, b.stem) for a, b in pairwise(words(text)))


def _subject(sheet: Sheet, unit: Unit) -> float:
    """For a row, how much of what its first cell says is asked; else not a number."""
    if unit.kind != "row":
        return np.nan
    named = stems(subject(unit))
    return len(named & sheet.asked) / (len(named) or 1)


def _fresh(sheet: Sheet, row: int) -> float:
    """The share of a unit's words that the question does not hold."""
    said = sheet.units[row].stems
    return len(said - sheet.asked) / (len(said) or 1)


def _rank(values: Grid) -> Grid:
    ranks = np.empty(len(values))
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return np.minimum(ranks, 40.0)
