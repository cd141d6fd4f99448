"""Parts that know the answer: each puts the gold in at one point and leaves the rest as it is.

They stand at the protocols, around the parts of an agent, so that the run from that point
on is a run like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...tools.embed.protocol import Embedder
from ...tools.reason.protocol import (
    Draft,
    DraftClaim,
    Finding,
    Plan,
    PlannedQuery,
    Reasoner,
    Say,
    Situation,
    Verdict,
)
from ...tools.rerank.protocol import Candidate, Reranker
from ...tools.search import Finder
from ...tools.store.protocol import Vector
from ...tools.types import Passage, Query
from .gold import Gold, Group, sentence

CERTAIN = 1.0

MOST_ASKED = 200
"""Characters of a query in the gold's own words."""


@dataclass
class GoldEmbedder:
    """An embedder that sees the likeness of a question to what answers it; else as it was.

    `whole` tells whether it sees it in all that a passage on the way to the answer says.
    """

    inner: Embedder
    gold: Gold
    vector: Vector
    whole: bool = False

    def __post_init__(self) -> None:
        self.fingerprint, self.dimensions = self.inner.fingerprint, self.inner.dimensions

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return for each the middle of what answers the question."""
        return [self.vector for _ in texts]

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same for what holds an answer."""
        vectors = await self.inner.embed_documents(texts)
        return [
            self.vector if self._answers(text) else vector
            for text, vector in zip(texts, vectors, strict=True)
        ]

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""

    def _answers(self, text: str) -> bool:
        if sentence(text, self.gold.answers):
            return True
        if not self.whole:
            return False
        ours = (p.text for group in self.gold.groups if not group.holding for p in group.passages)
        said = text.rpartition(": ")[2]
        return any(said in whole for whole in ours)


@dataclass
class GoldSearcher:
    """A search that finds the gold, whatever else it finds. Implements `Finder`.

    What is put in takes the place of the parts of it that were found.
    """

    inner: Finder
    passages: tuple[Passage, ...]

    async def search(self, query: Query) -> list[Candidate]:
        """Return what was found, what was missing of the gold before it."""
        found = [c for c in await self.inner.search(query) if not self._covered(c.passage)]
        known = {candidate.passage.id for candidate in found}
        first = found[0] if found else Candidate(self.passages[0], (query.text,))
        signals = {n: v for n, v in first.signals.items() if n not in ("rank", "hop")}
        missing = [
            Candidate(p, (query.text,), signals=signals | {"rank": 0.0, "hop": 0.0})
            for p in self.passages
            if p.id not in known
        ]
        return [*missing, *found]

    def _covered(self, passage: Passage) -> bool:
        return any(
            whole.document_id == passage.document_id
            and whole.id != passage.id
            and whole.start <= passage.start
            and passage.end <= whole.end
            for whole in self.passages
        )


@dataclass
class GoldReranker:
    """A reranker that is certain of the gold, and keeps its order of the rest below it."""

    inner: Reranker | None
    ids: frozenset[str]
    name: str = "gold"

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return 1 for the gold, and from 0 to a half for the rest."""
        if self.inner is None:
            scores = [-float(place) for place in range(len(candidates))]
        else:
            scores = await self.inner.rank(question, candidates)
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        if low < 0 or high > 1:
            scores = [(score - low) / (high - low or 1.0) for score in scores]
        return [
            CERTAIN if candidate.passage.id in self.ids else score / 2
            for candidate, score in zip(candidates, scores, strict=True)
        ]

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""


@dataclass
class GoldJudge:
    """A reasoner that plans and judges knowing the gold, and writes as it did before.

    Where the gold is at hand it is found, with its quotes; where it is not, the search goes
    on, for what the inner reasoner asks, or for what is missing. Of a question that nothing
    answers (`answerable` false) it says so. Where the inner reasoner then writes nothing,
    because it judges again while it writes, what was found stands for it. A `patient` judge
    is not content with the survey, whatever it brought.
    """

    inner: Reasoner
    gold: Gold
    answerable: bool = True
    patient: bool = False
    name: str = "gold"

    async def plan(self, situation: Situation) -> Plan:
        """Look at the survey, knowing what is looked for."""
        thought = await self.inner.plan(situation)
        return thought.model_copy(update=self._known(situation, thought))

    async def judge(self, situation: Situation) -> Verdict:
        """Look at a round, knowing what is looked for."""
        thought = await self.inner.judge(situation)
        return thought.model_copy(update={"conflict": False, **self._known(situation, thought)})

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Let the inner reasoner write."""
        draft = await self.inner.write(situation, say)
        return draft if draft.claims else told(self.gold, situation.evidence)

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""

    def _known(self, situation: Situation, thought: Plan | Verdict) -> dict[str, Any]:
        parts = thought.subquestions if isinstance(thought, Plan) else situation.subquestions
        names = [part.id for part in parts] or ["1"]
        quotes = self.gold.quotes(situation.evidence)
        absent = self.gold.absent(passage.id for passage in situation.evidence)
        if self.patient and isinstance(thought, Plan):
            absent = tuple(g for g in self.gold.groups if g.holding) or self.gold.groups
        if not self.answerable or not quotes or absent:
            missing = tuple(Finding(subquestion=name, found=False) for name in names)
            queries = self._queries(thought, absent) if self.answerable else ()
            return {"sufficient": False, "findings": missing, "queries": queries}
        text = self.gold.lead or quotes[0].text
        found = tuple(
            Finding(subquestion=name, found=True, text=text, quotes=quotes, confidence=CERTAIN)
            for name in names
        )
        return {"sufficient": True, "findings": found, "queries": (), "confidence": CERTAIN}

    def _queries(
        self, thought: Plan | Verdict, absent: Sequence[Group]
    ) -> tuple[PlannedQuery, ...]:
        """Return what the inner reasoner asks for; if nothing, the absent gold in its own words."""
        if thought.queries:
            return thought.queries
        named = (group.passages[0] for group in absent if group.passages)
        return tuple(PlannedQuery(query=Query(text=self._said(passage))) for passage in named)

    def _said(self, passage: Passage) -> str:
        answer = " ".join(sentence(passage.text, self.gold.answers).split())
        return answer[:MOST_ASKED] or passage.title or passage.text[:MOST_ASKED]


@dataclass
class GoldReader(GoldJudge):
    """A reasoner that writes knowing the gold as well."""

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Quote the gold, of what is at hand."""
        return told(self.gold, situation.evidence) if self.answerable else Draft()


def told(gold: Gold, evidence: Sequence[Passage]) -> Draft:
    """Return the draft that quotes the gold, and leads with a yes or no where one is asked."""
    claims = tuple(DraftClaim(text=q.text, quotes=(q,)) for q in gold.quotes(evidence))
    return Draft(claims=claims, lead=gold.lead, confidence=CERTAIN)
