"""What is in a corpus, and which parts are in use and why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..errors import StoreMismatch
from ..tools.reason.protocol import Reasoner
from ..tools.store.protocol import Manifest
from .corpus import Corpus
from .parts import Parts, is_server
from .reasoner import chosen_models
from .settings import Settings


async def describe(corpus: Corpus, settings: Settings, reasoner: Reasoner) -> dict[str, Any]:
    """Return documents, passages, fields, weight on disk, and each part with its origin."""
    parts = corpus._parts
    manifest = await parts.store.manifest()
    documents = await parts.store.documents()
    return {
        "corpus": corpus.place,
        "documents": len(documents),
        "passages": await parts.store.count(),
        "megabytes": _megabytes(await weight(corpus.place)),
        "built_with": _built(manifest),
        "fields": [field.model_dump() for field in (await parts.store.fields()).values()],
        "parts": [
            _part("store", _store(corpus.place), settings, "corpus"),
            _part("embedder", parts.fingerprint or "none", settings, "embedder"),
            _part(
                "reranker", parts.reranker.name if parts.reranker else "none", settings, "reranker"
            ),
            {"part": "reasoner", "uses": reasoner.name, "why": chosen_models(settings)[2]},
            _part("strategy", settings.strategy, settings, "strategy"),
        ],
        "notices": [*corpus.notices, *await _mismatch(parts)],
    }


async def _mismatch(parts: Parts) -> list[str]:
    """Return why the corpus cannot be searched with the embedder in use, if so."""
    try:
        await parts.check(adding=False)
    except StoreMismatch as error:
        return [str(error)]
    return []


def _built(manifest: Manifest | None) -> str:
    if manifest is None:
        return "nothing yet"
    return f"{manifest.embedder or 'no embedder'} + {manifest.sparse}, Suffice {manifest.suffice}"


def _part(part: str, uses: str, settings: Settings, setting: str) -> dict[str, str]:
    asked = getattr(settings, setting)
    return {"part": part, "uses": uses, "why": f"{setting} = {asked!r}, {settings.origin(setting)}"}


def _store(place: str) -> str:
    return "Qdrant server" if is_server(place) else "Qdrant Edge, in the process"


async def weight(place: str) -> int | None:
    """Return the bytes that a folder takes on disk; a server keeps that to itself."""
    return None if is_server(place) else await asyncio.to_thread(_bytes, place)


def _bytes(place: str) -> int:
    return sum(path.stat().st_blocks * 512 for path in Path(place).rglob("*") if path.is_file())


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 1e6, 1)
