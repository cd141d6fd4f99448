"""The nodes that look: survey, search and rerank. None of them calls a language model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from ...errors import CallFailed, CallRefused, FilterError, StoreUnavailable
from ...tools.rerank.protocol import Candidate, Reranker
from ...tools.types import Passage, Query, Usage, Where
from ..state import Search, SearchTask, State, Tools

OUTAGES = (StoreUnavailable, CallFailed, CallRefused)
"""What ends a step without saying anything about the documents."""


async def survey(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Search once with the question itself, and rank what it finds."""
    query = Query(text=state["question"], where=state.get("where"))
    try:
        found = await runtime.context.searcher.search(query)
    except OUTAGES as error:
        return {"round": 1, "outages": (f"search: {error}",)}
    ranked = await _ranked({**state, "candidates": _by_id(found)}, runtime.context)
    return {
        "round": 1,
        "searches": (Search(query=query, round=1, found=len(found)),),
        "usage": Usage(searches=1),
        "candidates": _by_id(found),
        **ranked,
    }


async def search(state: SearchTask, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Run one query of a round; the branches of a round run side by side."""
    planned = state["planned"]
    try:
        found = await _search_within(planned.query, state["where"], runtime.context)
    except OUTAGES as error:
        return {"outages": (f"search: {error}",)}
    done = Search(
        query=planned.query,
        subquestion=planned.subquestion,
        round=state["round"],
        found=len(found),
    )
    return {"searches": (done,), "usage": Usage(searches=1), "candidates": _by_id(found)}


async def rerank(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Rank the candidates of all queries together, and end the round."""
    return {"round": state["round"] + 1, **await _ranked(state, runtime.context)}


async def _search_within(query: Query, where: Where | None, tools: Tools) -> list[Candidate]:
    """Search; a filter that a model proposed and the corpus does not know is taken off."""
    try:
        return await tools.searcher.search(query)
    except FilterError:
        return await tools.searcher.search(Query(text=query.text, where=where))


async def _ranked(state: State, tools: Tools) -> dict[str, Any]:
    """Order the pool by the best score any of its queries gives each passage."""
    pool = list(state.get("candidates", {}).values())
    before = {passage.id for passage in state.get("evidence", ())}
    try:
        scores = await _scores(state["question"], pool, tools.reranker)
        outage: dict[str, Any] = {}
    except OUTAGES as error:
        # The search order is still an order, so what was found is not thrown away.
        scores = _by_rank(pool)
        outage = {"outages": (f"rerank: {error}",)}
    ordered = sorted(pool, key=lambda c: -scores[c.passage.id])[: tools.evidence]
    evidence = tuple(_scored(c.passage, scores) for c in ordered)
    fresh = sum(passage.id not in before for passage in evidence)
    return {"evidence": evidence, "fresh": fresh, **outage}


def _by_rank(pool: Sequence[Candidate]) -> dict[str, float]:
    return {c.passage.id: -c.signals.get("rank", 0.0) for c in pool}


async def _scores(
    question: str, pool: Sequence[Candidate], reranker: Reranker | None
) -> dict[str, float]:
    """Score all against the question, and each also against the queries that found it."""
    if reranker is None:
        return _by_rank(pool)
    groups = {question: list(pool)}
    for candidate in pool:
        for text in candidate.asked:
            if text != question:
                groups.setdefault(text, []).append(candidate)
    ranked = await asyncio.gather(*(reranker.rank(t, group) for t, group in groups.items()))
    best: dict[str, float] = {}
    for group, scores in zip(groups.values(), ranked, strict=True):
        for candidate, score in zip(group, scores, strict=True):
            key = candidate.passage.id
            best[key] = max(score, best.get(key, score))
    return best


def _scored(passage: Passage, scores: dict[str, float]) -> Passage:
    return passage.model_copy(update={"score": float(scores[passage.id])})


def _by_id(found: Sequence[Candidate]) -> dict[str, Candidate]:
    return {candidate.passage.id: candidate for candidate in found}
