import asyncio
import functools
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.tools.embed import open_embedder
from suffice.tools.embed.minilm import BATCH_PIECES, MiniLM, batches
from suffice.tools.embed.weights import MODEL_SHA256, find_weights

TEXTS = [
    "The harbour master signs off night berthing for tankers.",
    "Who allocates the tugs?",
    "Lunch is served at noon in the canteen on the first floor. " * 4,
    "東京タワーは高い",
    "def max_retries(self) -> int:\n    return 3",
    "tug " * 600,
    "",
]
Open = Callable[..., MiniLM]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a cache folder that the models of this file share."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUFFICE_CACHE", str(folder))
        yield folder


def using(work: Callable[[MiniLM], Coroutine[Any, Any, Any]], model: MiniLM | None = None) -> Any:
    """Run work with a model and close it."""

    async def run() -> Any:
        embedder = model or MiniLM()
        try:
            return await work(embedder)
        finally:
            await embedder.close()

    return asyncio.run(run())


def embedded(texts: list[str], **options: Any) -> NDArray[np.float32]:
    return np.array(using(lambda m: m.embed_documents(texts), MiniLM(**options)))


@functools.cache
def published_tensors() -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    tensors: dict[str, NDArray[np.float32]] = load_file(find_weights().model)
    return tensors


def reference(pieces: list[int]) -> NDArray[np.float64]:
    """BERT, as its paper has it (Devlin et al. 2019), in plain numpy; mean, length one."""
    t = published_tensors()

    def linear(x: Any, name: str) -> Any:
        return x @ t[f"{name}.weight"].T.astype(np.float64) + t[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * t[f"{name}.weight"] + t[f"{name}.bias"]

    gelu = np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2))))
    at = "embeddings"
    x = t[f"{at}.word_embeddings.weight"][pieces].astype(np.float64)
    x = x + t[f"{at}.position_embeddings.weight"][: len(pieces)]
    x = norm(x + t[f"{at}.token_type_embeddings.weight"][0], f"{at}.LayerNorm")
    for number in range(6):
        at = f"encoder.layer.{number}"
        q, k, v = (
            linear(x, f"{at}.attention.self.{part}").reshape(-1, 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(32))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(-1, 384)
        x = norm(
            x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm"
        )
        inner = gelu(linear(x, f"{at}.intermediate.dense"))
        x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(0)
    vector: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return vector


def test_float32_is_the_published_model_to_the_letter(cache: Path) -> None:
    from tokenizers import Tokenizer

    texts = [TEXTS[n] for n in (0, 1, 3)]
    tokenizer = Tokenizer.from_file(str(find_weights().tokenizer))
    tokenizer.no_padding()
    wanted = [reference(tokenizer.encode(text).ids) for text in texts]
    got = embedded(texts, precision="float32")
    for row, vector in zip(got, wanted, strict=True):
        assert float(row @ vector) > 0.99999
        assert np.allclose(row, vector, atol=1e-4)


def test_int8_stays_close_and_keeps_the_order(cache: Path) -> None:
    texts = [
        f"{a} {b}"
        for a in ("The pilot boards", "A tug waits", "Invoices are paid")
        for b in ("at dawn.", "in the east basin.", "after two signatures.", "in winter.")
    ]
    exact, quick = embedded(texts, precision="float32"), embedded(texts)
    cosines = (exact * quick).sum(1)
    assert cosines.min() > 0.99
    assert cosines.mean() > 0.996
    near = [np.argsort(-(vectors @ vectors.T), axis=1)[:, 1] for vectors in (exact, quick)]
    assert (near[0] == near[1]).mean() >= 0.8


def test_vectors_are_of_length_one_in_order_and_alike_in_any_company(cache: Path) -> None:
    together = embedded(TEXTS)
    assert together.shape == (len(TEXTS), 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(TEXTS, together, strict=True):
        alone = embedded([text])[0]
        assert float(alone @ row) > 0.9999
    asked = np.array(using(lambda m: m.embed_queries(TEXTS)))
    assert float((asked * together).sum(1).min()) > 0.9999


def test_meaning_is_nearer_than_words(cache: Path) -> None:
    question, near, far = embedded(
        ["How do I get my money back?", "Refunds are paid within a week.", "My back is money."]
    )
    assert question @ near > 0.3
    assert embedded(["car"])[0] @ embedded(["automobile"])[0] > 0.8
    assert far is not None


def test_no_texts_are_no_vectors(cache: Path) -> None:
    assert using(lambda m: m.embed_documents([])) == []
    assert using(lambda m: m.embed_queries([])) == []


def test_lone_surrogates_and_control_characters_are_embedded(cache: Path) -> None:
    assert np.isfinite(embedded(["\ud800 broken \x00 text", "\u200b", "\x00"])).all()


def test_it_serves_many_threads_and_event_loops_at_once(cache: Path) -> None:
    model = MiniLM()
    wanted = dict(zip(TEXTS, embedded(TEXTS), strict=True))
    failures: list[str] = []

    async def ask(start: int) -> None:
        texts = TEXTS[start:] + TEXTS[:start]
        found = await asyncio.gather(
            model.embed_documents(texts), *(model.embed_queries([text]) for text in texts)
        )
        for text, row in zip(texts * 2, [*found[0], *(rows[0] for rows in found[1:])], strict=True):
            if row @ wanted[text] < 0.9999:
                failures.append(text)

    threads = [threading.Thread(target=asyncio.run, args=(ask(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(model.close())
    assert failures == []


def test_one_query_given_up_leaves_the_same_query_of_another_alone(cache: Path) -> None:
    async def work(model: MiniLM) -> None:
        first = asyncio.create_task(model.embed_queries(["who signs?"]))
        second = asyncio.create_task(model.embed_queries(["who signs?"]))
        await asyncio.sleep(0)
        first.cancel()
        assert len(await second) == 1
        assert len(await model.embed_queries(["who signs?"])) == 1

    using(work)


def test_the_event_loop_stays_free_meanwhile(cache: Path) -> None:
    async def work(model: MiniLM) -> int:
        task = asyncio.create_task(model.embed_documents(["a long passage " * 100] * 8))
        turns = 0
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert using(work) > 10


def test_closing_ends_the_threads_and_what_waits(cache: Path) -> None:
    before = threading.active_count()

    async def run() -> None:
        model = MiniLM()
        await model.embed_queries(["a"])
        await model.embed_documents(["a"])
        waiting = asyncio.create_task(model.embed_queries(["b" * 50 + str(n) for n in range(99)]))
        await asyncio.sleep(0)
        await model.close()
        await asyncio.wait([waiting], timeout=5)
        assert waiting.done()
        with pytest.raises(RuntimeError):
            await model.embed_documents(["c"])

    asyncio.run(run())
    assert threading.active_count() <= before


def test_it_is_the_default_and_named_by_its_weights(cache: Path) -> None:
    model = open_embedder()
    assert isinstance(model, MiniLM)
    assert model.fingerprint == f"minilm@{MODEL_SHA256[:8]}"
    assert model.dimensions == 384
    asyncio.run(model.close())


def test_no_pytorch_and_nothing_heavy_before_it_is_needed(cache: Path) -> None:
    code = """
import sys
import suffice.tools.embed, suffice.tools.rerank
heavy = {"numpy", "ctranslate2", "tokenizers", "qdrant_edge", "openai", "huggingface_hub"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from suffice.tools.embed import open_embedder
open_embedder()
assert not {"torch", "transformers", "sentence_transformers"} & set(sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SUFFICE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


@given(st.lists(st.integers(1, 600), max_size=60))
@settings(deadline=None)
def test_batches_hold_every_text_once_and_little_padding(lengths: list[int]) -> None:
    parts = batches(lengths)
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    for part in parts:
        assert len(part) == 1 or len(part) * max(lengths[i] for i in part) <= BATCH_PIECES
