"""From a `where` to conditions that any engine can be given.

A `where` maps field names to a value (equality) or to operators:

    {"team": "pilots", "year": {"gte": 2021, "lte": 2024}, "document_id": {"not_in": ["a"]}}

Operators are `eq`, `in`, `not_in`, `gte` and `lte`; all that is named must hold. A field
with several values matches if any of them does, `not_in` if none does; a passage without
the field matches only `not_in`. `gte` and `lte` compare numbers, or ISO dates and times:
a bare date means the whole day. Besides metadata, `document_id`, `source` and `title`
can be filtered by; a metadata field of one of these names cannot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from ...errors import FilterError
from .layout import KEYWORDS, moment, path, plain, term

OPERATORS = ("eq", "in", "not_in", "gte", "lte")

_FAMILIES = {
    "bool": "true or false",
    "integer": "numbers",
    "float": "numbers",
    "keyword": "text",
    "datetime": "dates",
}


@dataclass(frozen=True, slots=True)
class Among:
    """Any value at payload path `key` is one of `values`; with `negated`, none is."""

    key: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """Some value at payload path `key` lies between the bounds, both included.

    The bounds are numbers, or times as `layout.moment` writes them.
    """

    key: str
    gte: float | str | None = None
    lte: float | str | None = None

    @property
    def of_times(self) -> bool:
        """Whether the bounds are times."""
        return isinstance(self.gte, str) or isinstance(self.lte, str)


Condition = Among | Within


def conditions(where: Any, known: Mapping[str, Sequence[str]] | None) -> list[Condition]:
    """Check a `where` and return what must hold, all of it.

    `known` gives the types of each metadata field; None, of a corpus without documents,
    lets every field pass. Raises `FilterError`.
    """
    if where is None:
        return []
    if not isinstance(where, Mapping):
        raise FilterError(f"a filter is a mapping of field names; got {_kind(where)}: {where!r}")
    found: list[Condition] = []
    for name, asked in where.items():
        types = _types(name, known)
        found += _of_field(name, _operators(name, asked), types)
    return found


def having(extra: Mapping[str, Sequence[str]]) -> list[Condition]:
    """Return what `SearchRequest.having` asks for."""
    return [Among(path("extra", name), tuple(values)) for name, values in extra.items()]


def _types(name: Any, known: Mapping[str, Sequence[str]] | None) -> Sequence[str] | None:
    """Return the types a field is known to have, or None if nothing is known."""
    if name in KEYWORDS:
        return ("keyword",)
    if known is None and isinstance(name, str):
        return None
    if known is not None and name in known:
        return known[name]
    names = [*KEYWORDS, *(known or ())]
    near = get_close_matches(str(name), names, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise FilterError(
        f'no document has a field "{name}" to filter by.{hint} Known fields: {", ".join(names)}'
    )


def _operators(name: str, asked: Any) -> Mapping[str, Any]:
    """Return the operators asked of a field; a bare value is `eq`."""
    if not isinstance(asked, Mapping):
        return {"eq": asked}
    if not asked:
        raise FilterError(f'"{name}": no operator given. Operators: {", ".join(OPERATORS)}')
    for operator in asked:
        if operator not in OPERATORS:
            near = get_close_matches(str(operator), OPERATORS, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise FilterError(
                f'"{name}": unknown operator "{operator}".{hint} Operators: {", ".join(OPERATORS)}'
            )
    return asked


def _of_field(name: str, asked: Mapping[str, Any], types: Sequence[str] | None) -> list[Condition]:
    found: list[Condition] = []
    for operator in ("eq", "in", "not_in"):
        if operator in asked:
            values = [asked["eq"]] if operator == "eq" else _listed(name, operator, asked[operator])
            checked = [_value(name, value, types) for value in values]
            found.append(_among(name, checked, negated=operator == "not_in"))
    bounds = {side: asked[side] for side in ("gte", "lte") if side in asked}
    return found + _within(name, bounds, types)


def _listed(name: str, operator: str, values: Any) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
        raise FilterError(f'"{name}": {operator} needs a list of values; got {values!r}')
    return list(values)


def _value(name: str, value: Any, types: Sequence[str] | None) -> str | int | float | bool:
    """Return a value in its stored form, if the field can hold it."""
    if isinstance(value, list | tuple | set | frozenset):
        raise FilterError(f'"{name}": a list needs an operator: {{"in": {list(value)!r}}}')
    if not isinstance(value, str | int | float | date):
        raise FilterError(
            f'"{name}": a value is text, a number, true or false, or a date; got {value!r}'
        )
    stored: str | int | float | bool = plain(value)
    if types is not None and not _holds(types, stored):
        held = " and ".join(dict.fromkeys(_FAMILIES[kind] for kind in types))
        raise FilterError(f'"{name}" holds {held}; {value!r} is {_kind(value)}')
    return stored


def _holds(types: Sequence[str], value: str | int | float | bool) -> bool:
    if isinstance(value, bool):
        return "bool" in types
    if isinstance(value, str):
        return "keyword" in types or "datetime" in types
    return "integer" in types or "float" in types


def _among(name: str, values: list[Any], *, negated: bool) -> Among:
    if name == "document_id":
        return Among(name, tuple(values), negated)
    return Among("terms", tuple(term(name, value) for value in values), negated)


def _within(name: str, bounds: Mapping[str, Any], types: Sequence[str] | None) -> list[Condition]:
    """Return the range asked for, if any: a pair of numbers, or a pair of times."""
    if not bounds:
        return []
    if name in KEYWORDS:
        raise FilterError(f'"{name}" holds text, which gte and lte cannot compare; use in')
    limits = {side: _limit(name, side, value, types) for side, value in bounds.items()}
    if len({isinstance(limit, str) for limit in limits.values()}) > 1:
        raise FilterError(f'"{name}": gte and lte must both be numbers or both be dates')
    part = "times" if isinstance(next(iter(limits.values())), str) else "numbers"
    return [Within(path(part, name), **limits)]


def _limit(name: str, side: str, value: Any, types: Sequence[str] | None) -> float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isnan(value):
            raise FilterError(f'"{name}": {side} cannot be compared with nan')
        _value(name, value, types)
        return float(value)
    when = moment(plain(value), day_ends=side == "lte") if isinstance(value, str | date) else None
    if when is None:
        raise FilterError(
            f'"{name}": {side} needs a number or an ISO date such as 2021-03-05; got {value!r}'
        )
    if types is not None and "datetime" not in types:
        held = " and ".join(dict.fromkeys(_FAMILIES[kind] for kind in types))
        raise FilterError(f'"{name}" holds {held}, not dates; {side} {value!r} cannot be compared')
    return when


def _kind(value: Any) -> str:
    """Name the type of a value in a message."""
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
