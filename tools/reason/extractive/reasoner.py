"""The reasoner that needs no language model."""

from __future__ import annotations

from collections import OrderedDict

from ...embed.protocol import Embedder
from ...types import Passage
from ..protocol import (
    Draft,
    Followup,
    Plan,
    PlannedQuery,
    Say,
    Situation,
    Standalone,
    SubQuestion,
    Verdict,
)
from .assess import assess, open_reader
from .decide import Judged
from .follow import next_queries
from .outcome import Outcome, claims, conclude, findings, missing

SURE = 0.3
"""From here on no further search is worth its time."""

CERTAIN = 0.75
"""The belief from which words left open no longer matter."""

ENOUGH = 0.35
"""Below this belief nothing is answered; it is better to say what is missing."""

REMEMBERED = 16
"""Questions whose last conclusion is kept: as many may be at work at once."""


class ExtractiveReasoner:
    """Splits questions, follows what the evidence names, and answers in quotes.

    `embedder` (or None) adds the similarity of sentences to the words they share.
    `enough` is the belief from which it answers, `sure` the confidence of a chain from
    which it stops searching. The same situation always gives the same thoughts.
    """

    name = "extractive"

    def __init__(
        self, embedder: Embedder | None = None, *, sure: float = SURE, enough: float = ENOUGH
    ) -> None:
        self._reader = open_reader(embedder)
        self._sure, self._enough = sure, enough
        self._concluded: OrderedDict[str, tuple[tuple[Passage, ...], Outcome]] = OrderedDict()

    async def contextualize(self, followup: Followup) -> Standalone:
        """Make a follow-up into a question that stands alone, by rules."""
        # Imported here: the rules stand on the words and spans of this room.
        from ..followup import standalone

        return standalone(followup.asked, followup.turns)

    async def plan(self, situation: Situation) -> Plan:
        """Weigh the survey; name the parts and what to search for where it does not suffice."""
        outcome = await self._conclude(situation)
        queries = self._queries(situation, outcome)
        parts = outcome.assessment.question.parts
        return Plan(
            sufficient=not queries and all(outcome.found),
            subquestions=tuple(SubQuestion(id=p.id, text=p.text) for p in parts),
            queries=queries,
            findings=findings(outcome),
            confidence=outcome.confidence,
        )

    async def judge(self, situation: Situation) -> Verdict:
        """Weigh the evidence of a round; enough when all is found and no way leads on."""
        outcome = await self._conclude(situation)
        queries = self._queries(situation, outcome)
        return Verdict(
            sufficient=not queries and all(outcome.found),
            findings=findings(outcome),
            queries=queries,
            conflict=outcome.conflict,
            confidence=outcome.confidence,
        )

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Quote what answers each part, the shortest that suffices, and name what is missing."""
        outcome = await self._conclude(situation)
        told, lead = claims(outcome)
        for claim in told:
            say(claim.text + "\n")
        return Draft(
            claims=told,
            lead=lead,
            missing=tuple(
                missing(s.part)
                for s, ok in zip(outcome.parts, outcome.found, strict=True)
                if not ok
            ),
            conflict=outcome.conflict,
            confidence=outcome.confidence,
        )

    async def close(self) -> None:
        """Nothing is held: the embedder belongs to whoever opened it."""

    async def _conclude(self, situation: Situation) -> Outcome:
        """Weigh the evidence, but not again what was last weighed for the same question:
        the loop writes from what it judged."""
        evidence, outcome = self._concluded.get(situation.question, (None, None))
        if outcome is None or evidence != situation.evidence:
            outcome = await self._weigh(situation)
        self._concluded[situation.question] = situation.evidence, outcome
        self._concluded.move_to_end(situation.question)
        while len(self._concluded) > REMEMBERED:
            self._concluded.popitem(last=False)
        return outcome

    async def _weigh(self, situation: Situation) -> Outcome:
        # Here and not above, for it reads with the words of this package.
        from ..sufficiency.estimate import estimated

        weighed = await assess(situation.question, situation.evidence, self._reader)
        estimates = [estimated(made) for made in weighed.sheets]
        return conclude(weighed, estimates, self._enough)

    def _is_sure(self, situation: Situation, chosen: Judged, believed: float) -> bool:
        """Words left open are worth one more round, unless all the rest speaks for it."""
        if believed >= CERTAIN:
            return True
        return chosen.confidence >= self._sure and (chosen.complete or situation.round > 1)

    def _queries(self, situation: Situation, outcome: Outcome) -> tuple[PlannedQuery, ...]:
        """What to search for the parts that are not sure; nothing where all are."""
        found: list[PlannedQuery] = []
        for settled, ok, believed, tried in zip(
            outcome.parts,
            outcome.found,
            outcome.believed,
            outcome.assessment.tried,
            strict=True,
        ):
            if not (ok and settled.chosen and self._is_sure(situation, settled.chosen, believed)):
                found += next_queries(settled.part, tried, situation.searches, situation.question)
        return tuple(found)
