"""Metadata that can be stored and filtered: JSON scalars, and lists of them."""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from .scan import SourceFile

MOST_VALUES = 10_000
LARGEST_INTEGER = 2**63 - 1


def path_metadata(file: SourceFile) -> dict[str, Any]:
    """Return `folder` (relative to what was added, "" at its top), `file`, `extension`."""
    folder, name = posixpath.split(file.relative)
    extension = posixpath.splitext(name)[1].lstrip(".").lower()
    return {"folder": folder, "file": name, "extension": extension}


def flat_metadata(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return `values` as JSON scalars and lists of scalars, so that all can be filtered.

    Nested objects are flattened with dots (`{"a": {"b": 1}}` to `{"a.b": 1}`), dates become
    ISO strings, an empty value is left out, a list that holds more than scalars is kept
    as JSON text. Raises `ValueError` beyond 10,000 values.
    """
    if all(type(key) is str and type(value) in _FLAT for key, value in values.items()):
        return dict(values)
    flat: dict[str, Any] = {}
    _Flattening().put(values, "", flat)
    return flat


class _Flattening:
    """Counts what it visits: a few lines of YAML aliases can unfold into billions."""

    def __init__(self) -> None:
        self.visited = 0

    def put(self, values: Mapping[Any, Any], prefix: str, flat: dict[str, Any]) -> None:
        for key, value in values.items():
            self._count()
            name = f"{prefix}{_text(key)}"
            if isinstance(value, Mapping):
                self.put(value, f"{name}.", flat)
            elif isinstance(value, (list, tuple, set, frozenset)):
                flat[name] = self._list(value)
            elif value is not None:
                flat[name] = _scalar(value)

    def _list(self, values: Any) -> Any:
        plain = self._plain(
            sorted(values, key=str) if isinstance(values, (set, frozenset)) else values
        )
        if any(isinstance(value, (list, dict)) for value in plain):
            return json.dumps(plain, ensure_ascii=False)
        return [value for value in plain if value is not None]

    def _plain(self, value: Any) -> Any:
        self._count()
        if isinstance(value, Mapping):
            return {_text(key): self._plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._plain(each) for each in value]
        return None if value is None else _scalar(value)

    def _count(self) -> None:
        self.visited += 1
        if self.visited > MOST_VALUES:
            raise ValueError(f"has more than {MOST_VALUES:,} metadata values")


_FLAT = (str, bool)


def _scalar(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _text(value)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
