"""The nodes that think: plan and judge. What they conclude, the edges act on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from ...errors import BudgetExceeded, SufficeError
from ...tools.reason.protocol import Finding, Plan, PlannedQuery, Situation, Verdict
from ...tools.types import Budget, Usage
from ..budget import remaining
from ..queries import known_fields, novel
from ..state import State, Tools
from .calls import with_calls
from .retrieve import OUTAGES

Thought = TypeVar("Thought")


@with_calls
async def plan(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Look at the survey: enough already, or which sub-questions and queries?"""
    if not state.get("evidence"):
        return {"queries": (), "stopped": "outage" if state.get("outages") else "no_evidence"}
    tools, left = runtime.context, remaining(state)
    situation = await situated(state, tools, left)
    try:
        thought: Plan = await within(left, tools.reasoner.plan(situation))
    except BudgetExceeded as error:
        return {"queries": (), "stopped": "budget", **took(error)}
    except OUTAGES as error:
        return {"queries": (), "stopped": "outage", **broke("plan", error)}
    return {"subquestions": thought.subquestions, **_concluded(state, thought)}


@with_calls
async def judge(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Look at the evidence: what is found, what is missing, and what to search next."""
    tools, left = runtime.context, remaining(state)
    situation = await situated(state, tools, left)
    try:
        thought: Verdict = await within(left, tools.reasoner.judge(situation))
    except BudgetExceeded as error:
        return {"queries": (), "stopped": "budget", **took(error)}
    except OUTAGES as error:
        return {"queries": (), "stopped": "outage", **broke("judge", error)}
    return {"conflict": thought.conflict, **_concluded(state, thought)}


def broke(step: str, error: SufficeError) -> dict[str, Any]:
    """Return what an outage leaves in the state: what broke, and what it took all the same."""
    return {"outages": (f"{step}: {error}",), **took(error)}


def took(error: SufficeError) -> dict[str, Any]:
    """Return the usage of a call that failed."""
    return {"usage": error.usage or Usage()}


async def situated(state: State, tools: Tools, left: Budget) -> Situation:
    """Return all that a thinking step sees of the state."""
    where, evidence = state.get("where"), state.get("evidence", ())
    return Situation(
        question=state["question"],
        where=where,
        evidence=evidence,
        subquestions=state.get("subquestions", ()),
        findings=tuple(state.get("findings", {}).values()),
        searches=tuple(search.query for search in state.get("searches", ())),
        fields=known_fields((await tools.store.fields()).values(), evidence, where),
        round=state["round"],
        remaining=left,
    )


async def within(left: Budget, thinking: Awaitable[Thought]) -> Thought:
    """Await a thought, at most for the seconds left. Raises `BudgetExceeded`."""
    try:
        async with asyncio.timeout(left.seconds):
            return await thinking
    except TimeoutError:
        raise BudgetExceeded("seconds") from None


def _concluded(state: State, thought: Plan | Verdict) -> dict[str, Any]:
    tried = [search.query for search in state.get("searches", ())]
    queries = () if thought.sufficient else novel(thought.queries, tried, state.get("where"))
    # What was found stays found: a later look may add to it, not forget it.
    found = {key for key, finding in state.get("findings", {}).items() if finding.found}
    findings = {f.subquestion: f for f in thought.findings if f.found or f.subquestion not in found}
    return {
        "sufficient": thought.sufficient,
        "queries": queries,
        "findings": findings,
        "confidence": thought.confidence,
        "usage": thought.usage,
        "stopped": "sufficient" if thought.sufficient else _stopped(state, findings, queries),
    }


def _stopped(state: State, findings: dict[str, Finding], queries: tuple[PlannedQuery, ...]) -> str:
    """Say why the loop ends short of sufficient evidence, or "" where it goes on."""
    if not queries or not (state.get("fresh", 0) or _learned(state, findings)):
        return "insufficient"
    return "budget" if remaining(state).spent() in ("rounds", "seconds") else ""


def _learned(state: State, findings: dict[str, Finding]) -> bool:
    """Tell whether a sub-question was answered that was not before."""
    known = {key for key, finding in state.get("findings", {}).items() if finding.found}
    return any(finding.found and key not in known for key, finding in findings.items())
