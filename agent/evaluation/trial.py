"""One question run again with parts replaced, and whether that repairs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from ...graphs import build
from ...graphs.events import MOST_STEPS
from ...graphs.state import State, Tools, fresh_state
from ...tools.reason.protocol import Draft, DraftClaim
from ...tools.rerank import open_reranker
from ...tools.search import Searcher
from ...tools.trail.follow import Trail
from ...tools.types import Answer, Budget, Citation, Passage, Where
from ..reasoner import chosen_models, open_reasoner
from ..sdk import RECALLED
from .gold import Gold, sentence
from .marking import is_right
from .oracle import GoldEmbedder
from .outcome import Outcome, outcome_of
from .questions import EvalQuestion
from .replay import Replayed, SameRanking, SameSearch, SameThoughts

if TYPE_CHECKING:
    from ..sdk import Agent

EMBEDDED = ("evidence", "plain")
UNLIMITED = Budget(rounds=None, llm_calls=None, tokens=None, usd=None, seconds=None)


@dataclass
class Trial:
    """A question, what carries its answer, the run as it was, and any number of reruns.

    `run` is the final state of the graph with nothing replaced.
    """

    agent: Agent
    question: EvalQuestion
    where: Where | None
    gold: Gold
    kept: Replayed = field(default_factory=Replayed)
    run: State = field(default_factory=lambda: State())
    reruns: int = 0

    @property
    def tools(self) -> Tools:
        """The agent's own tools, doing the same again where they are asked the same."""
        tools = self.agent._tools()
        ranker = tools.reranker and SameRanking(tools.reranker, self.kept, tools.reranker.name)
        return replace(
            tools,
            searcher=SameSearch(tools.searcher, self.kept),
            reranker=ranker,
            reasoner=SameThoughts(tools.reasoner, self.kept, tools.reasoner.name),
        )

    @property
    def ranked(self) -> tuple[str, ...]:
        """The ids of the evidence of the run as it was, best first."""
        return tuple(passage.id for passage in self.run.get("evidence", ()))

    @property
    def candidates(self) -> frozenset[str]:
        """The ids of all that any query of the run found."""
        found = self.run.get("found", ())
        return frozenset(c.passage.id for one in found for c in one.candidates)

    async def first(self) -> bool:
        """Run it as it was; say whether it came out well."""
        self.run = await self._final(self.tools, self.agent.settings.budget)
        return self.good(self.run["answer"])

    async def repaired(self, *, budget: Budget | None = None, **replaced: Any) -> bool:
        """Run it with some of the `Tools` replaced; say whether it came out well."""
        self.reruns += 1
        tools = replace(self.tools, **replaced)
        final = await self._final(tools, budget or self.agent.settings.budget)
        return self.good(final["answer"])

    def good(self, answer: Answer) -> bool:
        """Whether the question was answered rightly, or rightly refused."""
        return came_well(self.question, outcome(self.question, answer))

    def drafted(self) -> bool:
        """Whether the draft was right, before it was verified: its quotes as they are.

        A claim that says something else than its quote has to name the answer itself.
        """
        draft = self.run.get("draft") or Draft()
        passages = {passage.id: passage for passage in self.run.get("evidence", ())}
        citations = [
            _cited(passages[quote.passage_id], quote.text)
            for claim in draft.claims
            for quote in claim.quotes
            if quote.passage_id in passages and self._says(claim, quote.text)
        ]
        answer = Answer(status="answered", text=draft.lead, citations=tuple(citations))
        return bool(citations) and self.good(answer)

    def _says(self, claim: DraftClaim, quote: str) -> bool:
        return claim.text == quote or bool(sentence(claim.text, self.question.answers))

    def seeing(self, *, whole: bool) -> dict[str, Any] | None:
        """Return the agent's tools around an embedder that knows the gold, or None.

        `whole` is whether all that is said in a passage on the way to the answer is near to
        the question, and not just the passage. Of the parts that hold the embedder, those
        that come with Suffice are opened anew; the others are left as they are.
        """
        parts, settings = self.agent.corpus._parts, self.agent.settings
        if parts.embedder is None or self.gold.vector is None:
            return None
        embedder = GoldEmbedder(parts.embedder, self.gold, self.gold.vector, whole)
        trail = Trail() if settings.trail else None
        made: dict[str, Any] = {
            "searcher": Searcher(parts.store, embedder, parts.sparse, trail),
        }
        if parts.reranker is not None and parts.reranker.name in EMBEDDED:
            made["reranker"] = open_reranker(
                parts.reranker.name, embedder=embedder, sparse=parts.sparse
            )
        if self.agent._opened_reasoner and chosen_models(settings)[:2] == ("none", "none"):
            made["reasoner"] = open_reasoner(settings, embedder)
        return made

    async def _final(self, tools: Tools, budget: Budget) -> State:
        state = fresh_state("rerun", self.question.question, self.where, budget, time.monotonic())
        if turns := self.question.turns:
            state |= {"history": turns[-RECALLED:]}
        final = await build(self.agent.settings.strategy).ainvoke(
            cast(State, state), config={"recursion_limit": MOST_STEPS}, context=tools
        )
        return cast(State, final)


def came_well(question: EvalQuestion, outcome: Outcome) -> bool:
    """Tell whether a question was answered rightly, or rightly refused."""
    if not question.answerable:
        return outcome.refused
    return is_right(question, outcome) is True


def outcome(question: EvalQuestion, answer: Answer) -> Outcome:
    """Return what is kept of an answer, without its times."""
    return outcome_of(
        answer, question_id=question.id, asked=question.asked, strategy="", seconds={}
    )


def _cited(passage: Passage, quote: str) -> Citation:
    return Citation(
        number=1,
        passage_id=passage.id,
        document_id=passage.document_id,
        source=passage.source,
        quote=quote,
        start=passage.start,
        end=passage.end,
    )


def leg_rank(run: State, ids: frozenset[str], signal: str) -> int | None:
    """Return the best rank, from 0, that a leg of the first search gave any of these passages.

    `signal` is the leg's, "cosine" or "bm25". None where it did not come up at all.
    """
    found = run.get("found", ())
    candidates = found[0].candidates if found else ()
    marks = {c.passage.id: c.signals[signal] for c in candidates if signal in c.signals}
    ours = [mark for name, mark in marks.items() if name in ids]
    return sum(mark > max(ours) for mark in marks.values()) if ours else None


def place(ids: frozenset[str], ranked: Sequence[str]) -> int | None:
    """Return the first place, from 0, of any of these among `ranked`."""
    return next((place for place, name in enumerate(ranked) if name in ids), None)
