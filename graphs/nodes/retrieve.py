"""The nodes that look: survey, search and rerank. No language model, unless one reranks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from ...errors import CallFailed, CallRefused, FilterError, StoreUnavailable
from ...tools.cache import under
from ...tools.llm.purse import spending
from ...tools.rerank.protocol import Candidate, Reranker
from ...tools.types import Passage, Query, Usage, Where
from ..budget import remaining
from ..state import Found, Search, SearchTask, State, Tools, best_scores
from .calls import with_calls

OUTAGES = (StoreUnavailable, CallFailed, CallRefused)
"""What ends a step without saying anything about the documents."""


@with_calls
async def survey(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Search once with the question itself, and rank what it finds."""
    query = Query(text=state["question"], where=state.get("where"))
    try:
        found = await runtime.context.searcher.search(query)
    except OUTAGES as error:
        return {"round": 1, "outages": (f"search: {error}",)}
    new = (Found(query, 1, tuple(found)),)
    ranked = await _ranked(state, new, runtime.context)
    return {
        **ranked,
        "round": 1,
        "searches": (Search(query=query, round=1, found=len(found)),),
        "usage": ranked["usage"] + Usage(searches=1),
        "found": new,
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
    new = (Found(planned.query, state["round"], tuple(found)),)
    return {"searches": (done,), "usage": Usage(searches=1), "found": new}


@with_calls
async def rerank(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Rank what the queries of this round found, join it to the rest, and end the round."""
    this = state["round"] + 1
    new = tuple(found for found in state["found"] if found.round == this)
    return {"round": this, **await _ranked(state, new, runtime.context)}


async def gather(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Take every passage there is, in the order of the documents. No search."""
    hits = runtime.context.store.scroll(state.get("where"))
    try:
        passages = [hit.passage async for hit in hits]
    except OUTAGES as error:
        return {"round": 1, "outages": (f"scroll: {error}",)}
    passages.sort(key=lambda passage: (passage.source, passage.document_id, passage.start))
    stopped = "" if passages else "no_evidence"
    return {"round": 1, "evidence": tuple(passages), "stopped": stopped}


async def _search_within(query: Query, where: Where | None, tools: Tools) -> list[Candidate]:
    """Search; a filter that a model proposed and the corpus does not know is taken off."""
    try:
        return await tools.searcher.search(query)
    except FilterError:
        return await tools.searcher.search(Query(text=query.text, where=where))


async def _ranked(state: State, new: Sequence[Found], tools: Tools) -> dict[str, Any]:
    """Score what each new query found against it; order all evidence by its best score."""
    with spending(remaining(state)) as purse:
        rankings = await asyncio.gather(*(_scores(found, tools.reranker) for found in new))
    scores = state.get("scores", {})
    outages: tuple[str, ...] = ()
    for found, (ranking, outage) in zip(new, rankings, strict=True):
        ids = (candidate.passage.id for candidate in found.candidates)
        scores = best_scores(scores, dict(zip(ids, ranking, strict=True)))
        outages += (outage,) if outage else ()
    evidence = _evidence((*state.get("found", ()), *new), scores, tools.evidence)
    before = {passage.id for passage in state.get("evidence", ())}
    fresh = sum(passage.id not in before for passage in evidence)
    changed = {"scores": scores, "evidence": evidence, "fresh": fresh, "usage": purse.usage}
    return changed | ({"outages": outages} if outages else {})


def _evidence(found: Sequence[Found], scores: dict[str, float], most: int) -> tuple[Passage, ...]:
    passages = {c.passage.id: c.passage for one in found for c in one.candidates}
    order = sorted(scores, key=lambda key: -scores[key])[:most]
    return tuple(passages[key].model_copy(update={"score": float(scores[key])}) for key in order)


async def _scores(found: Found, reranker: Reranker | None) -> tuple[Sequence[float], str]:
    """Return one score a candidate, and the outage if the reranker had one.

    The order of the search is still an order: after an outage it stands.
    """
    if reranker is not None:
        try:
            with under(found.query.where):
                return await reranker.rank(found.query.text, found.candidates), ""
        except OUTAGES as error:
            return _by_place(found), f"rerank: {error}"
    return _by_place(found), ""


def _by_place(found: Found) -> list[float]:
    return [-float(place) for place in range(len(found.candidates))]
