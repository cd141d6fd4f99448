"""Runs as OpenTelemetry traces, where its API is installed and a provider is set up.

    opentelemetry-instrument suffice serve

A run is a span, each of its nodes one below it. No span holds a question or a passage.
"""

from __future__ import annotations

import json
from typing import Any

from .runs import LiveRun


def traced(run: LiveRun) -> None:
    """Hand over a run that has ended to whoever collects traces, if anybody does."""
    try:
        from opentelemetry import trace
    except ImportError:
        return
    tracer = trace.get_tracer("suffice")
    whole = tracer.start_span("suffice.run", start_time=_nanoseconds(run.began))
    if not whole.is_recording():
        return
    whole.set_attributes(
        {"suffice.run_id": run.id, "suffice.corpus": run.corpus, "suffice.status": run.status}
    )
    last = 0.0
    within = trace.set_span_in_context(whole)
    for event in (json.loads(said.text) for said in run.said if said.type != "token"):
        last = max(last, event.get("at", 0.0))
        if event.get("type") == "node_finished":
            _node(tracer, within, run, event)
    whole.end(_nanoseconds(run.began + last))


def _node(tracer: Any, within: Any, run: LiveRun, event: dict[str, Any]) -> None:
    end = run.began + event["at"]
    span = tracer.start_span(
        f"suffice.{event['node']}",
        context=within,
        start_time=_nanoseconds(end - event["seconds"]),
        attributes={"suffice.round": event["round"]},
    )
    if event["error"]:
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR, event["error"].partition(":")[0])
    span.end(_nanoseconds(end))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
