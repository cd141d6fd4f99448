"""The graph that `langgraph.json` names: for `langgraph dev`, Studio and LangGraph's server.

The corpus and all else come from the settings, and are opened with the first question.
The nodes are run on the corpus's own event loop, as always.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from langgraph.runtime import Runtime

from ..graphs import build
from ..graphs.served import Node, ServedGraph
from .sdk import Agent
from .settings import Settings


class _Opened:
    """The agent of this process, opened once, when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._agent: Agent | None = None
        self._lock = threading.Lock()

    async def call(self, node: Node, state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
        agent = await asyncio.to_thread(self._open) if self._agent is None else self._agent
        tools = agent._tools()
        return await agent.corpus._loop.arun(_run(node, state, runtime.override(context=tools)))

    def _open(self) -> Agent:
        with self._lock:
            if self._agent is None:
                self._agent = Agent(self._settings.corpus, settings=self._settings)
            return self._agent


async def _run(node: Node, state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
    return await node(state, runtime)


def served_graph(settings: Settings | None = None) -> Any:
    """Return the compiled graph of the settings' strategy; its input is `{"question": …}`."""
    settings = settings or Settings.load()
    return build(settings.strategy, ServedGraph(_Opened(settings).call, settings.budget))


graph = served_graph()
