"""How well a follow-up finds its passages: as typed, joined to what came before, rewritten.

    python benchmarks/conversations.py FOLDER [--half report] [--cache FOLDER] [--show]

FOLDER holds `passages.jsonl` and `questions.jsonl` with a `history` (see question_sets.py).
The rules rewrite the last turn after the turns before it, which are rewritten themselves,
one after the other. No model is called. Prints the recall of gold passages in the first 5,
after searching and reranking, over the questions that have a history, over those that the
rules rewrote, and over those they left as they were.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from corpora import RememberingEmbedder, corpus_of
from question_sets import half, read_set

from suffice.tools.embed import open_embedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.reason.followup import standalone
from suffice.tools.reason.protocol import Turn
from suffice.tools.rerank.evidence import EvidenceReranker
from suffice.tools.search import Searcher
from suffice.tools.types import Query

FIRST = 5
JOINED = 4
"""Earlier turns of the asker that are joined to the last, where they are joined."""


def earlier(history: Sequence[Sequence[str]]) -> list[Turn]:
    """The turns of a history, each question made to stand alone after those before it."""
    turns: list[Turn] = []
    for speaker, text in history:
        if speaker == "user":
            turns.append(Turn(asked=text, question=standalone(text, turns).question))
        elif turns:
            turns[-1] = turns[-1].model_copy(update={"text": text})
    return turns


def ways(row: dict[str, Any]) -> dict[str, str]:
    users = [text for speaker, text in row["history"] if speaker == "user"]
    return {
        "last turn alone": row["question"],
        "joined turns": " ".join([*users[-JOINED:], row["question"]]),
        "rewritten by rules": standalone(row["question"], earlier(row["history"])).question,
    }


async def measured(folder: Path, rows: list[dict[str, Any]], cache: Path) -> dict[str, np.ndarray]:
    inner = open_embedder("minilm")
    if inner is None:
        raise SystemExit("the default embedder is needed; install its weights")
    embedder, sparse = RememberingEmbedder(inner, cache), Bm25()
    reranker = EvidenceReranker(embedder, sparse)
    found: dict[str, list[float]] = {}
    async with corpus_of(read_set(folder).documents, embedder, sparse) as store:
        embedder.save()
        searcher = Searcher(store, embedder, sparse)
        for row in rows:
            for way, text in ways(row).items():
                candidates = await searcher.search(Query(text=text))
                scores = np.array(await reranker.rank(text, candidates))
                order = [candidates[i].passage.document_id for i in np.argsort(-scores)]
                first, gold = set(list(dict.fromkeys(order))[:FIRST]), set(row["gold"])
                found.setdefault(way, []).append(len(first & gold) / len(gold))
    return {way: np.array(values) for way, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", default="tune", choices=("tune", "report"))
    parser.add_argument("--cache", type=Path, default=Path(".suffice/benchmarks"))
    parser.add_argument("--show", action="store_true", help="print what was rewritten to what")
    given = parser.parse_args()
    lines = (given.folder / "questions.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if half(row["id"]) == given.half]
    rows = [row for row in rows if row["gold"] and row.get("history")]
    made = np.array([ways(row)["rewritten by rules"] != row["question"] for row in rows])
    values = asyncio.run(measured(given.folder, rows, given.cache))
    print(f"{given.folder.name}, {given.half} half: recall@{FIRST}")
    heads = (f"all {len(rows)}", f"rewritten {made.sum()}", f"left {(~made).sum()}")
    print(f"{'':20}" + "".join(f"{head:>16}" for head in heads))
    for way, value in values.items():
        cells = (value.mean(), value[made].mean(), value[~made].mean())
        print(f"{way:20}" + "".join(f"{cell:16.3f}" for cell in cells))
    if given.show:
        for row, changed in zip(rows, made, strict=True):
            mark = "→" if changed else "="
            before = earlier(row["history"])[-1].question
            print(f"  [{before}] {row['question']} {mark} {ways(row)['rewritten by rules']}")


if __name__ == "__main__":
    main()
