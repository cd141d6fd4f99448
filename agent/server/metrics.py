"""Numbers for Prometheus: requests, runs, refusals. Nothing in them says what was asked."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .runs import LiveRun

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self, under_way: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "suffice_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "suffice_request_seconds",
            "Seconds until the answer began",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.runs = Counter(
            "suffice_runs", "Runs ended, by what they came to", ["status"], registry=self.registry
        )
        self.run_seconds = Histogram(
            "suffice_run_seconds", "Seconds a run took", buckets=_SECONDS, registry=self.registry
        )
        self.searches = Counter("suffice_searches", "Searches of runs", registry=self.registry)
        self.tokens = Counter(
            "suffice_model_tokens", "Tokens of language models", ["kind"], registry=self.registry
        )
        self.dollars = Counter(
            "suffice_cost_usd", "What language models cost", registry=self.registry
        )
        gauge = Gauge("suffice_runs_under_way", "Runs that go on now", registry=self.registry)
        gauge.set_function(under_way)

    def ended(self, run: LiveRun) -> None:
        """Count a run that has ended."""
        self.runs.labels(run.status).inc()
        answer = run.answer
        if answer is None:
            return
        self.run_seconds.observe(answer.usage.seconds)
        self.searches.inc(answer.usage.searches)
        self.tokens.labels("input").inc(answer.usage.input_tokens)
        self.tokens.labels("output").inc(answer.usage.output_tokens)
        self.dollars.inc(answer.usage.cost_usd or 0.0)

    def page(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self.registry)
