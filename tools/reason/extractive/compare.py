"""Comparisons decided in code: two found values, and the thing that wins."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol import DraftClaim
from .answer import Said, said
from .decide import Judged
from .places import countries
from .split import Comparison
from .values import date_of, number_of


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome: what leads ("" where code cannot decide), and a claim that says why."""

    lead: str
    claims: tuple[DraftClaim, ...]


def compared(compare: Comparison, a: Judged, b: Judged) -> Compared:
    """Compare what was found of both sides; quote both whatever comes of it."""
    one, other = said(a), said(b)
    both = (one.claim, other.claim)
    if compare.order == "same":
        return Compared(_same(a, b), both)
    if compare.order == "both":
        return Compared("", both)
    first, second = _value(a, one), _value(b, other)
    if first is None or second is None or first == second:
        return Compared("", both)
    a_wins = (first < second) == (compare.order == "least")
    if compare.yesno:
        return Compared("Yes" if a_wins else "No", both)
    return Compared(compare.a if a_wins else compare.b, both)


def _value(judged: Judged, one: Said) -> tuple[float, ...] | None:
    """The value of one side as something that can be ordered."""
    if judged.sheet.part.kind == "date":
        date = date_of(one.lead)
        return tuple(float(x) for x in date) if date else None
    number = number_of(one.lead) if one.lead else None
    return None if number is None else (number,)


def _same(a: Judged, b: Judged) -> str:
    """Yes or no to "the same country", where both pieces name or describe one."""
    first, second = _countries(a), _countries(b)
    if not first or not second:
        return ""
    return "Yes" if set(first) & set(second) else "No"


def _countries(judged: Judged) -> list[str]:
    unit = judged.sheet.units[judged.chain.answer]
    found = countries(unit.text) or countries(unit.context)
    return found[:1] if judged.sheet.part.kind == "place" and len(found) > 2 else found
