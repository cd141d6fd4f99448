"""Comparisons decided in code: two found values, and the thing that wins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol import DraftClaim, Quote
from .answer import Said, said
from .decide import Judged
from .places import countries
from .sentences import Unit
from .split import Comparison
from .values import date_of, number_of
from .words import fold


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome: what leads ("" where code cannot decide), and a claim that says why."""

    lead: str
    claims: tuple[DraftClaim, ...]


def compared(compare: Comparison, a: Judged, b: Judged) -> Compared:
    """Compare what was found of both sides; quote both whatever comes of it."""
    one, other = said(a), said(b)
    both = (named(a, one.claim, compare.a), named(b, other.claim, compare.b))
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


def named(judged: Judged, claim: DraftClaim, name: str) -> DraftClaim:
    """Return the claim with a quote in which the thing is named, where its own quotes do not.

    That is an earlier piece of the passage, or the heading above with the first piece below.
    """
    if any(fold(name) in fold(quote.text) for quote in claim.quotes):
        return claim
    answer = judged.sheet.units[judged.chain.answer]
    passage = judged.sheet.passages[answer.passage]
    around = [u for u in judged.sheet.units if u.passage == answer.passage]
    above = [u.text for u in around if u.end <= answer.start and fold(name) in fold(u.text)]
    text = above[-1] if above else _heading(passage.text[: answer.start], name, around)
    if not text:
        return claim
    quotes = (Quote(passage_id=passage.id, text=text), *claim.quotes)
    return claim.model_copy(update={"quotes": quotes})


def _heading(above: str, name: str, units: Sequence[Unit]) -> str:
    """Return the last line that is nothing but the name, with the piece that follows it."""
    lines = re.finditer(r"^\s*#{0,6}\s*(.+?)\s*#*$", above, re.MULTILINE)
    found = [line for line in lines if fold(line[1]) == fold(name)]
    below = next((u for u in units if found and u.start >= found[-1].end()), None)
    if below is None:
        return ""
    return f"{found[-1][0].strip()}\n\n{below.text}"


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
