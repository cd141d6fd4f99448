"""What embedders behind an API share: batches going out, checked vectors coming in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np

from ...errors import CallFailed
from ..endpoint import together
from ..store.protocol import Vector

BATCH_TEXTS = 128
BATCH_TOKENS = 60_000
"""Below the limits of OpenAI (2,048 texts, 300,000 tokens) and Voyage (1,000 and 120,000);
smaller, so that several calls run at the same time and a failed one costs less."""


def fingerprint(provider: str, model: str, dimensions: int) -> str:
    """Name the vectors: provider, model and, where it was chosen, their length."""
    return f"{provider}:{model}#{dimensions}" if dimensions else f"{provider}:{model}"


async def in_batches(
    texts: Sequence[str], embed: Callable[[list[str]], Coroutine[Any, Any, list[Vector]]]
) -> list[Vector]:
    """Embed all batches at the same time and return their vectors in one list."""
    found = await together(*(embed(part) for part in batches(texts)))
    return [vector for part in found for vector in part]


def batches(texts: Sequence[str]) -> list[list[str]]:
    """Cut texts into batches for one call each, in order, by count and estimated tokens."""
    parts: list[list[str]] = []
    room = 0
    for text in texts:
        size = estimated_tokens(text)
        if not parts or len(parts[-1]) >= BATCH_TEXTS or size > room:
            parts.append([])
            room = BATCH_TOKENS
        # APIs refuse an empty text; a space has no meaning either.
        parts[-1].append(text or " ")
        room -= size
    return parts


def estimated_tokens(text: str) -> int:
    """Estimate tokens from above: three bytes each, which holds for Chinese as for English."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def unit_vectors(data: Any, count: int, dimensions: int, what: str) -> list[Vector]:
    """Return the vectors of a reply's `data`, in the order of the texts, each of length 1.

    `dimensions` is 0 where any length will do, as long as all agree. Raises `CallFailed`
    for a reply with other than `count` vectors, other dimensions or impossible numbers.
    """
    rows = _rows(data, count, what)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or (dimensions and lengths != {dimensions}):
        wanted = f"{dimensions} dimensions" if dimensions else "vectors of one length"
        raise CallFailed(f"{what} answered with {sorted(lengths)} dimensions, not {wanted}")
    matrix = np.array(rows, dtype=np.float32)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(matrix).all() or not norms.all():
        raise CallFailed(f"{what} answered with a vector that is zero or not finite")
    return list(matrix / norms)


def _rows(data: Any, count: int, what: str) -> list[list[float]]:
    if not isinstance(data, list) or len(data) != count:
        found = f"{len(data)} vectors" if isinstance(data, list) else "no vectors"
        raise CallFailed(f"{what} answered with {found} for {count} texts")
    try:
        placed = {int(item["index"]): item["embedding"] for item in data}
        rows = [[float(x) for x in placed[i]] for i in range(count)]
    except (KeyError, TypeError, ValueError):
        raise CallFailed(f"{what} answered with vectors in an unknown form") from None
    return rows
