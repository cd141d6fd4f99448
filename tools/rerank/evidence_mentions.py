"""Who mentions whom among the candidates of a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import product
from ..trail.names import is_marked
from .evidence_pool import Array, Pool, Words

AROUND = 15
"""Words on either side of a mention that tell what is said there."""

MOST_PLACES = 6
HUB_DAMPING = 0.9

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mentions:
    """Links among N candidates, [who mentions, who is mentioned].

    `link` is how telling the mention is, in 0..1: less for a name that many of the
    candidates bear or mention. `said` is the share of the question that the words around
    it cover. `common` is how telling the names are that both mention and the question
    does not. `in_question` (N,) tells whose name the question itself mentions.
    """

    link: Array
    said: Array
    common: Array
    in_question: Array


def find_mentions(pool: Pool) -> Mentions:
    """Find every name of a candidate in the text of every other, in one pass over each."""
    owners: dict[str, list[int]] = {}
    for number, names in enumerate(pool.names):
        for name in names:
            owners.setdefault(name, []).append(number)
    first = _by_first_word(owners)
    found: dict[str, dict[int, list[Span]]] = {}
    for number, text in enumerate(pool.texts):
        for name, span in _occurrences(text, first):
            found.setdefault(name, {}).setdefault(number, []).append(span)
    link, said = _links(pool, owners, found)
    np.fill_diagonal(link, 0)
    np.fill_diagonal(said, 0)
    return Mentions(link, said, _in_common(pool), _in_question(pool, owners, first))


def _by_first_word(names: dict[str, list[int]]) -> dict[str, list[tuple[str, list[str]]]]:
    first: dict[str, list[tuple[str, list[str]]]] = {}
    for name in names:
        parts = name.split(" ")
        first.setdefault(parts[0], []).append((name, parts))
    return first


def _occurrences(
    text: Words, first: dict[str, list[tuple[str, list[str]]]], *, marked: bool = True
) -> Iterator[tuple[str, Span]]:
    """Yield the names in a text; single words only where they are written like names."""
    folded = text.folded
    for start, word in enumerate(folded):
        if word not in first:
            continue
        for name, parts in first[word]:
            end = start + len(parts)
            if folded[start:end] != parts:
                continue
            if len(parts) > 1 or not marked or is_marked(text.written[start]):
                yield name, (start, end)


def _links(
    pool: Pool, owners: dict[str, list[int]], found: dict[str, dict[int, list[Span]]]
) -> tuple[Array, Array]:
    """Return how telling the best mention of each by each is, and the most said around one."""
    rows: list[int] = []
    columns: list[int] = []
    telling: list[float] = []
    covered: list[float] = []
    for name, places in found.items():
        bearers = owners[name]
        count = len(bearers)
        worth = _telling(len(places), len(pool.texts)) / count
        for number, spans in places.items():
            around = max(_covered(pool, number, span) for span in spans[:MOST_PLACES]) / count
            rows += [number] * count
            columns += bearers
            telling += [worth] * count
            covered += [around] * count
    link, said = np.zeros((2, len(pool.texts), len(pool.texts)), np.float32)
    at = np.array(rows, np.intp), np.array(columns, np.intp)
    np.maximum.at(link, at, np.array(telling, np.float32))
    np.maximum.at(said, at, np.array(covered, np.float32))
    return link, said


def _telling(places: int, size: int) -> float:
    """Return what a name that stands in `places` of `size` texts is worth, in 0..1."""
    return float(1 - HUB_DAMPING * np.log(1 + places) / np.log(size + 1))


def _in_common(pool: Pool) -> Array:
    """Return how telling the rarest name is that two texts share (N, N)."""
    size = len(pool.texts)
    places: dict[str, list[int]] = {}
    for number, text in enumerate(pool.texts):
        for name in text.mentions:
            places.setdefault(name, []).append(number)
    asked = f" {' '.join(pool.question.folded)} "
    by_count: dict[int, list[list[int]]] = {}
    for name, numbers in places.items():
        if len(numbers) > 1 and f" {name} " not in asked:
            by_count.setdefault(len(numbers), []).append(numbers)
    common = np.zeros((size, size), np.float32)
    for count in sorted(by_count, reverse=True):  # the rarest last: it is what counts
        held = np.zeros((size, len(by_count[count])), np.float32)
        held[np.array(by_count[count]).T, np.arange(held.shape[1])] = 1
        common[product(held, held) > 0] = _telling(count, size)
    np.fill_diagonal(common, 0)
    return common


def _covered(pool: Pool, number: int, span: Span) -> float:
    """Return the share of the question covered by the words around a mention."""
    terms = pool.texts[number].terms
    around = {*terms[max(0, span[0] - AROUND) : span[0]], *terms[span[1] : span[1] + AROUND]}
    around.discard(-1)
    return float(pool.idf[list(around)].sum() / (pool.idf.sum() + 1e-9)) if around else 0.0


def _in_question(
    pool: Pool, owners: dict[str, list[int]], first: dict[str, list[tuple[str, list[str]]]]
) -> Array:
    """Return whose name the question mentions; of nested names, the longest alone."""
    found = {name for name, _ in _occurrences(pool.question, first, marked=False)}
    longest = [
        name for name in found if not any(name != o and f" {name} " in f" {o} " for o in found)
    ]
    share = np.zeros(len(pool.texts), np.float32)
    for name in longest:
        share[owners[name]] = np.maximum(share[owners[name]], 1 / len(owners[name]))
    return share
