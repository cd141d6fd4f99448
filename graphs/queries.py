"""Which of the proposed queries are worth a search: each once only, and never wider
than the filter the person gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..tools.reason.protocol import PlannedQuery
from ..tools.store.protocol import COMMONEST_VALUES, Field
from ..tools.types import Passage, Query, Where

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


def known_fields(
    fields: Iterable[Field], evidence: Iterable[Passage], where: Where | None
) -> tuple[Field, ...]:
    """Return the fields that queries may be narrowed by, with values to choose from.

    Under a filter these are the values of the evidence: the other values of the corpus may
    be none of the asker's business, and a model would repeat them.
    """
    if not where:
        return tuple(fields)
    values: dict[str, dict[Any, None]] = {}
    for passage in evidence:
        for name, value in passage.metadata.items():
            held = value if isinstance(value, (list, tuple)) else (value,)
            values.setdefault(name, {}).update(dict.fromkeys(held))
    return tuple(
        field.model_copy(update={"values": tuple(values[field.name])[:COMMONEST_VALUES]})
        for field in fields
        if field.name in values
    )


def _same(one: Query, other: Query) -> bool:
    if one.where != other.where:
        return False
    a, b = _words(one.text), _words(other.text)
    return a == b or len(a & b) >= NEAR_DUPLICATE * len(a | b)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
