"""The reasoner that needs no language model."""

from __future__ import annotations

from ...embed.protocol import Embedder
from ..protocol import (
    Draft,
    DraftClaim,
    Finding,
    Plan,
    PlannedQuery,
    Say,
    Situation,
    SubQuestion,
    Verdict,
)
from .answer import said
from .assess import Assessment, Similarity, assess
from .decide import Judged
from .follow import next_queries
from .question import Part

SURE = 0.5
"""From here on no further search is worth its time."""

ENOUGH = 0.3
"""Below this a chain does not answer; it is better to say what is missing."""


class ExtractiveReasoner:
    """Splits questions, follows what the evidence names, and answers in quotes.

    `embedder` (or None) adds the similarity of sentences to the words they share. The
    same situation always gives the same thoughts.
    """

    name = "extractive"

    def __init__(
        self, embedder: Embedder | None = None, *, sure: float = SURE, enough: float = ENOUGH
    ) -> None:
        self._similarity = Similarity(embedder) if embedder is not None else None
        self._sure, self._enough = sure, enough

    async def plan(self, situation: Situation) -> Plan:
        """Weigh the survey; name the parts and what to search for where it does not suffice."""
        weighed = await self._assess(situation)
        findings, sure = self._findings(weighed)
        return Plan(
            sufficient=sure,
            subquestions=tuple(SubQuestion(id=p.id, text=p.text) for p in weighed.question.parts),
            queries=() if sure else self._queries(situation, weighed),
            findings=findings,
            confidence=_overall(weighed),
        )

    async def judge(self, situation: Situation) -> Verdict:
        """Weigh the evidence of a round; enough when all parts are found and no way leads on."""
        weighed = await self._assess(situation)
        findings, sure = self._findings(weighed)
        queries = () if sure else self._queries(situation, weighed)
        found = all(f.found for f in findings)
        return Verdict(
            sufficient=sure or (found and not queries),
            findings=findings,
            queries=queries,
            confidence=_overall(weighed),
        )

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Quote what answers each part, the shortest that suffices, and name what is missing."""
        weighed = await self._assess(situation)
        claims: list[DraftClaim] = []
        leads: list[str] = []
        missing: list[str] = []
        for part, judged in zip(weighed.question.parts, weighed.judged, strict=True):
            if judged is None or not self._holds(judged):
                missing.append(_missing(part, judged))
                continue
            one = said(judged)
            say(one.claim.text + "\n")
            claims.append(one.claim)
            leads.append(one.lead)
        return Draft(
            claims=tuple(claims),
            lead=next((lead for lead in leads if lead), ""),
            missing=tuple(missing),
            confidence=_overall(weighed),
        )

    async def close(self) -> None:
        """Nothing is held: the embedder belongs to whoever opened it."""

    async def _assess(self, situation: Situation) -> Assessment:
        return await assess(situation.question, situation.evidence, self._similarity)

    def _holds(self, judged: Judged) -> bool:
        return not judged.absent and judged.confidence >= self._enough

    def _findings(self, weighed: Assessment) -> tuple[tuple[Finding, ...], bool]:
        """One finding for each part, and whether all are sure."""
        parts = weighed.question.parts
        findings = [
            self._finding(part, judged) for part, judged in zip(parts, weighed.judged, strict=True)
        ]
        if weighed.question.compare and not all(f.found for f in findings):
            findings = [f.model_copy(update={"found": False, "text": ""}) for f in findings]
        sure = all(f.found and f.confidence >= self._sure for f in findings)
        return tuple(findings), sure

    def _finding(self, part: Part, judged: Judged | None) -> Finding:
        if judged is None or not self._holds(judged):
            doubt = judged.confidence if judged else 0.0
            return Finding(
                subquestion=part.id, found=False, missing=_missing(part, judged), confidence=doubt
            )
        one = said(judged)
        return Finding(
            subquestion=part.id,
            found=True,
            text=one.lead or one.claim.quotes[-1].text,
            quotes=one.claim.quotes,
            confidence=judged.confidence,
        )

    def _queries(self, situation: Situation, weighed: Assessment) -> tuple[PlannedQuery, ...]:
        found: list[PlannedQuery] = []
        for part, judged, tried in zip(
            weighed.question.parts, weighed.judged, weighed.tried, strict=True
        ):
            if judged is None or not self._holds(judged) or judged.confidence < self._sure:
                found += next_queries(part, tried, situation.searches, situation.question)
        return tuple(found)


def _overall(weighed: Assessment) -> float:
    return min((j.confidence if j else 0.0 for j in weighed.judged), default=0.0)


def _missing(part: Part, judged: Judged | None) -> str:
    """Say in the asker's words what was not found."""
    return part.text.rstrip("?. ")
