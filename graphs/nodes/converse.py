"""The node that opens a follow-up: it makes a question that stands alone."""

from __future__ import annotations

from typing import Any

from langgraph.graph import START
from langgraph.runtime import Runtime

from ...errors import BudgetExceeded
from ...tools.cache import under
from ...tools.reason.followup import standalone
from ...tools.reason.protocol import Followup, Standalone
from ..budget import remaining
from ..state import Graph, State, Tools
from .calls import with_calls
from .retrieve import OUTAGES
from .think import broke, within

CONTEXTUALIZE = "contextualize"


@with_calls
async def contextualize(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Make what was typed into a question that can be understood without the conversation."""
    typed, left = state["question"], remaining(state)
    followup = Followup(asked=typed, turns=state["history"], remaining=left)
    try:
        # What a model made of one person's conversation is kept for that person's rights alone.
        with under(state.get("where")):
            thinking = runtime.context.reasoner.contextualize(followup)
            made: Standalone = await within(left, thinking)
    except BudgetExceeded as error:
        made = standalone(typed, followup.turns)
        note = {"note": "by rules: the budget ran out", "usage": error.usage or made.usage}
        made = made.model_copy(update=note)
    except OUTAGES as error:
        return {"stopped": "outage", **broke(CONTEXTUALIZE, error)}
    changed = {"question": made.question, "asked": typed} if made.question != typed else {}
    return {**changed, "rewritten": made, "usage": made.usage}


def open_with(graph: Graph, first: str) -> None:
    """Begin `graph` at `first`; a follow-up is understood before. Others pay nothing for it."""

    async def begin(state: State) -> str:
        return CONTEXTUALIZE if state.get("history") else first

    async def understood(state: State) -> str:
        return "abstain" if state.get("stopped") else first

    graph.add_node(CONTEXTUALIZE, contextualize)
    graph.add_conditional_edges(START, begin, [CONTEXTUALIZE, first])
    graph.add_conditional_edges(CONTEXTUALIZE, understood, [first, "abstain"])
