"""Everything in the prompt: what the loop is compared with, on the same nodes."""

from __future__ import annotations

from langgraph.graph import END, StateGraph
from langgraph.graph.state import CompiledStateGraph

from .nodes.answer import abstain, verify, write
from .nodes.converse import open_with
from .nodes.retrieve import gather
from .single_pass import conclude, enough
from .state import Graph, State, Tools


def build(graph: Graph | None = None) -> CompiledStateGraph[State, Tools, State, State]:
    """Return the compiled graph. Run it with a `fresh_state` and `context=Tools(…)`."""
    graph = graph or StateGraph(State, context_schema=Tools)
    for node in (gather, write, verify, abstain):
        graph.add_node(node.__name__, node)
    open_with(graph, "gather")
    graph.add_conditional_edges("gather", enough, ["write", "abstain"])
    graph.add_edge("write", "verify")
    graph.add_conditional_edges("verify", conclude, ["abstain", END])
    graph.add_edge("abstain", END)
    return graph.compile(name="long_context")
