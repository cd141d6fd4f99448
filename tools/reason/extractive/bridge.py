"""What the evidence names that the question does not: the way to the next hop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .places import DEMONYMS
from .question import Part
from .sentences import Unit
from .spans import Span, spans
from .words import STOP, fold, stem, stems, words, words_of

MOST_BRIDGES = 8


@dataclass(frozen=True, slots=True)
class Bridge:
    """A name in a unit that leads on, and how near it stands to the asked-for relation."""

    name: str
    stems: frozenset[str]
    nearness: float


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one unit to another, by a name that the first gives.

    `open` is the share of the words that `start` leaves open and `unit` meets, `similarity`
    the cosine of the name with those words to the unit (not a number where not compared),
    `typed` whether the unit holds a value of the kind asked for beside the name.
    """

    start: int
    bridge: Bridge
    unit: int
    strength: float
    similarity: float
    open: float
    typed: float


@dataclass(frozen=True, slots=True)
class Step:
    """A name that unit `start` gives, what to ask of it, and the units that speak of it.

    `open` are the terms of the part that the start leaves open.
    """

    start: int
    bridge: Bridge
    query: str
    open: tuple[int, ...]
    units: tuple[int, ...]


@lru_cache(maxsize=8192)
def _mentions(text: str) -> tuple[Span, ...]:
    """Names, roles and codes of a text, in order, one for each stretch."""
    found = list(spans(text, "person"))
    for span in spans(text, "identifier"):
        if any(c.isalpha() for c in span.text) and all(
            span.end <= f.start or span.start >= f.end for f in found
        ):
            found.append(span)
    return tuple(sorted(found, key=lambda s: s.start))


@lru_cache(maxsize=16384)
def _key(name: str) -> frozenset[str]:
    return frozenset(stem(w.text) for w in words(name) if w.text.lower() not in STOP)


_NOWHERE = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?|BC|AD|CE|BCE|I|II|III|IV|TV|No|Mr|Mrs|Dr",
    re.IGNORECASE,
)


_HONORIFIC = re.compile(
    r"^(?:(?:captain|capt|chief|doctor|dr|sir|dame|lord|lady|mr|mrs|ms|miss|prof|professor|president"
    r"|king|queen|saint|st|general|colonel|major|lieutenant|sergeant)\.? )+(?=\w)",
    re.IGNORECASE,
)
"""What stands before a name in one place and not in another."""

_ANYBODY = words_of(
    """manager officer master chair lead leader head team office desk board group crew watch
    engineer operator agent owner driver pilot captain clerk teacher doctor nurse editor author
    department council committee controller assistant inspector technician specialist"""
)


def _leads_nowhere(name: str) -> bool:
    """Months, days, nationalities and titles stand in too many places to lead anywhere."""
    return bool(_NOWHERE.fullmatch(name.strip(". "))) or name in DEMONYMS or name in _ANYBODY


def mentions(unit: Unit, bridge: Bridge) -> bool:
    """Say whether a unit, or its title or headings, names the bridge as one phrase.

    The row of a table may turn a name round: "Brandt, Ada".
    """
    name = fold(bridge.name)
    return (
        name in fold(unit.text)
        or name in fold(unit.context)
        or bridge.stems <= unit.context_stems
        or (unit.kind == "row" and len(bridge.stems) > 1 and bridge.stems <= unit.stems)
    )


def bridges(part: Part, unit: Unit, small: frozenset[str] = frozenset()) -> list[Bridge]:
    """Return what `unit` names and the part does not, nearest to the part's words first.

    `small` are words that the evidence writes in small letters: alone, they are no names.
    """
    asked = stems(part.text)
    wanted = {t.stem for t in part.terms if t.name < 0}
    wanted |= {s for t in part.terms if t.name < 0 for s in t.also}
    marks = [w.start for w in words(unit.text) if w.stem in wanted]
    found: dict[frozenset[str], Bridge] = {}
    for span in _mentions(unit.text):
        name = _HONORIFIC.sub("", span.text.strip("` "))
        key = _key(name)
        if not key or key <= asked or len(key) > 8 or _leads_nowhere(span.text):
            continue
        if span.text.isalpha() and span.text[0].isupper() and span.text.lower() in small:
            continue
        gap = min((abs(span.start - m) for m in marks), default=200)
        nearness = 1.0 / (1.0 + gap / 40.0)
        if key not in found or found[key].nearness < nearness:
            found[key] = Bridge(name, key, nearness)
    ranked = sorted(found.values(), key=lambda b: -b.nearness)
    return ranked[:MOST_BRIDGES]
