"""What to search for next: the parts themselves, then what the evidence names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...types import Query
from ..protocol import PlannedQuery
from .bridge import bridges
from .decide import MET, Judged
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
    """Names that the best pieces give, one of each piece in turn."""
    lines = []
    for judged in tried[:MOST_STARTS]:
        unit = judged.sheet.units[judged.chain.answer]
        passed = {b.stems for b in judged.chain.bridges}
        steps = [b for b in bridges(part, unit, judged.sheet.small) if b.stems not in passed]
        rest = "" if part.by_name else _open(judged)
        lines.append([f"{b.name} {rest}".strip() for b in steps[:MOST_A_PART]])
    for depth in range(MOST_A_PART):
        for line in lines:
            if depth < len(line):
                yield line[depth]


def _open(judged: Judged) -> str:
    """The words of the part that the chain leaves open; all but its names where none is."""
    terms = list(zip(judged.sheet.part.terms, judged.chain.cover, strict=True))
    left = [t.text for t, c in terms if c < MET]
    return " ".join(left or [t.text for t, _ in terms if t.name < 0])


def _absent(tried: Sequence[Judged]) -> Iterator[str]:
    """A name that even the best chain lacks, searched for by itself."""
    if not tried or not tried[0].absent:
        return
    part = tried[0].sheet.part
    for i, name in enumerate(part.names):
        if any(t.name == i and t.text in tried[0].absent for t in part.terms):
            yield name
