"""The loop: search until the evidence suffices, then write, or say what is missing.

survey → plan → search (one branch a query) → rerank → judge ─┬→ search …
           │                                                  ├→ write → verify → end
           └→ write | abstain                                 └→ abstain → end

In a conversation `contextualize` comes first and makes a question that stands alone. What
chooses the way is async like the nodes: for anything else LangGraph takes a thread.
"""

from __future__ import annotations

from langgraph.graph import END, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from .nodes.answer import abstain, verify, write
from .nodes.converse import open_with
from .nodes.retrieve import rerank, search, survey
from .nodes.think import judge, plan
from .standing import found_parts
from .state import Graph, SearchTask, State, Tools


async def decide(state: State) -> list[Send] | str:
    """After plan and judge: search on, write what was found, or abstain."""
    if not state.get("stopped"):
        return [
            Send(
                "search",
                SearchTask(planned=planned, where=state.get("where"), round=state["round"] + 1),
            )
            for planned in state["queries"]
        ]
    unplanned = state["stopped"] == "budget" and state.get("sufficient") is None
    if state["stopped"] == "sufficient" or unplanned:
        return "write"
    return "write" if found_parts(state) and not state.get("outages") else "abstain"


async def conclude(state: State) -> str:
    """After verify: done, back to the judge once if nothing held, or abstain."""
    if state.get("answer"):
        return END
    return "abstain" if state.get("stopped") else "judge"


def build(graph: Graph | None = None) -> CompiledStateGraph[State, Tools, State, State]:
    """Return the compiled graph. Run it with a `fresh_state` and `context=Tools(…)`."""
    graph = graph or StateGraph(State, context_schema=Tools)
    for node in (survey, plan, rerank, judge, write, verify, abstain):
        graph.add_node(node.__name__, node)
    graph.add_node("search", search, input_schema=SearchTask)

    open_with(graph, "survey")
    graph.add_edge("survey", "plan")
    graph.add_conditional_edges("plan", decide, ["search", "write", "abstain"])
    graph.add_edge("search", "rerank")
    graph.add_edge("rerank", "judge")
    graph.add_conditional_edges("judge", decide, ["search", "write", "abstain"])
    graph.add_edge("write", "verify")
    graph.add_conditional_edges("verify", conclude, ["judge", "abstain", END])
    graph.add_edge("abstain", END)
    return graph.compile(name="iterative")
