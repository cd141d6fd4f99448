"""What speaks for a chain: its score, what it leaves open, and how far it is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .chain import Chain, chains
from .question import ADDRESSES
from .support import Sheet

MET = 0.75
"""How well a term must be met to count as met."""


@dataclass(frozen=True)
class Judged:
    """A chain with what speaks for it.

    `rank` orders the chains of one part; `confidence` is the probability that the chain
    answers it. `absent` are the required words that its passages do not meet, and the kind
    of value asked for where it has none; `lacks` tells whether any required
    word is, or the address that is asked for.
    """

    sheet: Sheet
    chain: Chain
    rank: float
    confidence: float
    absent: tuple[str, ...]
    lacks: bool = False

    @property
    def complete(self) -> bool:
        """Whether the chain meets every content word of the part, and the kind asked for."""
        terms = zip(self.sheet.part.terms, self.chain.cover, strict=True)
        met = all(cover >= 0.5 for term, cover in terms if term.weight >= 1.0)
        return met and (self.sheet.plain or bool(self.sheet.typed[self.chain.answer]))


def judged(sheet: Sheet) -> tuple[Judged, ...]:
    """Return the chains of a sheet, each weighed, best first."""
    return tuple(_judge(sheet, chain) for chain in chains(sheet))


def _judge(sheet: Sheet, chain: Chain) -> Judged:
    score = float(sheet.scores[chain.answer])
    absent = _absent(sheet, chain)
    lacks = bool(absent)
    if sheet.part.wants_value and not _has_value(sheet, chain):
        absent.append("name" if sheet.part.by_name else sheet.part.kind)
        # An address has a shape of its own: what has it not, is none.
        lacks = lacks or sheet.part.measure in ADDRESSES
    return Judged(sheet, chain, score, 1.0 / (1.0 + math.exp(-score)), tuple(absent), lacks)


def _absent(sheet: Sheet, chain: Chain) -> list[str]:
    """The required words that nothing meets: a name in all the evidence, others in its passages."""
    passages = {sheet.units[u].passage for u in chain.units}
    here = [row for row, u in enumerate(sheet.units) if u.passage in passages]
    found = []
    for column, term in enumerate(sheet.part.terms):
        if term.required:
            rows = slice(None) if term.name >= 0 else here
            if float(sheet.cover[rows, column].max()) < MET:
                found.append(term.text)
    return found


def _has_value(sheet: Sheet, chain: Chain) -> bool:
    return any(sheet.typed[u] for u in chain.units)
