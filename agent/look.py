"""What of a corpus a filter lets through: documents, passages, fields.

A document is let through when all of its passages are, so that nothing of it shows that
a search under the same filter would not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..tools.types import Document, Where

if TYPE_CHECKING:
    from ..tools.store.protocol import DocumentRecord, Field, Store


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is to see. `records` have no text; `fields` are those of these documents."""

    records: Sequence[DocumentRecord]
    passages: int
    fields: Sequence[Field]


async def document(store: Store, document_id: str, where: Where | None) -> Document | None:
    """Return a document with its text if every passage of it is let through, else None."""
    record = await store.document(document_id)
    if record is None:
        return None
    if where and await store.count(_of(document_id, where)) != record.passages:
        return None
    return record.document


async def records(store: Store, where: Where | None) -> list[DocumentRecord]:
    """Return the records of the documents that are let through, without their text."""
    every = await store.documents()
    if not where:
        return every
    seen: Counter[str] = Counter()
    async for hit in store.scroll(where):
        seen[hit.passage.document_id] += 1
    return [r for r in every if r.passages and seen[r.document.id] == r.passages]


async def contents(store: Store, where: Where | None) -> Contents:
    """Return all there is to see under a filter."""
    found = await records(store, where)
    fields = await store.fields()
    if where:
        fields = _narrowed(fields, [record.document for record in found])
    return Contents(found, sum(r.passages for r in found), tuple(fields.values()))


def _of(document_id: str, where: Where) -> Where:
    """Return the filter for one document, under a filter that may name documents itself."""
    asked = where.get("document_id")
    if asked is None:
        return {**where, "document_id": document_id}
    held = asked if isinstance(asked, dict) else {"eq": asked}
    if "eq" in held and held["eq"] != document_id:
        return {**where, "document_id": {"in": []}}
    return {**where, "document_id": {**held, "eq": document_id}}


def _narrowed(fields: dict[str, Field], documents: Iterable[Document]) -> dict[str, Field]:
    """Return the fields that these documents have, with only their values."""
    from ..tools.store.protocol import COMMONEST_VALUES

    values: dict[str, Counter[Any]] = {}
    for one in documents:
        for name, value in one.metadata.items():
            held = value if isinstance(value, (list, tuple)) else (value,)
            values.setdefault(name, Counter()).update(held)
    return {
        name: field.model_copy(
            update={"values": tuple(v for v, _ in values[name].most_common(COMMONEST_VALUES))}
        )
        for name, field in fields.items()
        if name in values
    }
