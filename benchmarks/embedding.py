"""How fast the default embedder is by itself, in int8 and in float32, side by side.

    python benchmarks/embedding.py FOLDER... [--passages 600] [--rounds 3] [--threads N]

Each FOLDER holds `passages.jsonl` (`title`, `text` a line). The same passages are embedded
in turn by both, so that a busy machine slows both; the medians of the rounds are printed.
Beside them: how far int8 is from float32 (mean and lowest cosine), what one query takes
when nothing else runs, and what BM25 takes for the same passages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import numpy as np

from suffice.tools.embed.bm25 import Bm25
from suffice.tools.embed.minilm import MiniLM

QUERIES = 30


async def seconds_to_embed(model: MiniLM, texts: Sequence[str]) -> float:
    began = perf_counter()
    await model.embed_documents(texts)
    return perf_counter() - began


async def query_milliseconds(model: MiniLM, texts: Sequence[str]) -> float:
    taken = []
    for number, text in enumerate(texts[:QUERIES]):
        # A number makes each question new to the embedder, which remembers the last ones.
        question = f"{number} {' '.join(text.split()[:12])}?"
        began = perf_counter()
        await model.embed_queries([question])
        taken.append(1000 * (perf_counter() - began))
    return median(taken)


def bm25_rate(texts: Sequence[str]) -> float:
    bm25, began = Bm25(), perf_counter()
    for text in texts:
        bm25.embed_document(text)
    return len(texts) / (perf_counter() - began)


async def row(folder: Path, passages: int, rounds: int, threads: int | None) -> str:
    texts = read_texts(folder, passages)
    models = [MiniLM(precision=name, threads=threads) for name in ("int8", "float32")]
    try:
        vectors = [np.array(await model.embed_documents(texts)) for model in models]
        taken = [[await seconds_to_embed(model, texts) for model in models] for _ in range(rounds)]
        query = await query_milliseconds(models[0], texts)
    finally:
        for model in models:
            await model.close()
    int8, float32 = (len(texts) / median(times) for times in zip(*taken, strict=True))
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    return (
        f"| {folder.name} | {len(texts)} | {mean(map(len, texts)):.0f} "
        f"| {int8:.0f} | {float32:.0f} | {int8 / float32:.1f} "
        f"| {cosines.mean():.4f} / {cosines.min():.4f} | {query:.1f} "
        f"| {bm25_rate(texts):,.0f} |"
    )


def read_texts(folder: Path, passages: int) -> list[str]:
    with (folder / "passages.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, passages)]
    return [f"{row.get('title', '')}\n{row['text']}".strip() for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--passages", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None, help="default: all cores, to eight")
    options = parser.parse_args()
    print(
        "| set | passages | characters | int8/s | float32/s | ratio | cosine | query ms | BM25/s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for folder in options.folders:
        print(asyncio.run(row(folder, options.passages, options.rounds, options.threads)))


if __name__ == "__main__":
    main()
