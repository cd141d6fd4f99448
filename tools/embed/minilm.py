"""all-MiniLM-L6-v2 on CTranslate2: 384 dimensions, no PyTorch.

https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..store.protocol import Vector
from .conversion import load_model
from .protocol import Tokens
from .weights import MODEL_SHA256

FINGERPRINT = f"minilm@{MODEL_SHA256[:8]}"
DIMENSIONS = 384
MAX_PIECES = 256
"""Word pieces of a text that count: as many as the model was trained with. 512 cost twice
the time and found no more within hybrid search."""
BATCH_PIECES = 256
"""Word pieces of a batch, padding included; the fastest of those tried from 128 to 768."""
QUERY_CHARS = 1024
"""Characters of queries that one thread takes on at once: about a batch."""
QUERIES_KEPT = 4096


class MiniLM:
    """The default embedder. Loads at the first call; safe from many threads and loops.

    `weights` names a folder with the published files. `precision` is "int8" or, at a third
    of the speed, "float32"; int8 vectors stand at a cosine of 0.997 to those of float32 and
    retrieve as well. `threads` defaults to the cores there are, eight at most.
    """

    fingerprint = FINGERPRINT
    dimensions = DIMENSIONS

    def __init__(
        self,
        weights: Path | None = None,
        *,
        precision: str = "int8",
        max_pieces: int = MAX_PIECES,
        threads: int | None = None,
    ) -> None:
        self._weights = weights
        self._precision = precision
        self._max_pieces = max_pieces
        self._threads = threads or min(_cores(), 8)
        self._documents = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")
        # Queries have threads of their own: they must not queue behind an indexing run.
        self._queries = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm-query")
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # its own: loading takes too long to hold up a loop
        self._model: tuple[Any, Any] | None = None
        self._waiting: list[tuple[str, Future[Vector]]] = []
        self._known: OrderedDict[str, Vector] = OrderedDict()

    def load(self) -> None:
        """Load tokenizer and model now. Raises `WeightsError`."""
        self._loaded()

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of 384 floats for each text, in order."""
        loop = asyncio.get_running_loop()
        pieces = await loop.run_in_executor(self._documents, self._pieces, texts)
        parts = batches([len(ids) for ids in pieces])
        # The longest first, so that no thread is left alone with a long batch at the end.
        parts.reverse()
        jobs = [
            loop.run_in_executor(self._documents, self._forward, [pieces[i] for i in part])
            for part in parts
        ]
        placed: dict[int, Vector] = {}
        for part, rows in zip(parts, await asyncio.gather(*jobs), strict=True):
            placed.update(zip(part, rows, strict=True))
        return [placed[i] for i in range(len(texts))]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same for queries; those asked at the same time share a batch."""
        asked: list[tuple[str, Future[Vector]]] = []
        with self._lock:
            for text in texts:
                future: Future[Vector] = Future()
                if text in self._known:
                    self._known.move_to_end(text)
                    future.set_result(self._known[text])
                asked.append((text, future))
            new = [(text, future) for text, future in asked if not future.done()]
            self._waiting += new
        for _ in new:
            self._queries.submit(self._answer)
        return list(await asyncio.gather(*(asyncio.wrap_future(f) for _, f in asked)))

    async def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the states of each text's word pieces, whose mean is its vector."""
        loop = asyncio.get_running_loop()
        read = await loop.run_in_executor(self._documents, self._encodings, texts)
        parts = batches([len(encoding.ids) for encoding in read])
        jobs = [
            loop.run_in_executor(self._documents, self._states, [read[i] for i in part])
            for part in parts
        ]
        placed: dict[int, Tokens] = {}
        for part, rows in zip(parts, await asyncio.gather(*jobs), strict=True):
            placed.update(zip(part, rows, strict=True))
        return [placed[i] for i in range(len(texts))]

    async def close(self) -> None:
        """Stop the threads and let go of the model; what still waits is cancelled."""
        for pool in (self._queries, self._documents):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        with self._lock:
            waiting, self._waiting, self._model = self._waiting, [], None
        for _, future in waiting:
            future.cancel()

    def _answer(self) -> None:
        # Runs once for each query, but takes as many as fit; the later runs find nothing.
        taken = self._take()
        if not taken:
            return
        try:
            texts = list(dict.fromkeys(text for text, _ in taken))
            rows = dict(zip(texts, self._forward(self._pieces(texts)), strict=True))
        except BaseException as error:
            for _, future in taken:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
            return
        self._remember(rows)
        for text, future in taken:
            if future.set_running_or_notify_cancel():
                future.set_result(rows[text])

    def _take(self) -> list[tuple[str, Future[Vector]]]:
        with self._lock:
            count, chars = 0, 0
            for text, _ in self._waiting:
                chars += len(text)
                if count and chars > QUERY_CHARS:
                    break
                count += 1
            taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _remember(self, rows: dict[str, Vector]) -> None:
        with self._lock:
            self._known.update(rows)
            while len(self._known) > QUERIES_KEPT:
                self._known.popitem(last=False)

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        tokenizer, _ = self._loaded()
        whole = [text if text.isascii() else _encodable(text) for text in texts]
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(whole)]

    def _encodings(self, texts: Sequence[str]) -> list[Any]:
        """The same with the places of the pieces in the text, which cost a little more."""
        tokenizer, _ = self._loaded()
        return list(tokenizer.encode_batch([_encodable(text) for text in texts]))

    def _states(self, read: Sequence[Any]) -> list[Tokens]:
        hidden = self._hidden([encoding.ids for encoding in read])
        return [
            Tokens(rows[: len(encoding.ids)].copy(), np.array(encoding.offsets, np.int32))
            for rows, encoding in zip(hidden, read, strict=True)
        ]

    def _hidden(self, pieces: Sequence[list[int]]) -> Any:
        _, encoder = self._loaded()
        return np.asarray(encoder.forward_batch(list(pieces)).last_hidden_state)

    def _forward(self, pieces: Sequence[list[int]]) -> list[Vector]:
        hidden = self._hidden(pieces)
        means = np.stack(
            [rows[: len(ids)].mean(axis=0) for rows, ids in zip(hidden, pieces, strict=True)]
        )
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        means.flags.writeable = False  # a remembered vector is shared by all who ask for it
        return list(means)

    def _loaded(self) -> tuple[Any, Any]:
        if self._model is not None:
            return self._model
        with self._loading:
            if self._model is None:
                files = load_model(self._precision, self._weights)
                self._model = self._tokenizer(files), self._encoder(files)
            return self._model

    def _tokenizer(self, files: dict[str, bytes]) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_buffer(files["tokenizer.json"])
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._max_pieces)
        return tokenizer

    def _encoder(self, files: dict[str, bytes]) -> Any:
        import ctranslate2

        # One thread a batch and several batches at once beat several threads a batch.
        with _widest_instructions():
            return ctranslate2.Encoder(  # type: ignore[attr-defined]
                FINGERPRINT,
                device="cpu",
                compute_type=self._precision,
                inter_threads=self._threads,
                intra_threads=1,
                files=files,
            )


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Cut texts of these lengths into batches of like length; return their places.

    A batch holds up to `BATCH_PIECES`, counted as padded to its longest, or one text.
    """
    parts: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not parts or (len(parts[-1]) + 1) * lengths[place] > BATCH_PIECES:
            parts.append([])
        parts[-1].append(place)
    return parts


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


@contextmanager
def _widest_instructions() -> Iterator[None]:
    """Let CTranslate2 use AVX-512 where that is faster; by default it stops at AVX2.

    It reads the variable once, when the first model of the process is loaded. Chips with
    VBMI2 (from Ice Lake and Zen 4 on) no longer slow down for AVX-512: a fifth more
    passages a second.
    """
    variable = "CT2_FORCE_CPU_ISA"
    if variable in os.environ or not _has_vbmi2():
        yield
        return
    os.environ[variable] = "AVX512"
    try:
        yield
    finally:
        os.environ.pop(variable, None)


def _has_vbmi2() -> bool:
    try:
        return " avx512_vbmi2 " in Path("/proc/cpuinfo").read_text(
            encoding="ascii", errors="replace"
        )
    except OSError:
        return False
