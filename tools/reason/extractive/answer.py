"""From weighed chains to claims: the quotes and the span that leads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..protocol import DraftClaim, Quote
from .decide import Judged
from .leads import defines, lead
from .tables import spoken

NEAR = 2.0
"""How far below the best piece, in log-odds, a further piece may lie and still be quoted."""

FOLLOWING = 3.0
"""The same for the sentence that goes on from the quoted one: it often holds the rest."""

SOURCE = 0.5
"""How high a passage must stand in the evidence for its best piece to be quoted as well."""

LEAST_WORDS = 0.3
LEAST_MEANING = 0.3
"""What a further piece must meet of the part, by its words or by its cosine."""

MOST_SOURCES = 3
MOST_ALSO = 3
MOST_CHARS = 600


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
    return Said(claim, lead(judged.sheet, judged.chain.answer))


def also(judged: Judged) -> list[DraftClaim]:
    """Return claims for further pieces that bear on the part nearly as well.

    These are the best pieces of the passages that the reranker trusts most, for what two
    sources say together no single piece holds, and the pieces believed next to the best.
    """
    made, chain = judged.sheet, judged.chain
    found: list[DraftClaim] = []
    if defines(made.part, made.units[chain.answer]):
        return found  # what a word means is said in one place
    room = MOST_CHARS
    for row in _further_rows(judged):
        text = made.units[row].text
        if row in chain.units or len(text) > room or len(found) == MOST_ALSO:
            continue
        if not _bears(judged, row):
            continue
        room -= len(text)
        found.append(said(replace(judged, chain=replace(chain, units=(row,)))).claim)
    return found


def _bears(judged: Judged, row: int) -> bool:
    """Whether a piece speaks of what was asked: by its words, its meaning, or a name that
    leads from what is quoted to a value of the kind asked for."""
    made = judged.sheet
    by_words = float(made.cover[row] @ made.weights)
    led = any(
        link.unit == row and link.typed and link.start in judged.chain.units for link in made.links
    )
    return by_words >= LEAST_WORDS or float(made.similarity[row]) >= LEAST_MEANING or led


def _further_rows(judged: Judged) -> list[int]:
    made = judged.sheet
    order = [int(row) for row in np.argsort(-made.scores, kind="stable")]
    quoted = {made.units[row].passage for row in judged.chain.units}
    best: dict[int, int] = {}
    for row in order:
        if made.place[row] >= SOURCE and made.units[row].passage < MOST_SOURCES:
            best.setdefault(made.units[row].passage, row)
    rest = [row for row in order if row not in judged.chain.units][:MOST_ALSO]
    near = [row for row in rest if made.scores[row] >= made.scores[order[0]] - NEAR]
    new = [row for passage, row in sorted(best.items()) if passage not in quoted]
    meant = [int(np.argmax(made.similarity))] if made.compared else []
    return list(dict.fromkeys([*_following(judged), *near[:1], *meant, *near, *new]))


def _following(judged: Judged) -> list[int]:
    """The sentence or list item right after what is quoted, where it says nearly as much."""
    made, row = judged.sheet, judged.chain.answer
    here, after = made.units[row], made.units[row + 1 : row + 2]
    return [
        row + 1
        for unit in after
        if unit.passage == here.passage
        and {here.kind, unit.kind} <= {"text", "item"}
        and made.scores[row + 1] >= made.scores[row] - FOLLOWING
    ]
