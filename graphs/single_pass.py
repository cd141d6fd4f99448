"""Retrieve once and write: what the loop is compared with, on the same nodes."""

from __future__ import annotations

from langgraph.graph import END, StateGraph
from langgraph.graph.state import CompiledStateGraph

from .nodes.answer import abstain, verify, write
from .nodes.converse import open_with
from .nodes.retrieve import survey
from .state import Graph, State, Tools


async def enough(state: State) -> str:
    """After survey: write from whatever was found, or abstain if that is nothing."""
    return "write" if state.get("evidence") else "abstain"


async def conclude(state: State) -> str:
    """After verify: done, or abstain. There is no second look."""
    return END if state.get("answer") else "abstain"


def build(graph: Graph | None = None) -> CompiledStateGraph[State, Tools, State, State]:
    """Return the compiled graph. Run it with a `fresh_state` and `context=Tools(…)`."""
    graph = graph or StateGraph(State, context_schema=Tools)
    for node in (survey, write, verify, abstain):
        graph.add_node(node.__name__, node)
    open_with(graph, "survey")
    graph.add_conditional_edges("survey", enough, ["write", "abstain"])
    graph.add_edge("write", "verify")
    graph.add_conditional_edges("verify", conclude, ["abstain", END])
    graph.add_edge("abstain", END)
    return graph.compile(name="single_pass")
