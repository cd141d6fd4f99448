"""The loop without its last word: plan, search and rerank over rounds, no writing."""

from __future__ import annotations

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from .iterative import decide
from .nodes.retrieve import rerank, search, survey
from .nodes.think import judge, plan
from .state import Graph, SearchTask, State, Tools


async def search_on(state: State) -> list[Send] | str:
    """After plan and judge: search on, or stop with the evidence at hand."""
    step = await decide(state)
    return END if isinstance(step, str) else step


def build(graph: Graph | None = None) -> CompiledStateGraph[State, Tools, State, State]:
    """Return the compiled graph; the result is `state["evidence"]`."""
    graph = graph or StateGraph(State, context_schema=Tools)
    for node in (survey, plan, rerank, judge):
        graph.add_node(node.__name__, node)
    graph.add_node("search", search, input_schema=SearchTask)

    graph.add_edge(START, "survey")
    graph.add_edge("survey", "plan")
    graph.add_conditional_edges("plan", search_on, ["search", END])
    graph.add_edge("search", "rerank")
    graph.add_edge("rerank", "judge")
    graph.add_conditional_edges("judge", search_on, ["search", END])
    return graph.compile(name="retrieval")
