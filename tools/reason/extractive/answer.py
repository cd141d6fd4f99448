"""From weighed chains to claims: the quotes and the span that leads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..protocol import DraftClaim, Quote
from .decide import Judged
from .question import Part
from .sentences import Unit
from .spans import Span
from .support import is_life
from .tables import cell_for, spoken
from .words import words

SHARE = 0.08
"""The share of belief, among all pieces, from which a further piece is quoted too."""

MOST_ALSO = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to one part: a claim in the evidence's own words, and its leading span."""

    claim: DraftClaim
    lead: str


def said(judged: Judged) -> Said:
    """Return the claim for a chain: its pieces, each quoted, in the order they lead on."""
    quotes: list[Quote] = []
    texts: list[str] = []
    for row in judged.chain.units:
        unit = judged.sheet.units[row]
        name = judged.sheet.passages[unit.passage].id
        quotes += [Quote(passage_id=name, text=text) for text in (unit.header, unit.text) if text]
        texts.append(spoken(unit) if unit.kind == "row" else unit.text)
    claim = DraftClaim(text=" ".join(texts), quotes=tuple(dict.fromkeys(quotes)))
    return Said(claim, lead(judged))


def also(judged: Judged) -> list[DraftClaim]:
    """Return claims for further pieces that are nearly as believable as the chosen ones.

    Where one piece has all the belief there are none; a piece that does not meet the names
    or the kind of value asked for is never quoted.
    """
    made, chain = judged.sheet, judged.chain
    odds = np.exp(made.scores - made.scores.max())
    belief = odds / odds.sum()
    found: list[DraftClaim] = []
    for row in np.argsort(-belief, kind="stable")[: MOST_ALSO + len(chain.units)]:
        if belief[row] < SHARE or len(found) == MOST_ALSO:
            break
        if int(row) in chain.units or not _bears(judged, int(row)):
            continue
        found.append(said(replace(judged, chain=replace(chain, units=(int(row),)))).claim)
    return found


def _bears(judged: Judged, row: int) -> bool:
    made = judged.sheet
    typed = not made.part.wants_value or bool(made.typed[row])
    return typed and bool(made.named[row].all())


def lead(judged: Judged) -> str:
    """Return the span of the answer piece that stands nearest to the part's focus, or ""."""
    made, row = judged.sheet, judged.chain.answer
    part, unit = made.part, made.units[row]
    if part.kind in ("text", "yesno"):
        return ""
    if unit.kind == "row" and not part.by_name and (cell := cell_for(part, unit)):
        return cell
    typed = made.typed[row]
    return nearest(part, unit, typed).text.strip() if typed else ""


def nearest(part: Part, unit: Unit, typed: tuple[Span, ...]) -> Span:
    """Return the span that the part's words in the unit pull at most.

    Of a life's two dates in brackets, the second is that of death.
    """
    stems = {t.stem for t in part.terms}
    if part.kind == "date" and is_life(unit.text) and ("die" in stems) != ("birth" in stems):
        return typed[1] if "die" in stems and len(typed) > 1 else typed[0]
    wanted = {t.stem: t.weight for t in part.terms if t.name < 0}
    for term in part.terms:
        for stem in term.also if term.name < 0 else ():
            wanted.setdefault(stem, term.weight * 0.7)
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
