"""OpenTelemetry traces, where it is installed: a span a run, and one a node.

Spans carry counts, times and usage; never a question, a document or a key. Without
`opentelemetry` or without a provider configured, nothing happens and nothing is paid.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING, Any

from .events import Event, NodeFinished, NodeStarted, RunFinished, RunStarted

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

COUNTED = ("searches", "queries", "evidence", "findings", "dropped", "outages")
"""What a node brought of which, and how much of it."""


@cache
def installed() -> bool:
    """Whether OpenTelemetry is there; looked up once."""
    return importlib.util.find_spec("opentelemetry") is not None


async def traced(events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """Yield `events` as they are, and make spans of them. Closing it closes them."""
    trace = Trace()
    try:
        async with aclosing(events):
            async for event in events:
                trace.see(event)
                yield event
    finally:
        trace.end()


class Trace:
    """Makes spans of the events of one run; hand it each event as it comes, then `end` it."""

    def __init__(self) -> None:
        self._began = time.time_ns()
        self._tracer: Tracer | None = _tracer() if installed() else None
        self._run: Span | None = None
        self._nodes: dict[str, Span] = {}

    def see(self, event: Event) -> None:
        """Open or close the span that `event` is about."""
        if self._tracer is None:
            return
        if isinstance(event, RunStarted):
            self._start_run(event)
        elif isinstance(event, NodeStarted):
            self._start_node(event)
        elif isinstance(event, NodeFinished):
            self._finish_node(event)
        elif isinstance(event, RunFinished) and self._run is not None:
            self._run.set_attributes(_of_answer(event))
            self._finish_run(event.at)

    def end(self) -> None:
        """Close what is open still: the run was stopped, or broke."""
        if self._run is not None:
            self._run.set_attribute("suffice.stopped", True)
            self._finish_run(None)

    def _start_run(self, event: RunStarted) -> None:
        assert self._tracer is not None
        self._run = self._tracer.start_span(
            "suffice.run",
            start_time=self._began,
            attributes={
                "suffice.run_id": event.run_id,
                "suffice.strategy": event.strategy,
                "suffice.followup": bool(event.asked),
            },
        )

    def _start_node(self, event: NodeStarted) -> None:
        from opentelemetry.trace import set_span_in_context

        assert self._tracer is not None
        around = set_span_in_context(self._run) if self._run is not None else None
        attributes: dict[str, Any] = {"suffice.node": event.node, "suffice.round": event.round}
        self._nodes[event.id] = self._tracer.start_span(
            f"suffice.{event.node}",
            context=around,
            start_time=self._moment(event.at),
            attributes=attributes,
        )

    def _finish_node(self, event: NodeFinished) -> None:
        span = self._nodes.pop(event.id, None)
        if span is None:
            return
        span.set_attributes(_of_result(event.result))
        if event.error:
            from opentelemetry.trace import Status, StatusCode

            # The kind of error alone: its message may hold what was asked.
            span.set_status(Status(StatusCode.ERROR, event.error.partition(":")[0]))
        span.end(self._moment(event.at))

    def _finish_run(self, at: float | None) -> None:
        for span in self._nodes.values():
            span.end()
        self._nodes.clear()
        if self._run is not None:
            self._run.end(None if at is None else self._moment(at))
            self._run = None

    def _moment(self, at: float) -> int:
        return self._began + int(at * 1e9)


def _tracer() -> Tracer | None:
    """Return a tracer, or None where nobody has set up where traces go."""
    from opentelemetry import trace

    if isinstance(
        trace.get_tracer_provider(), (trace.NoOpTracerProvider, trace.ProxyTracerProvider)
    ):
        return None
    return trace.get_tracer("suffice")


def _of_result(result: dict[str, Any]) -> dict[str, Any]:
    counts = {f"suffice.{name}": len(result[name]) for name in COUNTED if result.get(name)}
    stopped = {"suffice.stopped": result["stopped"]} if result.get("stopped") else {}
    return {**counts, **stopped, **_usage(result.get("usage") or {})}


def _of_answer(event: RunFinished) -> dict[str, Any]:
    answer = event.answer
    return {
        "suffice.status": answer.status,
        "suffice.reason": answer.reason or "",
        "suffice.confidence": answer.confidence,
        "suffice.citations": len(answer.citations),
        "suffice.passages": len(answer.passages),
        **_usage(answer.usage.model_dump()),
    }


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    return {f"suffice.usage.{name}": value for name, value in usage.items() if value is not None}
