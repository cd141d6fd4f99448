"""What is believed of each part: the best chain, and what an older or a rival source says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...types import Passage
from .currency import is_superseded, newer
from .decide import Judged
from .leads import lead
from .question import Part
from .values import date_of, number_of
from .words import fold

RIVAL = 0.25
"""How believable another source must be, against the best, for its word to count."""

BEHIND = 2.5
"""How far below the best, in log-odds, a longer way may rank and still be told as well."""

LESS = 0.05
"""How much less of the part another source may say by itself and still clash."""


@dataclass(frozen=True)
class Settled:
    """What is believed of a part. `earlier` is what an older source says instead.

    `clash` is a source as good as the chosen one that says something else. `further` is a
    longer way from the same start, which meets words that the chosen one leaves open.
    """

    part: Part
    chosen: Judged | None
    earlier: Judged | None = None
    clash: Judged | None = None
    further: Judged | None = None


def settle(part: Part, tried: Sequence[Judged]) -> Settled:
    """Choose among the chains of a part; of two that differ, the source that holds now."""
    able = [j for j in tried if not j.absent]
    if not able:
        return Settled(part, _best(tried))
    best = _best(able)
    assert best is not None
    for rival in _rivals(best, able):
        now = newer(_source(rival), _source(best))
        if now:
            # It says the same of the same thing, so it is believed as much.
            held = max(rival.confidence, best.confidence)
            return Settled(part, replace(rival, confidence=held), earlier=best)
        if now is False:
            return Settled(part, best, earlier=rival)
        if _own(rival) >= _own(best) - LESS:
            return Settled(part, best, clash=rival)
    return Settled(part, best, further=_further(best, able))


def _further(best: Judged, able: Sequence[Judged]) -> Judged | None:
    """The best chain that starts with the chosen one, follows a mention and meets more."""
    if best.complete:
        return None
    size = len(best.chain.units)
    longer = [
        j
        for j in able
        if j.chain.units[:size] == best.chain.units
        and len(j.chain.bridges) > len(best.chain.bridges)
        and j.rank >= best.rank - BEHIND
    ]
    return max(longer, key=_worth, default=None)


def _best(tried: Sequence[Judged]) -> Judged | None:
    """The most believable chain; one from a source that no longer holds counts for less."""
    return max(tried, key=_worth, default=None)


def _worth(judged: Judged) -> tuple[float, int]:
    old = any(is_superseded(judged.sheet.passages[p]) for p in _passages(judged))
    return round(judged.rank - (0.5 if old else 0.0), 3), -len(judged.chain.units)


def _passages(judged: Judged) -> set[int]:
    return {judged.sheet.units[u].passage for u in judged.chain.units}


def _source(judged: Judged) -> Passage:
    return judged.sheet.passages[judged.sheet.units[judged.chain.answer].passage]


def _own(judged: Judged) -> float:
    return float(judged.sheet.own[judged.chain.answer] @ judged.sheet.weights)


def _rivals(best: Judged, able: Sequence[Judged]) -> list[Judged]:
    """Single pieces of other documents that give another value for the same thing."""
    value = _value(best)
    if value is None or len(best.chain.units) > 1:
        return []
    here = _source(best).document_id
    near = [
        other
        for other in able
        if len(other.chain.units) == 1
        and other.confidence >= RIVAL * best.confidence
        and _source(other).document_id != here
        and _same_subject(best, other)
    ]
    return [other for other in near if _value(other) not in (None, value)]


def _value(judged: Judged) -> object:
    """The value a piece gives for the part: a date, a number or a name; None for none."""
    said = lead(judged.sheet, judged.chain.answer)
    if not said:
        return None
    kind = judged.sheet.part.kind
    if kind == "date":
        return date_of(said) or fold(said)
    if kind in ("number", "money", "duration"):
        return number_of(said)
    return fold(said) if kind in ("person", "identifier") else None


def _same_subject(one: Judged, other: Judged) -> bool:
    """Both pieces must meet every content word of the part, with title and headings."""
    return all(
        a >= 0.5 and b >= 0.5
        for t, a, b in zip(one.sheet.part.terms, one.chain.cover, other.chain.cover, strict=True)
        if t.weight >= 1.0
    )
