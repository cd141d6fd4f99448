"""The same request twice costs nothing; another's rights are another request."""

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from suffice.errors import ReplyInvalid, StoreUnavailable
from suffice.prompts import Prompt
from suffice.testing import HashEmbedder, ScriptedModel
from suffice.tools.cache import Cache, CachedEmbedder, CachedModel, CachedReranker, under
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.types import Passage, Usage

PROMPT = Prompt("Be brief.", "Name a ship.")


class Word(BaseModel):
    word: str


class CountingEmbedder(HashEmbedder):
    def __init__(self) -> None:
        super().__init__(16)
        self.texts: list[str] = []

    async def embed_documents(self, texts: Sequence[str]) -> list[np.ndarray]:
        self.texts += texts
        return await super().embed_documents(texts)


class CountingReranker:
    name = "counting"

    def __init__(self) -> None:
        self.calls = 0

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        self.calls += 1
        return [float(len(c.passage.text)) for c in candidates]

    async def close(self) -> None: ...


@pytest.fixture
def cache(tmp_path: Path):  # type: ignore[no-untyped-def]
    cache = Cache(tmp_path / "deep" / "cache.sqlite")
    yield cache
    cache.close()


async def word(model: CachedModel, prompt: Prompt = PROMPT) -> tuple[str, Usage]:
    reply = await model.reply(prompt, Word)
    return reply.value.word, reply.usage


def test_a_reply_is_asked_for_once_and_then_free(cache: Cache) -> None:
    inner = ScriptedModel([Word(word="tug")])
    model = CachedModel(inner, cache)
    one, first = asyncio.run(word(model))
    two, second = asyncio.run(word(model))
    assert one == two == "tug"
    assert first.llm_calls == 1
    assert second == Usage()


def test_another_prompt_model_or_filter_is_another_request(cache: Cache) -> None:
    inner = ScriptedModel([Word(word=w) for w in ("a", "b", "c", "d")])
    model = CachedModel(inner, cache)
    assert asyncio.run(word(model))[0] == "a"
    assert asyncio.run(word(model, Prompt("Be brief.", "Name another.")))[0] == "b"
    with under({"team": "pilots"}):
        assert asyncio.run(word(model))[0] == "c"
    with under({"team": "office"}):
        assert asyncio.run(word(model))[0] == "d"
    assert asyncio.run(word(model))[0] == "a"


def test_a_stream_is_kept_once_it_is_whole(cache: Cache) -> None:
    model = CachedModel(ScriptedModel(["one two three", "four five"]), cache)

    async def listen(most: int = 99) -> list[object]:
        heard: list[object] = []
        stream = model.stream(PROMPT)
        async for piece in stream:
            heard.append(piece)
            if len(heard) == most:
                break
        await stream.aclose()
        return heard

    assert asyncio.run(listen(most=1)) == ["one "]
    assert "".join(map(str, asyncio.run(listen())[:-1])) == "four five"
    assert asyncio.run(listen()) == ["four five", Usage()]


def test_failures_are_not_kept(cache: Cache) -> None:
    model = CachedModel(ScriptedModel(["no", "no", Word(word="tug")]), cache)
    with pytest.raises(ReplyInvalid):
        asyncio.run(word(model))
    assert cache.size().entries == 0
    assert asyncio.run(word(model))[0] == "tug"


def test_only_vectors_not_kept_are_asked_for(cache: Cache) -> None:
    inner = CountingEmbedder()
    embedder = CachedEmbedder(inner, cache)
    first = asyncio.run(embedder.embed_documents(["a", "b", "a"]))
    again = asyncio.run(embedder.embed_documents(["b", "c"]))
    assert inner.texts == ["a", "b", "c"]
    assert np.array_equal(first[1], again[0])
    assert again[0].dtype == np.float32


def test_scores_are_kept_for_the_same_candidates_alone(cache: Cache) -> None:
    inner = CountingReranker()
    reranker = CachedReranker(inner, cache)
    some = [Candidate(Passage(id=str(n), document_id="d", text="x" * n)) for n in (1, 2)]
    scores = [asyncio.run(reranker.rank("q", some)) for _ in range(2)]
    assert scores == [[1.0, 2.0], [1.0, 2.0]]
    asyncio.run(reranker.rank("q", some[:1]))
    asyncio.run(reranker.rank("other", some))
    assert inner.calls == 3


def test_it_outlives_the_process_and_can_be_seen_and_cleared(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    first = Cache(path)
    first.put("k", b"value")
    first.close()
    second = Cache(path)
    assert second.get("k") == b"value"
    assert (second.size().entries, second.size().bytes) == (1, 6)
    assert second.clear().entries == 1
    assert second.get("k") is None
    second.close()


def test_it_is_its_owners_alone(cache: Cache) -> None:
    assert stat.S_IMODE(cache.path.stat().st_mode) == 0o600


def test_it_does_not_grow_without_end(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.sqlite", most_mb=0.01)
    for number in range(400):
        cache.put(f"k{number}", b"x" * 100)
    assert cache.size().bytes < 20_000
    assert cache.get("k399") is not None
    cache.close()


def test_a_file_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"this is no database at all, only text" * 100)
    with pytest.raises(StoreUnavailable, match="Remove the file"):
        Cache(path)
