"""Which of the proposed queries are worth a search: each once only, and never wider
than the filter the person gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..tools.reason.protocol import PlannedQuery
from ..tools.types import Query, Where

MOST_QUERIES = 8
"""Searches one round may fan out to."""

NEAR_DUPLICATE = 0.9
"""Share of words two queries have in common from which they are the same search."""


def novel(
    proposed: Iterable[PlannedQuery], tried: Sequence[Query], where: Where | None
) -> tuple[PlannedQuery, ...]:
    """Drop empty queries and near-duplicates, and hold each to the person's filter."""
    kept: list[PlannedQuery] = []
    for planned in proposed:
        query = Query(text=planned.query.text.strip(), where=narrowed(where, planned.query.where))
        before = [*tried, *(k.query for k in kept)]
        if query.text and not any(_same(query, other) for other in before):
            kept.append(planned.model_copy(update={"query": query}))
    return tuple(kept[:MOST_QUERIES])


def narrowed(where: Where | None, proposed: Where | None) -> Where | None:
    """Join two filters. On a field that the person filters, the proposal is ignored."""
    return {**(proposed or {}), **(where or {})} or None


def _same(one: Query, other: Query) -> bool:
    if one.where != other.where:
        return False
    a, b = _words(one.text), _words(other.text)
    return a == b or len(a & b) >= NEAR_DUPLICATE * len(a | b)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
