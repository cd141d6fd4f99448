"""Embedders behind an API, their real clients against a real server."""

import asyncio
import base64
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suffice.errors import CallFailed, CallRefused, ProviderMissing, SettingsError
from suffice.tools.embed import open_embedder
from suffice.tools.embed.openai import OpenAIEmbedder
from suffice.tools.embed.remote import BATCH_TEXTS, batches, estimated_tokens
from suffice.tools.embed.voyage import VoyageEmbedder
from suffice.tools.retry import Patience

QUICK = Patience(attempts=3, first_wait=0.001)
KEY = "planted-key-0123456789"
Make = Callable[..., Any]


@pytest.fixture(params=["openai", "voyage"])
def embedder(request: pytest.FixtureRequest, provider_server: Any) -> Make:
    """Return a maker of embedders that speak to the server, for either provider."""
    kind = OpenAIEmbedder if request.param == "openai" else VoyageEmbedder
    return lambda **options: kind(
        "some-model", KEY, base_url=provider_server.url + "/v1", patience=QUICK, **options
    )


def vector(text: str, length: int = 3) -> list[float]:
    """A vector by which its text can be told, and not of length 1."""
    return [float(len(text)), 2.0, *[1.0] * (length - 2)]


def answer(asked: Any, reply: Any, length: int = 3) -> Any:
    rows = [
        {"object": "embedding", "index": i, "embedding": vector(text, length)}
        for i, text in enumerate(asked.body["input"])
    ]
    return reply({"object": "list", "data": rows[::-1], "model": "m", "usage": {}})


def embedded(embedder: Any, texts: list[str], *, queries: bool = False) -> list[Any]:
    async def run() -> list[Any]:
        try:
            call = embedder.embed_queries if queries else embedder.embed_documents
            found: list[Any] = await call(texts)
            return found
        finally:
            await embedder.close()

    return asyncio.run(run())


def test_vectors_come_back_in_the_order_of_the_texts_and_of_length_one(
    embedder: Make, provider_server: Any, reply: Any
) -> None:
    provider_server.script = lambda asked: answer(asked, reply)
    texts = ["x" * n for n in range(300)]
    found = embedded(embedder(), texts)
    assert len(found) == 300
    for text, got in zip(texts, found, strict=True):
        wanted = np.array(vector(text or " "))
        assert np.allclose(got, wanted / np.linalg.norm(wanted), atol=1e-6)
        assert math.isclose(float(np.linalg.norm(got)), 1, abs_tol=1e-6)
    assert len(provider_server.asked) == math.ceil(300 / BATCH_TEXTS)
    assert all(asked.path == "/v1/embeddings" for asked in provider_server.asked)
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in provider_server.asked)


def test_no_texts_are_no_call(embedder: Make, provider_server: Any) -> None:
    assert embedded(embedder(), []) == []
    assert provider_server.asked == []


def test_voyage_is_told_queries_from_documents(provider_server: Any, reply: Any) -> None:
    provider_server.script = lambda asked: answer(asked, reply, 256)
    make = lambda: VoyageEmbedder("m", KEY, base_url=provider_server.url, dimensions=256)  # noqa: E731
    embedded(make(), ["a"])
    embedded(make(), ["a"], queries=True)
    bodies = [asked.body for asked in provider_server.asked]
    assert [body["input_type"] for body in bodies] == ["document", "query"]
    assert [body["output_dimension"] for body in bodies] == [256, 256]


def test_openai_is_asked_for_dimensions_only_where_they_were_chosen(
    provider_server: Any, reply: Any
) -> None:
    provider_server.script = lambda asked: answer(asked, reply)
    embedded(OpenAIEmbedder("m", None, base_url=provider_server.url), ["a"])
    embedded(OpenAIEmbedder("m", None, base_url=provider_server.url, dimensions=3), ["a"])
    first, second = (asked.body for asked in provider_server.asked)
    assert "dimensions" not in first
    assert second["dimensions"] == 3
    assert first["encoding_format"] == "float"


def test_base64_vectors_are_understood(provider_server: Any, reply: Any) -> None:
    packed = base64.b64encode(np.array([3, 4], np.float32).tobytes()).decode()
    data = [{"object": "embedding", "index": 0, "embedding": packed}]
    provider_server.replies(reply({"object": "list", "data": data, "model": "m", "usage": {}}))
    embedder = OpenAIEmbedder("m", KEY, base_url=provider_server.url)
    embedder._base_url, address = "", embedder._base_url
    embedder._connected().base_url = address  # type: ignore[assignment]
    assert np.allclose(embedded(embedder, ["a"])[0], [0.6, 0.8])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_crowded_server_is_asked_again(
    embedder: Make, provider_server: Any, reply: Any, status: int
) -> None:
    def script(asked: Any) -> Any:
        if len(provider_server.asked) < 3:
            return reply({"error": {"message": "busy"}}, status, {"Retry-After": "0"})
        return answer(asked, reply)

    provider_server.script = script
    assert len(embedded(embedder(), ["a"])) == 1
    assert len(provider_server.asked) == 3


def test_an_outage_is_a_failed_call(embedder: Make, provider_server: Any, reply: Any) -> None:
    provider_server.replies(reply({"error": {"message": "down"}}, 500))
    with pytest.raises(CallFailed, match=r"500 after 3 tries.*down"):
        embedded(embedder(), ["a"])


def test_a_silent_server_is_a_failed_call(embedder: Make, provider_server: Any) -> None:
    provider_server.replies(provider_server.hang)
    with pytest.raises(CallFailed, match="no reply in time"):
        embedded(embedder(timeout=0.05), ["a"])
    assert len(provider_server.asked) == 3


def test_no_server_at_all_is_a_failed_call() -> None:
    embedder = OpenAIEmbedder("m", None, base_url="http://127.0.0.1:9", patience=QUICK)
    with pytest.raises(CallFailed, match="could not be reached"):
        embedded(embedder, ["a"])


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_not_repeated_and_shows_no_key(
    embedder: Make, provider_server: Any, reply: Any, status: int, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    provider_server.replies(reply({"error": {"message": f"wrong key {KEY}"}}, status))
    asking = embedder()
    with pytest.raises(CallRefused) as caught:
        embedded(asking, ["a"])
    assert len(provider_server.asked) == 1
    assert KEY not in str(caught.value) + repr(asking) + caplog.text


BAD_REPLIES: dict[str, Any] = {
    "prose": "<html>welcome</html>",
    "cut": '{"data": [{"index": 0, "embedding": [1, 2',
    "a number": 7,
    "nothing": {},
    "no vectors": {"data": []},
    "one too many": {"data": [{"index": i, "embedding": [1.0, 2.0]} for i in range(3)]},
    "twice the same": {"data": [{"index": 0, "embedding": [1.0, 2.0]}] * 2},
    "two lengths": {"data": [{"index": i, "embedding": [1.0] * (i + 1)} for i in range(2)]},
    "zero": {"data": [{"index": i, "embedding": [0.0, 0.0]} for i in range(2)]},
    "words": {"data": [{"index": i, "embedding": ["a", "b"]} for i in range(2)]},
    "no number": '{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}',
    "null": {"data": [{"index": i, "embedding": None} for i in range(2)]},
}


@pytest.mark.parametrize("body", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_reply_that_makes_no_sense_is_a_failed_call(
    embedder: Make, provider_server: Any, reply: Any, body: Any
) -> None:
    provider_server.replies(reply(body))
    with pytest.raises(CallFailed):
        embedded(embedder(), ["a", "b"])


def test_other_dimensions_than_the_stored_ones_are_a_failed_call(
    embedder: Make, provider_server: Any, reply: Any
) -> None:
    provider_server.script = lambda asked: answer(asked, reply, 5)
    with pytest.raises(CallFailed, match=r"\[5\] dimensions, not 4"):
        embedded(embedder(dimensions=4), ["a"])


def test_one_failed_batch_ends_the_others(provider_server: Any, reply: Any) -> None:
    def script(asked: Any) -> Any:
        return (
            reply({"detail": "no"}, 400) if "bad" in asked.body["input"] else provider_server.hang
        )

    provider_server.script = script
    embedder = VoyageEmbedder("m", KEY, base_url=provider_server.url)
    with pytest.raises(CallRefused):
        embedded(embedder, ["bad", *["x"] * 2 * BATCH_TEXTS])


def test_calls_at_the_same_time_are_limited(provider_server: Any, reply: Any) -> None:
    open_calls, most = [0], [0]

    def script(asked: Any) -> Any:
        open_calls[0] += 1
        most[0] = max(most[0], open_calls[0])
        provider_server.ending.wait(0.01)
        open_calls[0] -= 1
        return answer(asked, reply)

    provider_server.script = script
    embedder = VoyageEmbedder("m", KEY, base_url=provider_server.url, concurrency=2)
    embedded(embedder, ["x"] * 8 * BATCH_TEXTS)
    assert most[0] == 2


def test_batches_keep_the_order_and_the_limits() -> None:
    texts = ["a" * 90_000, "b" * 90_000, "c", "東" * 30_000, *["d"] * 200]
    parts = batches(texts)
    assert [text for part in parts for text in part] == texts
    assert all(len(part) <= BATCH_TEXTS for part in parts)
    assert len(parts[0]) == 1
    assert estimated_tokens("東京") >= 2


def test_dimensions_come_from_the_name_the_table_or_the_server(
    provider_server: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider_server.script = lambda asked: answer(asked, reply, 7)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("SUFFICE_API_KEY", raising=False)
    small, short = (open_embedder(f"openai:text-embedding-3-small{n}") for n in ("", "#256"))
    unknown = open_embedder(f"openai:own @ {provider_server.url}/v1")
    assert small is not None
    assert short is not None
    assert unknown is not None
    assert (small.dimensions, short.dimensions, unknown.dimensions) == (1536, 256, 7)
    names = [e.fingerprint for e in (small, short, unknown)]
    assert names == [
        "openai:text-embedding-3-small",
        "openai:text-embedding-3-small#256",
        "openai:own",
    ]
    assert provider_server.asked[0].headers["authorization"] != f"Bearer {KEY}"


def test_unknown_providers_and_missing_models_are_named() -> None:
    with pytest.raises(ProviderMissing, match=r"minilm.*voyage"):
        open_embedder("word2vec:big")
    with pytest.raises(ProviderMissing, match="openai:MODEL"):
        open_embedder("openai")
    with pytest.raises(SettingsError, match="dimensions"):
        open_embedder("openai:m#many", api_key="k")
    assert open_embedder("none") is None
