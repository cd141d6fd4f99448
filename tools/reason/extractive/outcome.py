"""The outcome of weighing: findings for the loop, and the draft that is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol import DraftClaim, Finding
from .answer import Said, also, said
from .assess import Assessment
from .belief import belief
from .compare import compared
from .decide import Judged
from .question import Part
from .settle import Settled, settle

SIDE = 0.08
"""The confidence from which the chain of a side counts: the other side bears it out."""

_WHAT_IS = re.compile(r"^(?:what|which|who)(?: is| are| was| were|'s) (?=the\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """All that is concluded from an assessment. `parts` are in the order they were asked.

    `believed` is, for each part, the probability that what would be said of it is right.
    """

    assessment: Assessment
    parts: tuple[Settled, ...]
    found: tuple[bool, ...]
    believed: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The probability that what is said is right: that of the weakest part told."""
        told = [b for b, found in zip(self.believed, self.found, strict=True) if found]
        return min(told or self.believed, default=0.0)

    @property
    def conflict(self) -> bool:
        """Whether two sources differ and neither is known to be the one that holds."""
        return any(s.clash and found for s, found in zip(self.parts, self.found, strict=True))


def conclude(assessment: Assessment, estimates: Sequence[float], enough: float) -> Outcome:
    """Settle every part; one is found from a belief of `enough`.

    `estimates` is, for each part, the probability that the evidence as a whole answers it.
    Each side of a comparison must hold by its own chain, and one side alone says nothing.
    """
    compare = assessment.question.compare
    parts = tuple(
        settle(part, (compare and of_the_named(tried)) or tried)
        for part, tried in zip(assessment.question.parts, assessment.tried, strict=True)
    )
    believed = tuple(
        belief(settled.chosen, estimate) if settled.chosen else 0.0
        for settled, estimate in zip(parts, estimates, strict=True)
    )
    if compare:
        found = (all(_holds(s.chosen) for s in parts),) * len(parts)
    else:
        found = tuple(one >= enough for one in believed)
    return Outcome(assessment, parts, found, believed)


def of_the_named(tried: Sequence[Judged]) -> list[Judged]:
    """Return the chains that speak of a thing that their part names."""
    return [j for j in tried if j.sheet.named[list(j.chain.units)].any()]


def _holds(judged: Judged | None) -> bool:
    """Say whether a side of a comparison stands: nothing required is absent from its chain."""
    return judged is not None and not judged.absent and judged.confidence >= SIDE


def findings(outcome: Outcome) -> tuple[Finding, ...]:
    """Return one finding for each part."""
    each = zip(outcome.parts, outcome.found, outcome.believed, strict=True)
    return tuple(_finding(settled, ok, sure) for settled, ok, sure in each)


def _finding(settled: Settled, found: bool, sure: float) -> Finding:
    part, judged = settled.part, settled.chosen
    if not found or judged is None:
        return Finding(subquestion=part.id, found=False, missing=missing(part), confidence=sure)
    one = said(judged)
    return Finding(
        subquestion=part.id,
        found=True,
        text=one.lead or one.claim.text,
        quotes=one.claim.quotes,
        confidence=sure,
    )


def missing(part: Part) -> str:
    """Say in the asker's words what was looked for."""
    said = part.text.strip().rstrip("?. ")
    return _WHAT_IS.sub("", said)


def claims(outcome: Outcome) -> tuple[tuple[DraftClaim, ...], str]:
    """Return the claims, and the span that leads ("" where none says it)."""
    compare = outcome.assessment.question.compare
    sides = [
        s.chosen for s, ok in zip(outcome.parts, outcome.found, strict=True) if ok and s.chosen
    ]
    if compare and len(sides) == 2:
        both = compared(compare, sides[0], sides[1])
        return both.claims, both.lead
    quoted: list[DraftClaim] = []
    leads: list[str] = []
    for settled, ok in zip(outcome.parts, outcome.found, strict=True):
        if ok and settled.chosen:
            one, more = _told(settled, settled.chosen)
            quoted += more
            leads.append(one.lead)
    return tuple(dict.fromkeys(quoted)), _joined(leads)


def told(settled: Settled) -> list[DraftClaim]:
    """Return all that would be quoted for a part; nothing where no chain bears on it."""
    return _told(settled, settled.chosen)[1] if settled.chosen else []


def _told(settled: Settled, chosen: Judged) -> tuple[Said, list[DraftClaim]]:
    """What is said to a part, and what another source says to it."""
    one = said(chosen)
    more = [one.claim]
    if settled.earlier is not None:
        older = said(settled.earlier).claim
        more.append(DraftClaim(text=f"Earlier: {older.text}", quotes=older.quotes))
    if settled.clash is not None:
        other = said(settled.clash).claim
        more.append(DraftClaim(text=f"But: {other.text}", quotes=other.quotes))
    if settled.further is not None:
        more[0] = said(settled.further).claim
    told = {quote for claim in more for quote in claim.quotes}
    more += [claim for claim in also(chosen) if not told.issuperset(claim.quotes)]
    return one, more


def _joined(leads: Sequence[str]) -> str:
    """One lead stands as it is; several stand side by side only if every part has one."""
    if len(leads) == 1:
        return leads[0]
    return "; ".join(leads) if leads and all(leads) else ""
