"""The state, the nodes, and the wiring of each graph."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from .state import Graph, State, Tools

STRATEGIES = ("iterative", "single_pass", "long_context", "retrieval")
"""The last is the loop without its last word; the others answer."""


def build(
    strategy: str = "iterative", graph: Graph | None = None
) -> CompiledStateGraph[State, Tools, State, State]:
    """Return the compiled graph of a strategy, wired into `graph` where one is given.

    Raises:
        SettingsError: there is no strategy of that name.
    """
    if strategy not in STRATEGIES:
        raise SettingsError(f'no strategy "{strategy}"; there are: {", ".join(STRATEGIES)}')
    built: CompiledStateGraph[State, Tools, State, State]
    built = import_module(f".{strategy}", __name__).build(graph)
    return built
