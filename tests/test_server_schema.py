"""Whatever the OpenAPI document allows, and much that it does not: no answer is a 500."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tugs
from hypothesis import HealthCheck, given, settings
from served import serve

from suffice import Agent, Corpus

schemathesis = pytest.importorskip(
    "schemathesis", reason="schemathesis is not installed: uv sync --group fuzz"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    place: Path = tmp_path_factory.mktemp("schema") / "tugs"
    with Corpus.open(place, **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        with Agent(corpus) as agent, serve(agent, requests_a_minute=1_000_000) as running:
            yield schemathesis.openapi.from_url(f"{running.url}/openapi.json")


OPERATIONS = 23
"""The fewest there have to be, so that an empty document does not pass."""


def test_nothing_that_is_sent_breaks_it(api: Any) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) >= OPERATIONS
    for operation in operations:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def is_answered(case: Any) -> None:
            answer = case.call(timeout=30)
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"]

        is_answered()
