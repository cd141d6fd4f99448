"""A cache on disk for what providers answered, so that the same evaluation twice costs nothing.

Kept by the content of the whole request, the model's name included. What was asked under
one person's `where` is never given out under another's. Only answers are kept, no failures.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from ..errors import StoreUnavailable
from .types import Usage, Where

if TYPE_CHECKING:
    from ..prompts import Prompt
    from .embed.protocol import Embedder
    from .llm.protocol import LanguageModel, Reply
    from .rerank.protocol import Candidate, Reranker
    from .store.protocol import Vector

Form = TypeVar("Form", bound=BaseModel)

_RIGHTS: ContextVar[str] = ContextVar("rights", default="null")
_PRUNE_EVERY = 200
_LAYOUT = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value BLOB NOT NULL, used REAL NOT NULL);
"""


@contextmanager
def under(where: Where | None) -> Iterator[None]:
    """Within it, everything is looked up and kept under this filter alone."""
    token = _RIGHTS.set(json.dumps(where, sort_keys=True, default=str))
    try:
        yield
    finally:
        _RIGHTS.reset(token)


@dataclass(frozen=True, slots=True)
class CacheSize:
    """How much a cache holds."""

    entries: int
    bytes: int


class Cache:
    """Answers in one SQLite file, readable by its owner alone; the oldest used go first.

    Raises `StoreUnavailable` where the file cannot be read or written.
    """

    def __init__(self, path: str | Path, *, most_mb: float = 500.0) -> None:
        self.path = Path(path)
        self._most_bytes = int(most_mb * 1_000_000)
        self._lock = threading.Lock()
        self._puts = 0
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._base = sqlite3.connect(self.path, check_same_thread=False, timeout=10)
            try:
                self._base.executescript(_LAYOUT)
            except sqlite3.Error:
                self._base.close()
                raise

    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, or None."""
        with self._told(), self._lock, self._base:
            row = self._base.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            self._base.execute("UPDATE answers SET used = ? WHERE key = ?", (time.time(), key))
            return bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        with self._told(), self._lock, self._base:
            row = (key, value, time.time())
            self._base.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)
            self._puts += 1
            if self._puts % _PRUNE_EVERY == 0:
                self._prune()

    def size(self) -> CacheSize:
        """Return how many answers are kept and the bytes they take."""
        with self._told(), self._lock:
            count, size = self._base.execute(
                "SELECT COUNT(*), COALESCE(SUM(LENGTH(value) + LENGTH(key)), 0) FROM answers"
            ).fetchone()
        return CacheSize(int(count), int(size))

    def clear(self) -> CacheSize:
        """Forget everything; return how much that was."""
        gone = self.size()
        with self._told(), self._lock:
            with self._base:
                self._base.execute("DELETE FROM answers")
            self._base.execute("VACUUM")
        return gone

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        with self._lock:
            self._base.close()

    def _prune(self) -> None:
        query = "SELECT COALESCE(SUM(LENGTH(value)), 0) FROM answers"
        while self._base.execute(query).fetchone()[0] > self._most_bytes:
            self._base.execute(
                "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY used "
                "LIMIT MAX(1, (SELECT COUNT(*) FROM answers) / 10))"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(
                f"the cache {self.path} cannot be used: {error}. Remove the file, or switch "
                "the cache off"
            ) from error


def key_of(*parts: Any) -> str:
    """Return the key of a request: a hash of all its parts and of whose rights it is under."""
    text = json.dumps([_RIGHTS.get(), *parts], ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class CachedModel:
    """A `LanguageModel` whose replies are kept; one from the cache takes no usage."""

    def __init__(self, model: LanguageModel, cache: Cache) -> None:
        self.name = model.name
        self._model = model
        self._cache = cache

    async def reply(
        self,
        prompt: Prompt,
        schema: type[Form],
        *,
        max_tokens: int = 1024,
        deadline: float | None = None,
        ask_again: bool = True,
    ) -> Reply[Form]:
        """Return the reply that is kept, or ask for one and keep it."""
        from .llm.protocol import Reply

        form = schema.model_json_schema()
        key = key_of("reply", self.name, prompt.system, prompt.user, form, max_tokens)
        kept = self._cache.get(key)
        if kept is not None:
            return Reply(schema.model_validate_json(kept), Usage())
        reply = await self._model.reply(
            prompt, schema, max_tokens=max_tokens, deadline=deadline, ask_again=ask_again
        )
        self._cache.put(key, reply.value.model_dump_json().encode())
        return reply

    async def stream(
        self, prompt: Prompt, *, max_tokens: int = 1024, deadline: float | None = None
    ) -> AsyncGenerator[str | Usage, None]:
        """Yield the text that is kept, or pass on a stream and keep it once it is whole."""
        key = key_of("stream", self.name, prompt.system, prompt.user, max_tokens)
        kept = self._cache.get(key)
        if kept is not None:
            yield kept.decode()
            yield Usage()
            return
        pieces: Any = self._model.stream(prompt, max_tokens=max_tokens, deadline=deadline)
        spoken: list[str] = []
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, str):
                    spoken.append(piece)
                yield piece
        self._cache.put(key, "".join(spoken).encode("utf-8", "replace"))

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what a call that is not in the cache would cost."""
        return self._model.cost(input_tokens, output_tokens)

    async def close(self) -> None:
        """Close the model; the cache stays open for others."""
        await self._model.close()


class CachedEmbedder:
    """An `Embedder` whose vectors are kept, text by text."""

    def __init__(self, embedder: Embedder, cache: Cache) -> None:
        self.fingerprint = embedder.fingerprint
        self.dimensions = embedder.dimensions
        self._embedder = embedder
        self._cache = cache

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector a text; only those not kept are asked for."""
        return await self._embed("document", texts)

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """The same for queries."""
        return await self._embed("query", texts)

    async def close(self) -> None:
        """Close the embedder; the cache stays open for others."""
        await self._embedder.close()

    async def _embed(self, kind: str, texts: Sequence[str]) -> list[Vector]:
        import numpy as np

        keys = [key_of("embed", kind, self.fingerprint, text) for text in texts]
        kept = {key: self._cache.get(key) for key in dict.fromkeys(keys)}
        lacking = {key: text for key, text in zip(keys, texts, strict=True) if kept[key] is None}
        if lacking:
            embed = self._embedder.embed_queries
            if kind == "document":
                embed = self._embedder.embed_documents
            for key, vector in zip(lacking, await embed(list(lacking.values())), strict=True):
                kept[key] = np.asarray(vector, dtype="<f4").tobytes()
                self._cache.put(key, kept[key] or b"")
        return [np.frombuffer(kept[key] or b"", dtype="<f4").astype(np.float32) for key in keys]


class CachedReranker:
    """A `Reranker` whose scores are kept, for exactly the same candidates."""

    def __init__(self, reranker: Reranker, cache: Cache) -> None:
        self.name = reranker.name
        self._reranker = reranker
        self._cache = cache

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one score a candidate, kept or asked for."""
        seen = [
            (c.passage.id, c.passage.title, c.passage.headings, c.passage.text, c.asked, c.signals)
            for c in candidates
        ]
        key = key_of("rerank", self.name, question, seen)
        kept = self._cache.get(key)
        if kept is not None:
            return [float(score) for score in json.loads(kept)]
        scores = await self._reranker.rank(question, candidates)
        self._cache.put(key, json.dumps([float(score) for score in scores]).encode())
        return scores

    async def close(self) -> None:
        """Close the reranker; the cache stays open for others."""
        await self._reranker.close()
