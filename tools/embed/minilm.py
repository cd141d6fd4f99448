"""all-MiniLM-L6-v2 on CTranslate2: 384 dimensions, no PyTorch.

https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..store.protocol import Vector
from .conversion import load_model
from .weights import MODEL_SHA256

FINGERPRINT = f"minilm@{MODEL_SHA256[:8]}"
DIMENSIONS = 384
MAX_PIECES = 256
BATCH = 8
QUERIES_KEPT = 4096


class MiniLM:
    """The default embedder. Loads at the first call; safe from many threads and loops.

    `weights` names a folder with the published files; `precision` is "int8" or "float32".
    """

    fingerprint = FINGERPRINT
    dimensions = DIMENSIONS

    def __init__(
        self,
        weights: Path | None = None,
        *,
        precision: str = "int8",
        max_pieces: int = MAX_PIECES,
        batch: int = BATCH,
        threads: int | None = None,
    ) -> None:
        self._weights = weights
        self._precision = precision
        self._max_pieces = max_pieces
        self._batch = batch
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="minilm-query")
        self._lock = threading.Lock()
        self._model: tuple[Any, Any] | None = None
        self._waiting: OrderedDict[str, Future[Vector]] = OrderedDict()
        self._known: OrderedDict[str, Vector] = OrderedDict()

    def load(self) -> None:
        """Load tokenizer and model now. Raises `WeightsError`."""
        with self._lock:
            if self._model is None:
                self._model = self._loaded()

    def _loaded(self) -> tuple[Any, Any]:
        import ctranslate2
        from tokenizers import Tokenizer

        files = load_model(self._precision, self._weights)
        tokenizer = Tokenizer.from_buffer(files["tokenizer.json"])
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._max_pieces)
        encoder = ctranslate2.Encoder(  # type: ignore[attr-defined]
            FINGERPRINT,
            device="cpu",
            compute_type=self._precision,
            inter_threads=self._threads,
            intra_threads=1,
            files=files,
        )
        return tokenizer, encoder

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of 384 floats for each text, in order."""
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        pieces = await loop.run_in_executor(self._pool, self._pieces, list(texts))
        order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
        parts = [order[i : i + self._batch] for i in range(0, len(order), self._batch)]
        vectors: list[Vector | None] = [None] * len(texts)
        # Longest first, so that no thread is left alone with a long batch at the end.
        jobs = [
            loop.run_in_executor(self._pool, self._forward, [pieces[i] for i in part])
            for part in reversed(parts)
        ]
        for part, rows in zip(reversed(parts), await asyncio.gather(*jobs), strict=True):
            for i, row in zip(part, rows, strict=True):
                vectors[i] = row
        return [vector for vector in vectors if vector is not None]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same for queries; those asked at the same time share a batch."""
        futures = [asyncio.wrap_future(self._asked(text)) for text in texts]
        return list(await asyncio.gather(*futures))

    async def close(self) -> None:
        """Stop the threads and let go of the model."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._asker.shutdown(wait=False, cancel_futures=True)
        self._model = None

    def _asked(self, text: str) -> Future[Vector]:
        future: Future[Vector] = Future()
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
                future.set_result(known)
                return future
            waiting = self._waiting.get(text)
            if waiting is not None:
                return waiting
            self._waiting[text] = future
        self._asker.submit(self._answer)
        return future

    def _answer(self) -> None:
        # Each query submits this once; the first to run takes all that wait by then.
        with self._lock:
            taken = list(self._waiting.items())
        if not taken:
            return
        try:
            pieces = self._pieces([text for text, _ in taken])
            rows: list[Vector] = []
            for start in range(0, len(pieces), self._batch):
                rows += self._forward(pieces[start : start + self._batch])
        except BaseException as error:
            self._settle(taken)
            for _, future in taken:
                future.set_exception(error)
            return
        self._settle(taken, rows)
        for (_, future), row in zip(taken, rows, strict=True):
            future.set_result(row)

    def _settle(self, taken: list[tuple[str, Future[Vector]]], rows: Sequence[Vector] = ()) -> None:
        with self._lock:
            for text, _ in taken:
                del self._waiting[text]
            for (text, _), row in zip(taken, rows, strict=False):
                self._known[text] = row
            while len(self._known) > QUERIES_KEPT:
                self._known.popitem(last=False)

    def _pieces(self, texts: list[str]) -> list[list[int]]:
        self.load()
        assert self._model is not None
        return [encoding.ids for encoding in self._model[0].encode_batch_fast(texts)]

    def _forward(self, pieces: list[list[int]]) -> list[Vector]:
        assert self._model is not None
        output = self._model[1].forward_batch(pieces)
        hidden = np.asarray(output.last_hidden_state, dtype=np.float32)
        lengths = np.array([len(ids) for ids in pieces])
        mask = np.arange(hidden.shape[1])[None, :] < lengths[:, None]
        means = (hidden * mask[:, :, None]).sum(axis=1)
        return list(means / np.linalg.norm(means, axis=1, keepdims=True))
