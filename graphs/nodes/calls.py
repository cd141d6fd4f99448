"""What a node adds of its own accord: the model calls it made."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar, cast

from langgraph.runtime import Runtime

from ...tools.llm.calls import heard
from ..state import State, Tools

Node = TypeVar("Node", bound=Callable[..., Coroutine[Any, Any, dict[str, Any]]])


def with_calls(node: Node) -> Node:
    """Let a node add the model calls it made to what it changed."""

    @wraps(node)
    async def listening(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
        with heard() as calls:
            changed = await node(state, runtime)
        return changed | ({"calls": tuple(calls)} if calls else {})

    return cast(Node, listening)
