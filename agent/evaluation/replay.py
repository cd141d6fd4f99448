"""A run again, the same up to the point where something is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...tools.reason.protocol import (
    Draft,
    Followup,
    Plan,
    Reasoner,
    Say,
    Situation,
    Standalone,
    Verdict,
)
from ...tools.rerank.protocol import Candidate, Reranker
from ...tools.search import Finder
from ...tools.types import Query


@dataclass
class Replayed:
    """A search, a ranking or a thought that is made once: asked the same again, it is the same.

    So what comes before the point where the gold is put in is the run as it was.
    """

    made: dict[Any, Any] = field(default_factory=dict)

    async def of(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for `key`, or make it."""
        if key not in self.made:
            self.made[key] = await make()
        return self.made[key]


@dataclass
class SameSearch:
    """A searcher that finds the same again. Implements `Finder`."""

    inner: Finder
    kept: Replayed

    async def search(self, query: Query) -> list[Candidate]:
        """Return what this query found before, or search."""
        found: list[Candidate] = await self.kept.of(
            ("search", query.model_dump_json()), lambda: self.inner.search(query)
        )
        return list(found)


@dataclass
class SameRanking:
    """A reranker that ranks the same again."""

    inner: Reranker
    kept: Replayed
    name: str = "same"

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return the scores of before, or rank."""
        key = ("rank", question, tuple(candidate.passage.id for candidate in candidates))
        scores: list[float] = await self.kept.of(key, lambda: self.inner.rank(question, candidates))
        return list(scores)

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""


@dataclass
class SameThoughts:
    """A reasoner that thinks the same of the same situation, whatever time has passed."""

    inner: Reasoner
    kept: Replayed
    name: str = "same"

    async def contextualize(self, followup: Followup) -> Standalone:
        """Return the question of before, or make one that stands alone."""
        key = ("contextualize", followup.model_dump_json(exclude={"remaining"}))
        made: Standalone = await self.kept.of(key, lambda: self.inner.contextualize(followup))
        return made

    async def plan(self, situation: Situation) -> Plan:
        """Return the plan of before, or plan."""
        made: Plan = await self.kept.of(
            ("plan", _key(situation)), lambda: self.inner.plan(situation)
        )
        return made

    async def judge(self, situation: Situation) -> Verdict:
        """Return the verdict of before, or judge."""
        made: Verdict = await self.kept.of(
            ("judge", _key(situation)), lambda: self.inner.judge(situation)
        )
        return made

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Return the draft of before, or write."""
        made: Draft = await self.kept.of(
            ("write", _key(situation)), lambda: self.inner.write(situation, say)
        )
        return made

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""


def _key(situation: Situation) -> str:
    """Return all of a situation but what is left of the budget and what can be filtered by."""
    return situation.model_dump_json(exclude={"remaining", "fields"})
