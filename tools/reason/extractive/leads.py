"""The short span that answers: of the spans of a piece, the one the question's words pull at."""

from __future__ import annotations

import re
from functools import lru_cache

from .question import Part
from .sentences import Unit
from .spans import Span
from .support import Sheet, is_life
from .tables import cell_for
from .words import words


def lead(sheet: Sheet, row: int) -> str:
    """Return the span of a unit that answers the part, or "" where none does or none is asked."""
    part, unit = sheet.part, sheet.units[row]
    if part.kind in ("text", "yesno"):
        return ""
    if unit.kind == "row" and not part.by_name and (cell := cell_for(part, unit)):
        return cell
    typed = _of_the_values(unit, sheet.typed[row])
    return nearest(part, unit, typed).text.strip() if typed else ""


def defines(part: Part, unit: Unit) -> bool:
    """Say whether a unit opens with the word whose meaning is asked for, as in a glossary."""
    return bool(part.defines) and bool(_opening(part.defines).match(unit.text))


@lru_cache(maxsize=256)
def _opening(word: str) -> re.Pattern[str]:
    says = r" (?:means?|stands?|(?:is|are|was) (?:an?|the|short))\b"
    # Of several words a colon may follow that says something else of the thing.
    marks = r"[.:)(,=–—-]" if " " not in word else r"[.:]\*\*|(?<=\*)[.:]?|[)(=–—]"
    opens = rf"[\W_]{{0,8}}(?:an? |the )?{re.escape(word)}[\"”’]?[*_]{{0,2}}"
    return re.compile(f"{opens}(?:{says}|{marks})", re.IGNORECASE)


def _of_the_values(unit: Unit, typed: tuple[Span, ...]) -> tuple[Span, ...]:
    """Of a row, leave the spans of one cell behind the first, which names what the row is of."""
    if unit.kind != "row":
        return typed
    bars = [at for at, letter in enumerate(unit.text) if letter == "|"]
    places = {span: sum(bar < span.start for bar in bars) for span in typed}
    values = {place for place in places.values() if place > 1}
    return tuple(span for span in typed if places[span] in values) if len(values) == 1 else ()


def nearest(part: Part, unit: Unit, typed: tuple[Span, ...]) -> Span:
    """Return the span that the part's words in the unit pull at most.

    Of a life's two dates in brackets, the second is that of death.
    """
    stems = {t.stem for t in part.terms}
    if part.kind == "date" and is_life(unit.text) and ("die" in stems) != ("birth" in stems):
        return typed[1] if "die" in stems and len(typed) > 1 else typed[0]
    marks = _marks(part, unit)
    return min(typed, key=lambda s: (-_pull(s, marks), s.start))


def pull(sheet: Sheet, row: int) -> float:
    """Return how strongly the part's words pull at the best span; not a number for no span."""
    typed = sheet.typed[row]
    marks = _marks(sheet.part, sheet.units[row]) if typed else []
    return max((_pull(s, marks) for s in typed), default=float("nan"))


def _marks(part: Part, unit: Unit) -> list[tuple[int, int, float]]:
    """Where the part's words, names apart, and their synonyms stand in a unit."""
    wanted = {t.stem: t.weight for t in part.terms if t.name < 0}
    for term in part.terms:
        for stem in term.also if term.name < 0 else ():
            wanted.setdefault(stem, term.weight * 0.7)
    return [(w.start, w.end, wanted[w.stem]) for w in words(unit.text) if w.stem in wanted]


def _pull(span: Span, marks: list[tuple[int, int, float]]) -> float:
    total = 0.0
    for start, end, weight in marks:
        gap = start - span.end if start >= span.end else span.start - end
        total += weight / (10.0 + max(gap, 0))
    return total
