"""What the loop knows: the one value every node reads and adds to."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, Any

from langgraph.graph import StateGraph
from typing_extensions import TypedDict

from ..tools.llm.calls import Call
from ..tools.reason.protocol import (
    Draft,
    Finding,
    PlannedQuery,
    Reasoner,
    Standalone,
    SubQuestion,
    Turn,
)
from ..tools.rerank.protocol import Candidate, Reranker
from ..tools.search import Finder
from ..tools.store.protocol import Store
from ..tools.types import Answer, Budget, Noun, Passage, Query, Usage, Where


class Search(Noun):
    """A search that was made: its query, who asked for it, and how many it found."""

    query: Query
    subquestion: str = ""
    round: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates that one query brought in a round, in the order of the search."""

    query: Query
    round: int
    candidates: tuple[Candidate, ...]


def best_scores(known: dict[str, float], new: dict[str, float]) -> dict[str, float]:
    """Join scores of passages: each keeps the best that any query gave it."""
    return known | {key: max(score, known.get(key, score)) for key, score in new.items()}


class State(TypedDict, total=False):
    """The state of one run. Keys with a reducer are added to, the others replaced.

    `scores` are the best of each passage, by its id.
    """

    # what was asked
    run_id: str
    question: str
    where: Where | None
    budget: Budget
    started: float
    # the conversation it was asked in, if any
    thread: str
    history: tuple[Turn, ...]
    asked: str
    rewritten: Standalone
    # what is being looked for
    subquestions: tuple[SubQuestion, ...]
    queries: tuple[PlannedQuery, ...]
    # what was found
    searches: Annotated[tuple[Search, ...], operator.add]
    found: Annotated[tuple[Found, ...], operator.add]
    scores: Annotated[dict[str, float], best_scores]
    evidence: tuple[Passage, ...]
    fresh: int
    findings: Annotated[dict[str, Finding], operator.or_]
    # what it took
    round: int
    usage: Annotated[Usage, operator.add]
    outages: Annotated[tuple[str, ...], operator.add]
    calls: Annotated[tuple[Call, ...], operator.add]
    # what comes of it
    sufficient: bool
    stopped: str
    conflict: bool
    confidence: float
    draft: Draft
    dropped: Annotated[tuple[str, ...], operator.add]
    retried: bool
    answer: Answer


Graph = StateGraph[State, "Tools", State, State]
"""What a strategy is wired into."""


class SearchTask(TypedDict):
    """What one parallel search branch is sent."""

    planned: PlannedQuery
    where: Where | None
    round: int


@dataclass(frozen=True, slots=True)
class Tools:
    """What the nodes call, fixed for a run.

    Without a reranker the order of the search stands. `evidence` is how many passages,
    after reranking, the reasoner sees. A `threshold` of confidence below which nothing
    is answered comes from calibration.
    """

    store: Store
    searcher: Finder
    reranker: Reranker | None
    reasoner: Reasoner
    evidence: int = 20
    threshold: float = 0.0


def fresh_state(
    run_id: str,
    question: str,
    where: Where | None,
    budget: Budget,
    started: float,
    *,
    thread: str = "",
    history: tuple[Turn, ...] = (),
) -> dict[str, Any]:
    """Return the state a run begins with. `started` is `time.monotonic()` seconds.

    `history` is what was asked before in the same `thread`, oldest first.
    """
    conversation = {"thread": thread, "history": history} if thread else {}
    return {
        **conversation,
        "run_id": run_id,
        "question": question,
        "where": where,
        "budget": budget,
        "started": started,
        "round": 0,
    }
