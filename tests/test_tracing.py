"""Traces: a span a run and a node, with counts and usage, and never a word of a document."""

from __future__ import annotations

from pathlib import Path

import pytest
import tugs

from suffice import Agent, Corpus

trace = pytest.importorskip("opentelemetry.trace")
pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402
    InMemorySpanExporter,
)


@pytest.fixture(scope="module")
def provider() -> TracerProvider:
    """The provider of the process: there can be one alone, and it stays."""
    provider = TracerProvider()
    trace.set_tracer_provider(provider)
    return provider


@pytest.fixture
def spans(provider: TracerProvider) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def test_a_run_is_a_span_with_its_nodes_below_it(
    own_folder: Path, spans: InMemorySpanExporter
) -> None:
    with Corpus.open("notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add(tugs.documents())
        answer = agent.ask(tugs.question("Anchor"))
    made = {span.name: span for span in spans.get_finished_spans()}
    run = made["suffice.run"]
    assert {"suffice.survey", "suffice.plan", "suffice.write", "suffice.verify"} <= set(made)
    for name, span in made.items():
        assert span.end_time >= span.start_time
        if name != "suffice.run":
            assert span.parent.span_id == run.context.span_id
    assert run.attributes["suffice.run_id"] == answer.run_id
    assert run.attributes["suffice.status"] == "answered"
    assert run.attributes["suffice.usage.searches"] == answer.usage.searches
    assert made["suffice.survey"].attributes["suffice.round"] == 1
    told = " ".join(str(dict(span.attributes)) for span in made.values())
    assert "Anchor" not in told
    assert "berth" not in told


def test_a_run_that_is_left_ends_its_spans(own_folder: Path, spans: InMemorySpanExporter) -> None:
    with Corpus.open("notes", **tugs.QUICK) as corpus, Agent(corpus) as agent:
        corpus.add(tugs.documents())
        events = agent.stream(tugs.question("Anchor"))
        next(events)
        events.close()
    run = next(span for span in spans.get_finished_spans() if span.name == "suffice.run")
    assert run.attributes["suffice.stopped"] is True
