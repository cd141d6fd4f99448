"""What to search for next: the parts themselves, then what the evidence names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...types import Query
from ..protocol import PlannedQuery
from .bridge import bridges
from .decide import Judged
from .links import left_open
from .question import Part
from .words import stems

MOST_A_PART = 3
MOST_STARTS = 4


def next_queries(
    part: Part, tried: Sequence[Judged], searches: Sequence[Query], question: str
) -> list[PlannedQuery]:
    """Return up to three searches for a part that were not run before.

    The part's own words first; then each name that a promising piece leads to, with the
    words of the part that this piece does not meet; then a required name that was not met.
    """
    before = [stems(q.text) for q in searches] or [stems(question)]
    kept: list[PlannedQuery] = []
    for text in (part.text, *_leads(part, tried), *_absent(tried)):
        key = stems(text)
        if key and not any(_same(key, other) for other in before):
            before.append(key)
            kept.append(PlannedQuery(query=Query(text=text), subquestion=part.id))
    return kept[:MOST_A_PART]


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= 0.9 * len(one | other)


def _leads(part: Part, tried: Sequence[Judged]) -> Iterator[str]:
    """Names that the pieces that bear best on the part give, one of each piece in turn."""
    if not tried:
        return
    made = tried[0].sheet
    lines = []
    for start in np.argsort(-made.first, kind="stable")[:MOST_STARTS]:
        rest = "" if part.by_name else left_open(made, int(start))[1]
        steps = bridges(part, made.units[int(start)], made.small)
        lines.append([f"{b.name} {rest}".strip() for b in steps[:MOST_A_PART]])
    for depth in range(MOST_A_PART):
        for line in lines:
            if depth < len(line):
                yield line[depth]


def _absent(tried: Sequence[Judged]) -> Iterator[str]:
    """A name that even the best chain lacks, searched for by itself."""
    if not tried or not tried[0].absent:
        return
    part = tried[0].sheet.part
    for i, name in enumerate(part.names):
        if any(t.name == i and t.text in tried[0].absent for t in part.terms):
            yield name
