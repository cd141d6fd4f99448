"""Every fault of a provider, at every call of a run: the answer is never worse than silence."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_world import QUESTION, careful, check_citations, open_corpus
from wire import ALL_FAULTS, GARBLED, PASSING, READABLE, WireServer

from suffice import Agent, Corpus
from suffice.graphs.events import RunFinished
from suffice.tools.llm import open_model
from suffice.tools.reason.llm import LlmReasoner
from suffice.tools.retry import Patience
from suffice.tools.types import Answer, Budget

KEY = "sk-planted-0123456789abcdef"
SECONDS = 20.0
CALLS = ("plan", "judge", "write")
QUICK = ("500", "cut", "truncated", "bare-prose", "refusal", "think")
"""Tried on every run of the tests; the others on the long one."""


def marked(faults: tuple[str, ...]) -> list[object]:
    slow = pytest.mark.slow
    return [pytest.param(name, marks=() if name in QUICK else slow) for name in faults]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with open_corpus(tmp_path_factory.mktemp("faults")) as corpus:
        yield corpus


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with WireServer(careful) as server:
        yield server


@pytest.fixture(
    scope="module", params=["openai", pytest.param("anthropic", marks=pytest.mark.slow)]
)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(corpus: Corpus, server: WireServer, provider: str, budget: Budget) -> tuple[Answer, str]:
    """Run a question with a small model and a writer; return the answer and all events."""

    def opened(role: str) -> object:
        base = f"{server.url}/v1" if provider == "openai" else server.url
        return open_model(
            f"{provider}:{role} @ {base}",
            api_key=KEY,
            patience=Patience(attempts=2, first_wait=0.001, longest_wait=0.5),
            call_seconds=0.5,
        )

    reasoner = LlmReasoner(opened("small"), opened("writer"))  # type: ignore[arg-type]
    with Agent(corpus, reasoner=reasoner) as agent:
        events = list(agent.stream(QUESTION, budget=budget))
    # A client must be closed on the loop that it was used on.
    corpus._loop.run(reasoner.close())
    written = "\n".join(f"{event!r}\n{event.model_dump_json()}" for event in events)
    (finished,) = [event for event in events if isinstance(event, RunFinished)]
    return finished.answer, written


def never(answer: Answer, written: str, began: float) -> None:
    """What must never happen, whatever the fault."""
    check_citations(answer)
    assert answer.status in ("answered", "partial") or not answer.text or answer.status == "failed"
    assert answer.status != "abstained"
    assert time.monotonic() - began < SECONDS
    assert answer.searches
    assert answer.passages
    assert KEY not in written


@pytest.mark.parametrize("fault", marked(ALL_FAULTS))
@pytest.mark.parametrize("at", range(len(CALLS)), ids=CALLS)
def test_a_fault_that_stays(
    corpus: Corpus,
    server: WireServer,
    provider: str,
    at: int,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults, server.always = ["none"] * at, fault
    began = time.monotonic()
    answer, written = ask(corpus, server, provider, Budget(seconds=SECONDS))
    never(answer, written + caplog.text, began)
    if fault in READABLE or (CALLS[at] == "write" and fault in ("types", "truncated")):
        assert answer.status in ("answered", "partial")
        return
    assert (answer.status, answer.reason) == ("failed", "outage")
    assert answer.text
    kept = {citation.document_id for citation in answer.citations}
    assert kept == [set(), {"film"}, {"film", "life"}][at]


@pytest.mark.parametrize("fault", marked(PASSING + GARBLED))
@pytest.mark.parametrize("at", range(len(CALLS)), ids=CALLS)
def test_a_fault_that_passes(
    corpus: Corpus, server: WireServer, provider: str, at: int, fault: str
) -> None:
    server.faults, server.always = ["none"] * at + [fault], ""
    began = time.monotonic()
    answer, written = ask(corpus, server, provider, Budget(seconds=SECONDS))
    never(answer, written, began)
    if CALLS[at] == "write" and fault in ("cut", "truncated", "length"):
        # What was being said cannot be taken back and said again.
        assert answer.status in ("failed", "partial", "answered")
        return
    assert answer.status == "answered"
    assert {citation.document_id for citation in answer.citations} == {"film", "life"}


def test_no_key_in_anything_written(corpus: Corpus, server: WireServer) -> None:
    """Comes last, over what the runs above left in the corpus."""
    server.faults, server.always = [], "401"
    ask(corpus, server, "openai", Budget(seconds=SECONDS))
    files = [path for path in Path(corpus.place).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
