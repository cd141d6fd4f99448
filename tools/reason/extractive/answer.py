"""From weighed chains to claims: the quotes, the span that leads, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol import DraftClaim, Quote
from .decide import Judged
from .question import Part
from .sentences import Unit
from .spans import Span
from .words import words


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to one part: a claim in the evidence's own words, and its leading span."""

    claim: DraftClaim
    lead: str


def said(judged: Judged) -> Said:
    """Return the claim for a chain: its pieces quoted in the order that makes sense."""
    made, chain = judged.sheet, judged.chain
    quotes: list[Quote] = []
    for row in chain.units:
        unit = made.units[row]
        quotes.append(Quote(passage_id=made.passages[unit.passage].id, text=unit.text))
    text = " ".join(made.units[row].text for row in chain.units)
    return Said(DraftClaim(text=text, quotes=tuple(quotes)), lead(judged))


def lead(judged: Judged) -> str:
    """Return the span of the answer piece that stands nearest to the part's focus, or ""."""
    row = judged.chain.answer
    made = judged.sheet
    typed = made.typed(row)
    if made.part.kind in ("text", "yesno") or not typed:
        return ""
    return nearest(made.part, made.units[row], typed).text


def nearest(part: Part, unit: Unit, typed: tuple[Span, ...]) -> Span:
    """Return the span with the least mean distance to the part's words in the unit."""
    wanted = {t.stem: t.weight for t in part.terms if t.name < 0}
    for term in part.terms:
        if term.name < 0:
            wanted.update(dict.fromkeys(term.also, term.weight * 0.7))
    marks = [(w.start, w.end, wanted[w.stem]) for w in words(unit.text) if w.stem in wanted]
    if not marks:
        return typed[0]
    return min(typed, key=lambda s: (-_pull(s, marks), s.start))


def _pull(span: Span, marks: list[tuple[int, int, float]]) -> float:
    total = 0.0
    for start, end, weight in marks:
        gap = start - span.end if start >= span.end else span.start - end
        total += weight / (10.0 + max(gap, 0))
    return total
