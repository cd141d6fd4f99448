"""Rerankers behind the /rerank form, against a real server that speaks each dialect."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from suffice.errors import CallFailed, CallRefused, SettingsError
from suffice.tools.rerank import open_reranker
from suffice.tools.rerank.http import FORMS, TEI, HttpReranker
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.retry import Patience
from suffice.tools.types import Passage

QUICK = Patience(attempts=3, first_wait=0.001)
KEY = "planted-key-0123456789"
TEXTS = ["short", "a longer text", "the longest text of all of them"]


def candidates(texts: list[str] = TEXTS, asked: tuple[str, ...] = ()) -> list[Candidate]:
    return [
        Candidate(Passage(id=str(n), document_id="d", text=text), asked)
        for n, text in enumerate(texts)
    ]


def ranked(reranker: Any, found: list[Candidate] | None = None) -> list[float]:
    async def run() -> list[float]:
        try:
            scores: list[float] = await reranker.rank("which?", found or candidates())
            return scores
        finally:
            await reranker.close()

    return asyncio.run(run())


def relevance(text: str) -> float:
    return len(text) / 1000


def voyage(body: dict[str, Any]) -> Any:
    rows = [{"index": i, "relevance_score": relevance(t)} for i, t in enumerate(body["documents"])]
    return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": {}}


def cohere(body: dict[str, Any]) -> Any:
    return {"id": "x", "results": voyage(body)["data"], "meta": {}}


def jina(body: dict[str, Any]) -> Any:
    assert body["return_documents"] is False
    return cohere(body)


DIALECTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "voyage": voyage,
    "cohere": cohere,
    "jina": jina,
    "http": cohere,
}


@pytest.mark.parametrize("provider", FORMS)
def test_each_dialect_is_spoken(provider: str, provider_server: Any, reply: Any) -> None:
    provider_server.script = lambda asked: reply(DIALECTS[provider](asked.body))
    scores = ranked(HttpReranker(provider, "m", KEY, base_url=provider_server.url + "/v1"))
    assert scores == [relevance(text) for text in TEXTS]
    asked = provider_server.asked[0]
    assert asked.path == "/v1/rerank"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.body["query"], asked.body["model"]) == ("which?", "m")


def test_a_tei_server_is_recognised_once_and_gets_small_batches(
    provider_server: Any, reply: Any
) -> None:
    def script(asked: Any) -> Any:
        if "texts" not in asked.body:
            return reply({"error": "missing field `texts`"}, 422)
        texts = asked.body["texts"]
        assert len(texts) <= TEI.batch
        return reply([{"index": i, "score": relevance(t)} for i, t in enumerate(texts)][::-1])

    provider_server.script = script
    reranker = HttpReranker("http", "", None, base_url=provider_server.url)
    texts = ["x" * n for n in range(1, 101)]

    async def run() -> tuple[list[float], list[float]]:
        try:
            many = await reranker.rank("q", candidates(texts))
            return many, await reranker.rank("q", candidates())
        finally:
            await reranker.close()

    many, few = asyncio.run(run())
    assert many == [relevance(text) for text in texts]
    assert few == [relevance(text) for text in TEXTS]
    assert sum("texts" not in asked.body for asked in provider_server.asked) == 1


def test_a_refusal_by_another_provider_is_not_taken_for_tei(
    provider_server: Any, reply: Any
) -> None:
    provider_server.replies(reply({"message": "no such model"}, 422))
    with pytest.raises(CallRefused, match="no such model"):
        ranked(HttpReranker("cohere", "m", KEY, base_url=provider_server.url))
    assert len(provider_server.asked) == 1


def test_subquestions_are_asked_of_their_own_passages_and_the_best_counts(
    provider_server: Any, reply: Any
) -> None:
    def script(asked: Any) -> Any:
        bonus = 5.0 if asked.body["query"] == "part" else 0.0
        rows = [
            {"index": i, "relevance_score": relevance(t) + bonus}
            for i, t in enumerate(asked.body["documents"])
        ]
        return reply({"results": rows})

    provider_server.script = script
    found = [*candidates(TEXTS[:2], ("which?",)), *candidates(TEXTS[2:], ("part",))]
    scores = ranked(HttpReranker("cohere", "m", KEY, base_url=provider_server.url), found)
    assert scores == [relevance(TEXTS[0]), relevance(TEXTS[1]), relevance(TEXTS[2]) + 5]
    sizes = sorted(len(asked.body["documents"]) for asked in provider_server.asked)
    assert sizes == [1, 3]


def test_titles_are_sent_with_the_text(provider_server: Any, reply: Any) -> None:
    provider_server.script = lambda asked: reply(cohere(asked.body))
    found = [Candidate(Passage(id="1", document_id="d", title="Tugs", text="Two of them."))]
    ranked(HttpReranker("cohere", "m", KEY, base_url=provider_server.url), found)
    assert provider_server.asked[0].body["documents"] == ["Tugs\nTwo of them."]


def test_no_candidates_are_no_call(provider_server: Any) -> None:
    reranker = HttpReranker("cohere", "m", KEY, base_url=provider_server.url)

    async def run() -> list[float]:
        found = await reranker.rank("q", [])
        await reranker.close()
        return found

    assert asyncio.run(run()) == []
    assert provider_server.asked == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_crowded_server_is_asked_again(provider_server: Any, reply: Any, status: int) -> None:
    provider_server.script = lambda asked: (
        reply({"detail": "busy"}, status, {"Retry-After": "0"})
        if len(provider_server.asked) < 3
        else reply(voyage(asked.body))
    )
    reranker = HttpReranker("voyage", "m", KEY, base_url=provider_server.url, patience=QUICK)
    assert len(ranked(reranker)) == 3


def test_an_outage_is_a_failed_call(provider_server: Any, reply: Any) -> None:
    provider_server.replies(reply("<html>down</html>", 502))
    reranker = HttpReranker("voyage", "m", KEY, base_url=provider_server.url, patience=QUICK)
    with pytest.raises(CallFailed, match="voyage:m answered 502 after 3 tries"):
        ranked(reranker)


def test_a_silent_server_is_a_failed_call(provider_server: Any) -> None:
    provider_server.replies(provider_server.hang)
    reranker = HttpReranker(
        "jina", "m", KEY, base_url=provider_server.url, timeout=0.05, patience=QUICK
    )
    with pytest.raises(CallFailed, match="no reply in time"):
        ranked(reranker)


def test_a_refusal_shows_no_key(provider_server: Any, reply: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    provider_server.replies(reply({"detail": f"bad key {KEY}"}, 401))
    reranker = HttpReranker("voyage", "m", KEY, base_url=provider_server.url)
    with pytest.raises(CallRefused) as caught:
        ranked(reranker)
    shown = str(caught.value) + repr(reranker) + repr(reranker._endpoint) + caplog.text
    assert KEY not in shown
    assert len(provider_server.asked) == 1


ROW = {"index": 0, "relevance_score": 0.5}
BAD_REPLIES: dict[str, Any] = {
    "prose": "here are your documents",
    "cut": '{"results": [{"index": 0,',
    "a number": 7,
    "nothing": {},
    "none": {"results": []},
    "one lacks": {"results": [ROW, {**ROW, "index": 1}]},
    "one twice": {"results": [ROW, ROW, {**ROW, "index": 1}]},
    "out of range": {"results": [ROW, {**ROW, "index": 1}, {**ROW, "index": 9}]},
    "no score": {"results": [{"index": n} for n in range(3)]},
    "a word": {"results": [{"index": n, "relevance_score": "high"} for n in range(3)]},
    "not a number": '{"results": [{"index": 0, "relevance_score": NaN}, '
    '{"index": 1, "relevance_score": 1}, {"index": 2, "relevance_score": 1}]}',
    "null": {"results": None},
    "strings": {"results": ["a", "b", "c"]},
}


@pytest.mark.parametrize("body", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_reply_that_makes_no_sense_is_a_failed_call(
    provider_server: Any, reply: Any, body: Any
) -> None:
    provider_server.replies(reply(body))
    with pytest.raises(CallFailed):
        ranked(HttpReranker("cohere", "m", KEY, base_url=provider_server.url))


def test_they_are_opened_by_name_with_keys_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    monkeypatch.setenv("CO_API_KEY", KEY)
    reranker = open_reranker("cohere:rerank-v3.5")
    assert reranker is not None
    assert reranker.name == "cohere:rerank-v3.5"
    monkeypatch.delenv("CO_API_KEY")
    with pytest.raises(SettingsError, match="COHERE_API_KEY"):
        open_reranker("cohere:rerank-v3.5")
