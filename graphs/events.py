"""What a run tells while it goes on: typed events made from LangGraph's own stream."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal, cast

from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamMode
from pydantic import BaseModel, Field

from ..tools.rerank.protocol import Candidate
from ..tools.types import Answer, Noun
from .budget import MOST_ROUNDS
from .nodes.converse import CONTEXTUALIZE
from .state import Found, State, Tools

MOST_STEPS = 4 * MOST_ROUNDS + 13
"""LangGraph's own bound on steps, above what the counted rounds can take."""


STREAM_MODES: tuple[StreamMode, ...] = ("tasks", "custom")


UNSEEN = ("found", "scores", "calls")
"""Left out of a node's input, as they stand in the result of the node that made them."""


class RunStarted(Noun):
    """A run begins. `at` is seconds since the run began, in every event.

    `question` stands alone; `asked` is what was typed where that is something else.
    """

    type: Literal["run_started"] = "run_started"
    run_id: str
    question: str
    strategy: str
    asked: str = ""
    thread: str = ""
    at: float = 0.0


class NodeStarted(Noun):
    """A node begins; `id` pairs it with its end, also among parallel branches."""

    type: Literal["node_started"] = "node_started"
    id: str
    node: str
    round: int
    input: dict[str, Any]
    at: float


class NodeFinished(Noun):
    """A node ended, with what it changed in the state, or with an error."""

    type: Literal["node_finished"] = "node_finished"
    id: str
    node: str
    round: int
    result: dict[str, Any]
    error: str = ""
    seconds: float
    at: float


class Token(Noun):
    """A piece of the answer as it is written, before it is verified."""

    type: Literal["token"] = "token"
    text: str
    at: float


class RunFinished(Noun):
    """A run ended with this answer."""

    type: Literal["run_finished"] = "run_finished"
    answer: Answer
    at: float


Event = Annotated[
    RunStarted | NodeStarted | NodeFinished | Token | RunFinished, Field(discriminator="type")
]


async def run_events(
    graph: CompiledStateGraph[State, Tools, State, State], state: Mapping[str, Any], tools: Tools
) -> AsyncGenerator[Event]:
    """Run `graph` from a `fresh_state` and yield its events, `RunFinished` last.

    Closing the iterator cancels the run. An error inside a node is raised after its
    `NodeFinished` has been yielded.
    """
    began = time.monotonic()
    started = RunStarted(
        run_id=state["run_id"],
        question=state["question"],
        strategy=graph.name,
        thread=state.get("thread", ""),
    )
    # A follow-up is told of once it is known what it asks.
    held: list[Event] | None = [] if state.get("history") else None
    if held is None:
        yield started
    tracker = _Tracker(began)
    parts = graph.astream(
        cast(State, state),
        config={"recursion_limit": MOST_STEPS},
        context=tools,
        stream_mode=STREAM_MODES,
        version="v2",
    )
    # Closed by hand: left to the collector, the nodes at work would outlive the run.
    async with aclosing(cast(AsyncGenerator[Mapping[str, Any]], parts)) as open_parts:
        async for part in open_parts:
            event = tracker.event(part)
            if held is None:
                yield event
                continue
            held.append(event)
            if isinstance(event, NodeFinished):
                yield _understood(started, event)
                for one in held:
                    yield one
                held = None
    answer = tracker.answer
    if answer is None:
        raise RuntimeError(f"the {graph.name} graph ended without an answer")
    yield RunFinished(answer=answer, at=time.monotonic() - began)


def _understood(started: RunStarted, contextualized: NodeFinished) -> RunStarted:
    """Return the start of a run with the question that was made of what was typed."""
    made = contextualized.result
    if "asked" not in made:
        return started
    return started.model_copy(update={"question": made["question"], "asked": made["asked"]})


class _Tracker:
    """Pairs the starts and ends of nodes, and times them."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._started: dict[str, tuple[float, int]] = {}
        self.answer: Answer | None = None

    def event(self, part: Mapping[str, Any]) -> Event:
        at, data = time.monotonic() - self._began, part["data"]
        if part["type"] == "custom":
            return Token(text=data["token"], at=at)
        if "input" in data:
            return self._start(data, at)
        return self._finish(data, at)

    def _start(self, data: Mapping[str, Any], at: float) -> NodeStarted:
        seen = data["input"] if isinstance(data["input"], Mapping) else {}
        number = _round(data["name"], seen)
        unseen = UNSEEN if data["name"] == CONTEXTUALIZE else (*UNSEEN, "history")
        seen = {key: value for key, value in seen.items() if key not in unseen}
        self._started[data["id"]] = (at, number)
        return NodeStarted(
            id=data["id"], node=data["name"], round=number, input=plain(seen, brief=True), at=at
        )

    def _finish(self, data: Mapping[str, Any], at: float) -> NodeFinished:
        start, number = self._started.pop(data["id"], (at, 0))
        result, error = data.get("result") or {}, data.get("error")
        self.answer = result.get("answer", self.answer)
        return NodeFinished(
            id=data["id"],
            node=data["name"],
            round=number,
            result=plain(result),
            error=f"{type(error).__name__}: {error}" if error else "",
            seconds=at - start,
            at=at,
        )


def _round(node: str, seen: Mapping[str, Any]) -> int:
    """Return the round a node belongs to: survey opens the first, rerank ends its own."""
    known = int(seen.get("round", 0))
    return known + 1 if node in ("survey", "rerank") else known


def plain(value: Any, *, brief: bool = False) -> Any:
    """Return `value` as JSON can hold it. `brief` leaves passages to their ids and scores."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item, brief=brief) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, brief=brief) for item in value]
    if isinstance(value, Found):
        found = [_candidate(candidate) for candidate in value.candidates]
        return {"query": value.query.model_dump(), "round": value.round, "candidates": found}
    if isinstance(value, BaseModel):
        if (
            brief
            and "text" in type(value).model_fields
            and "document_id" in type(value).model_fields
        ):
            return {"id": value.id, "title": value.title, "score": value.score}  # type: ignore[attr-defined]
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):  # the slowest to tell, so the last
        return plain(dict(value), brief=brief)
    return value


def _candidate(candidate: Candidate) -> dict[str, Any]:
    passage = candidate.passage
    return {
        "id": passage.id,
        "title": passage.title,
        "asked": list(candidate.asked),
        "signals": {n: float(v) for n, v in candidate.signals.items() if ":" not in n},
    }
