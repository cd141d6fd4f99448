"""How passages and documents lie in a store: ids, payload keys, and both ways across.

The layout is the same in every engine. A passage's payload holds the passage itself
and, beside it, a *projection* made for filtering:

- `terms`: every value as `name=JSON`, for equality and for the commonest values;
- `fields`: one `name:type` for each metadata field, so that one facet names them all;
- `numbers` and `times`: by name, the values that can be compared.

So one index serves equality in all fields (an index costs a tenth of a second to make and
a hundred synced files), and a field whose values have several types can be filtered by
each. Names are percent-encoded, for JSON paths give some characters a meaning. A list
counts as its elements; a mapping as its leaves (`a.b`).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from ..types import Document, Passage
from .protocol import DocumentRecord, Entry, SparseVector

NAMESPACE = uuid.UUID("8a4d3c6e-5b0f-5e0c-9f0e-2f1f6f2b7a51")

PASSAGE_KEYS = (
    "id",
    "document_id",
    "title",
    "text",
    "source",
    "start",
    "end",
    "headings",
    "metadata",
)
RECORD_KEYS = ("document_id", "title", "source", "metadata", "hash", "root", "passages", "pieces")
KEYWORDS = ("document_id", "source", "title")
"""Filterable besides metadata; their payload keys are their names."""

PASSAGE_INDEXES = dict.fromkeys(("document_id", "terms", "fields"), "keyword")
DOCUMENT_INDEXES = {"kind": "keyword"}
MOST_INDEXES = 48
"""Fields that come when this many are indexed are compared without: correct, but slower."""

MOST_TERMS = 5_000
"""How many of the commonest terms are looked through for the values of fields."""

PIECE = 2_000_000
"""Characters of a text kept in one point: a server refuses requests of more than 32 MB."""

_LONGEST_TERM = 256
_EXACT_INTEGERS = 2**53
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?\Z")


def point_id(kind: str, name: str) -> str:
    """Return the id of the point that keeps `name`; `kind` is such as passage or record."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{clean(name)}"))


def clean(text: str) -> str:
    """Return `text` with lone surrogates, which no store can hold, as question marks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: dates as ISO text, sets as lists, the rest as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {clean(str(name)): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return clean(str(value))


# Metadata as it is filtered


def term(name: str, value: str | int | float | bool) -> str:
    """Return the one spelling under which equal values of a field are found.

    The value is JSON, or a hash if it is long. What is no metadata is marked with "@".
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGERS:
        value = int(value)
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST_TERM:
        text = "#" + hashlib.sha256(text.encode()).hexdigest()
    return f"{'@' + name if name in KEYWORDS else quote(name, safe='')}={text}"


def commonest(counts: Iterable[tuple[str, int]], most: int) -> dict[str, tuple[Any, ...]]:
    """Turn the facet of `terms` into the `most` frequent values of each metadata field."""
    found: dict[str, list[Any]] = {}
    for spelling, _ in sorted(counts, key=lambda pair: -pair[1]):
        name, _, text = spelling.partition("=")
        values = found.setdefault(name, [])
        if len(values) < most and text[0] != "#" and name[:1] != "@":
            values.append(json.loads(text))
    return {unquote(name): tuple(values) for name, values in found.items()}


def moment(text: str, *, day_ends: bool = False) -> str | None:
    """Return an ISO date or time in one form, in UTC; None if `text` is neither.

    A time without a zone is taken as UTC. A bare date is its first moment, or with
    `day_ends` its last.
    """
    if not _DATE.match(text):
        return None
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if day_ends and len(text) == len("2021-03-05"):
        when = when.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def type_of(value: str | int | float | bool) -> str:
    """Name a value's type: bool, integer, float, datetime or keyword."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    return "keyword" if moment(value) is None else "datetime"


def leaves(metadata: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk over the (field, value) pairs of plain metadata, lists and mappings opened."""
    for name, value in metadata.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from leaves(item, f"{prefix}{name}.")
            elif item is not None and not isinstance(item, list):
                yield f"{prefix}{name}", item


def projection(passage: Passage, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a payload that filters look at, made from plain metadata."""
    names = {"source": clean(passage.source), "title": clean(passage.title)}
    terms = [term(name, value) for name, value in names.items() if value]
    fields: dict[str, None] = {}
    numbers: dict[str, list[float]] = {}
    times: dict[str, list[str]] = {}
    for name, value in leaves(metadata):
        if name in KEYWORDS:
            continue
        kind, key = type_of(value), quote(name, safe="")
        fields[f"{name}:{kind}"] = None
        terms.append(term(name, value))
        if kind in ("integer", "float"):
            numbers.setdefault(key, []).append(float(value))
        elif kind == "datetime" and (when := moment(value)):
            times.setdefault(key, []).append(when)
    return {"terms": terms, "fields": list(fields), "numbers": numbers, "times": times}


def path(part: str, name: str) -> str:
    """Return the JSON path of a field in `numbers`, `times` or `extra`."""
    return _joined(part, quote(name, safe=""))


def _joined(part: str, key: str) -> str:
    """Quote a key only where need be: engines name their indexes by that spelling."""
    return f"{part}.{key}" if _BARE_KEY.match(key) else f'{part}."{key}"'


def indexes(payloads: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the JSON paths that occur in passage payloads, each with its kind of index."""
    kinds = {"numbers": "float", "times": "datetime", "extra": "keyword"}
    found: dict[str, str] = {}
    for payload in payloads:
        for part, kind in kinds.items():
            for key, values in payload[part].items():
                if part != "extra" or _are_words(values):
                    found[_joined(part, key)] = kind
    return found


def missing_indexes(wanted: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """Return what is to be indexed anew, as far as there is room for more indexes."""
    lacking = [(key, kind) for key, kind in wanted.items() if key not in present]
    return dict(lacking[: max(0, MOST_INDEXES - len(present))])


def _are_words(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def known_fields(counts: Iterable[tuple[str, int]]) -> dict[str, list[str]]:
    """Turn the facet of `fields` into the types of each field, the commonest first."""
    known: dict[str, list[str]] = {}
    for label, _ in sorted(counts, key=lambda pair: -pair[1]):
        name, _, kind = label.rpartition(":")
        known.setdefault(name, []).append(kind)
    return dict(sorted(known.items()))


# Nouns to payloads and back


def passage_payload(entry: Entry) -> dict[str, Any]:
    """Return all that is kept of a passage but its vectors."""
    passage = entry.passage
    metadata = plain(passage.metadata)
    return {
        "id": clean(passage.id),
        "document_id": clean(passage.document_id),
        "title": clean(passage.title),
        "text": clean(passage.text),
        "source": clean(passage.source),
        "start": passage.start,
        "end": passage.end,
        "headings": [clean(heading) for heading in passage.headings],
        "metadata": metadata,
        **projection(passage, metadata),
        "extra": {quote(name, safe=""): plain(value) for name, value in entry.extra.items()},
    }


def passage_from(payload: Mapping[str, Any]) -> Passage:
    """Return the passage that a payload keeps."""
    return Passage(**{key: payload[key] for key in PASSAGE_KEYS})


def extra_from(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what other tools keep beside the passage."""
    return {_unquoted(name): value for name, value in payload.get("extra", {}).items()}


@lru_cache(maxsize=1024)
def _unquoted(name: str) -> str:
    return unquote(name)  # few names, and each comes with every passage


def document_payloads(record: DocumentRecord, passages: int) -> dict[str, dict[str, Any]]:
    """Return the points of a document: the pieces of its text, and last its record.

    The text is kept apart so that listing need not read it. `passages` is how many the
    document has.
    """
    document = record.document
    name, text = clean(document.id), clean(document.text)
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    points: dict[str, dict[str, Any]] = {
        point_id(f"text {i}", name): {"kind": "text", "document_id": name, "text": piece}
        for i, piece in enumerate(pieces)
    }
    points[point_id("record", name)] = {
        "kind": "record",
        "document_id": name,
        "title": clean(document.title),
        "source": clean(document.source),
        "metadata": plain(document.metadata),
        "hash": record.hash,
        "root": clean(record.root),
        "passages": passages,
        "pieces": len(pieces),
    }
    return points


def piece_ids(payload: Mapping[str, Any]) -> list[str]:
    """Return the ids of the points that keep the text of a record, in order."""
    return [point_id(f"text {i}", payload["document_id"]) for i in range(payload["pieces"])]


def all_ids(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the ids of the points that keep documents; the texts first, for a record
    that is left over can be deleted again, but a text without one would never be."""
    return [*(piece for payload in records.values() for piece in piece_ids(payload)), *records]


def sparse_from(vector: Any) -> SparseVector:
    """Return an engine's sparse vector as ours; a point that has none has an empty one."""
    if vector is None:
        return SparseVector.empty()
    return SparseVector(np.asarray(vector.indices, np.int64), np.asarray(vector.values, np.float32))


def record_from(payload: Mapping[str, Any], text: str = "") -> DocumentRecord:
    """Return the record that a payload keeps, with its text if it is given."""
    document = Document(
        id=payload["document_id"],
        text=text,
        title=payload["title"],
        source=payload["source"],
        metadata=payload["metadata"],
    )
    return DocumentRecord(document, payload["hash"], payload["root"], payload["passages"])
