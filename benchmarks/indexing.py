"""How fast documents go in, beside how fast the embedder alone is.

    python benchmarks/indexing.py FOLDER [--rounds 3] [--limit N] [--embedder minilm]

FOLDER holds passages.jsonl (`id`, `title`, `text` a line). Each round embeds the bare
passages, adds the file to a new corpus, and adds it again; the medians are printed.
Two goals: adding reaches 0.6 of the embedder's own speed, and adding the same again is
fifty times faster than adding it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.embed.protocol import Embedder
from suffice.tools.ingest import add, chunk, embedding_text, load, scan
from suffice.tools.ingest.scan import SourceFile
from suffice.tools.store import open_store
from suffice.tools.types import Document

GOAL_SHARE = 0.6
GOAL_AGAIN = 50


def passage_texts(path: Path) -> list[str]:
    """Return what an adding of the file has to embed."""
    files = [item for item in scan(path).items if isinstance(item, SourceFile)]
    documents = [loaded.document for file in files for loaded in load(file)]
    return [
        embedding_text(passage)
        for document in documents
        if isinstance(document, Document)
        for passage in chunk(document)
    ]


async def one_round(
    path: Path, texts: Sequence[str], embedder: Embedder
) -> tuple[float, float, float]:
    """Return the seconds of embedding alone, of adding, and of adding the same again."""
    began = perf_counter()
    await embedder.embed_documents(texts)
    raw = perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "corpus")
        try:
            first = await add(store, embedder, Bm25(), path)
            again = await add(store, embedder, Bm25(), path)
        finally:
            await store.close()
    if first.passages != len(texts) or again.unchanged != first.added:
        raise SystemExit(f"something else went in than was measured: {first} {again}")
    return raw, first.seconds, again.seconds


def limited(path: Path, folder: Path, limit: int | None) -> Path:
    """Return the file, or one with its first `limit` lines."""
    if limit is None:
        return path
    short = folder / "passages.jsonl"
    with path.open("rb") as lines:
        short.write_bytes(b"".join(islice(lines, limit)))
    return short


async def measure(path: Path, rounds: int, name: str) -> None:
    """Run all rounds and print what came of them."""
    embedder = open_embedder(name)
    if embedder is None:
        raise SystemExit("give an embedder: there is nothing to compare without one")
    texts = passage_texts(path)
    await embedder.embed_documents(texts[:64])  # the first call loads the model
    found = []
    for number in range(1, rounds + 1):
        raw, first, again = await one_round(path, texts, embedder)
        found.append((raw, first, again))
        print(
            f"round {number}: embedder {len(texts) / raw:7.1f}/s   add {len(texts) / first:7.1f}/s"
            f"   share {raw / first:.2f}   again {again:.3f} s"
        )
    await embedder.close()
    share = median(raw / first for raw, first, _ in found)
    faster = median(first / again for _, first, again in found)
    print(f"{len(texts):,} passages, {sum(map(len, texts)) / len(texts):.0f} characters each")
    print(f"embedder alone      {len(texts) / median(r for r, _, _ in found):8.1f} passages/s")
    print(f"add, end to end     {len(texts) / median(f for _, f, _ in found):8.1f} passages/s")
    print(f"share               {share:8.2f}   goal {GOAL_SHARE}: {verdict(share >= GOAL_SHARE)}")
    print(f"add the same again  {median(a for _, _, a in found):8.3f} s")
    print(f"faster by           {faster:8.0f}   goal {GOAL_AGAIN}: {verdict(faster >= GOAL_AGAIN)}")


def verdict(met: bool) -> str:
    """Return the word for it."""
    return "met" if met else "MISSED"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--embedder", default="minilm")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = limited(given.folder / "passages.jsonl", Path(folder), given.limit)
        asyncio.run(measure(path, given.rounds, given.embedder))


if __name__ == "__main__":
    main()
