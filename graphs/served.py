"""The same graphs for LangGraph's own server and Studio, which bring no tools of their own.

There a run begins with a question alone, and the state outlives it: a node before the first
gives the run what it needs, and turns what is left of the run before into its history.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, NotRequired

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Overwrite
from typing_extensions import TypedDict

from ..tools.reason.protocol import Turn
from ..tools.types import Answer, Budget, Usage, Where
from .state import State, fresh_state

BEGIN = "begin"
MOST_HISTORY = 8

Node = Callable[[Any, Any], Awaitable[dict[str, Any]]]
Call = Callable[[Node, Any, Runtime[Any]], Awaitable[dict[str, Any]]]
"""Runs a node where its tools are, with a runtime that has them."""

_ADDED: dict[str, Any] = {
    "searches": (),
    "found": (),
    "scores": {},
    "findings": {},
    "usage": Usage(),
    "outages": (),
    "dropped": (),
}
_REPLACED: dict[str, Any] = {
    "subquestions": (),
    "queries": (),
    "evidence": (),
    "fresh": 0,
    "asked": "",
    "rewritten": None,
    "sufficient": None,
    "stopped": "",
    "conflict": False,
    "confidence": 0.0,
    "draft": None,
    "retried": False,
    "answer": None,
}


class Asked(TypedDict):
    """What a run begins with."""

    question: str
    where: NotRequired[Where | None]


class Told(TypedDict):
    """What a run comes to."""

    question: str
    asked: str
    answer: Answer


class ServedGraph(StateGraph[Any, Any, Any, Any]):
    """A graph whose nodes are run by `call`, and which begins with a question alone."""

    def __init__(self, call: Call, budget: Budget) -> None:
        super().__init__(State, input_schema=Asked, output_schema=Told)
        self._call = call
        self._budget = budget
        super().add_node(BEGIN, self._begin)
        super().add_edge(START, BEGIN)

    def add_node(self, node: Any, action: Any = None, **options: Any) -> Any:
        """Add a node that is run by `call`."""

        async def called(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
            return await self._call(action, state, runtime)

        return super().add_node(node, called, **options)

    def add_edge(self, start_key: Any, end_key: Any) -> Any:
        """Add an edge; what began the graph now follows the node that begins a run."""
        return super().add_edge(BEGIN if start_key == START else start_key, end_key)

    def add_conditional_edges(self, source: Any, path: Any, path_map: Any = None) -> Any:
        """Add edges to choose from; likewise."""
        return super().add_conditional_edges(BEGIN if source == START else source, path, path_map)

    async def _begin(self, state: State) -> dict[str, Any]:
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        fresh = fresh_state(
            run_id, state["question"], state.get("where"), self._budget, time.monotonic()
        )
        added = {name: Overwrite(value) for name, value in _ADDED.items()}
        return {**fresh, **_REPLACED, **added, "history": _history(state)}


def _history(state: State) -> tuple[Turn, ...]:
    """Return what was asked before in this thread, with the run that was the last."""
    known = tuple(turn for turn in state.get("history", ()) if isinstance(turn, Turn))
    answer = state.get("answer")
    if not isinstance(answer, Answer) or not answer.searches:
        return known
    # The first search of a run is its question, as it stood alone.
    question = answer.searches[0].text
    head, short, rest = answer.text.partition("\n\n")
    lead = head.strip() if short and len(head) <= 80 else ""
    turn = Turn(asked=question, question=question, status=answer.status, lead=lead, text=rest)
    return (*known, turn)[-MOST_HISTORY:]
