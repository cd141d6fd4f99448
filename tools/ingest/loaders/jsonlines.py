"""JSON Lines of documents: one object a line, of which only `text` is required."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...types import Document, Failure
from ..decoding import MARKS, decode
from ..metadata import flat_metadata, path_metadata
from ..scan import SourceFile

MOST_REPORTED = 20


class JsonLines:
    """Keys `text`, `id`, `title`, `source`, `metadata`; any other goes into the metadata.

    A line without `id` is known by its title and text, one without `source` by the file.
    """

    suffixes = (".jsonl", ".ndjson")
    largest = 500_000_000

    def count(self, data: bytes) -> int:
        """Return the number of lines."""
        return data.count(b"\n") + 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document | Failure]:
        """Yield a Document for each good line and a Failure for each bad one.

        Beyond twenty bad lines the rest is counted in one Failure.
        """
        bad = 0
        for number, line in _lines(data):
            try:
                yield _document(file, line)
            except (ValueError, RecursionError) as error:
                bad += 1
                if bad <= MOST_REPORTED:
                    yield Failure(source=f"{file.path}:{number}", reason=_reason(error))
        if bad > MOST_REPORTED:
            yield Failure(source=file.path, reason=f"{bad - MOST_REPORTED:,} more bad lines")


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1, as UTF-8."""
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    elif any(data.startswith(mark) for mark, _ in MARKS):
        data = decode(data).encode("utf-8")
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        line = data[start:end].strip()
        if line:
            yield number, line
        start = end + 1


def _document(file: SourceFile, line: bytes) -> Document:
    values = json.loads(line.decode("utf-8"))
    if not isinstance(values, dict):
        raise ValueError(f"is a {type(values).__name__}, not an object with a `text`")
    text = values.pop("text", None)
    if not isinstance(text, str):
        raise ValueError("has no `text`" if text is None else "its `text` is not a string")
    title = _string(values, "title")
    source = _string(values, "source") or file.path
    given = _string(values, "id")
    metadata = _metadata(values.pop("metadata", None), values)
    return Document(
        id=given
        or hashlib.sha256(
            f"{file.path}\n{title}\n{text}".encode("utf-8", "surrogatepass")
        ).hexdigest()[:16],
        text=text,
        title=title,
        source=source,
        metadata={**path_metadata(file), **metadata},
    )


def _string(values: dict[str, Any], key: str) -> str:
    value = values.pop(key, None)
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise ValueError(f"its `{key}` is not a string")
    return str(value)


def _metadata(given: Any, others: Mapping[str, Any]) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ValueError("its `metadata` is not an object")
    return flat_metadata({**others, **(given or {})})


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the line is not valid UTF-8; the other lines went in"
    if isinstance(error, json.JSONDecodeError):
        return f"the line is not JSON ({error.msg}, column {error.colno})"
    if isinstance(error, RecursionError):
        return "the line is nested too deeply"
    return f"the line {error}"
