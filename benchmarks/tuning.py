"""What the reader, the estimate of sufficiency and the belief are fitted to, gathered once.

The tune parts of the question sets (see question_sets.py), the hard example questions, and the
handbooks that are marked for tuning. Each question is asked in earnest, as it is and, of some,
once more with the passages withheld that carry its answer.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from situations import (
    EXAMPLES,
    HANDBOOKS,
    Case,
    Seen,
    documents,
    draw,
    hops,
    restored,
    see,
    stored,
    variants,
)

from suffice import Corpus
from suffice.tools.embed.protocol import Embedder, TokenEmbedder
from suffice.tools.reason.extractive.bridge import Step
from suffice.tools.reason.extractive.close import CloseReader, with_meaning
from suffice.tools.reason.extractive.head import Head, read_head
from suffice.tools.reason.extractive.meaning import Meaning
from suffice.tools.reason.extractive.split import read
from suffice.tools.reason.extractive.support import Grid, Sheet

HANDBOOK_SETS = (
    "clinic", "foundry", "school", "software", "railway", "estate", "botanic", "brewery",
    "hotel", "council", "observatory",
)  # fmt: skip
"""The made-up organisations that are for tuning."""

CONVERSED = ("cloudbase", "cover")
"""Those of whose documents people ask in conversations."""

ENCYCLOPEDIAS = ("tolm", "isles")
"""Made-up encyclopedias, asked as search engines are."""

FAMILIES = {
    "musique_train100": "multi-hop",
    "hotpotqa_train100": "multi-hop",
    "2wiki_train500": "multi-hop",
    "chunking472": "chunking",
    "clapnq": "clapnq",
    "northwind": "northwind",
    "mtrag": "mtrag",
    "examples": "examples",
    **dict.fromkeys(HANDBOOK_SETS, "handbooks"),
    **dict.fromkeys(CONVERSED, "conversed"),
    **dict.fromkeys(ENCYCLOPEDIAS, "encyclopedias"),
}
MADE_UP = (*HANDBOOK_SETS, *CONVERSED, *ENCYCLOPEDIAS)
WITHHELD = {
    "clapnq": 0.5,
    "mtrag": 0.5,
    "examples": 1.0,
    "hotpotqa_train100": 1.0,
    "2wiki_train500": 1.0,
    "chunking472": 1.0,
    **dict.fromkeys(MADE_UP, 0.3),
}
"""The share of a set's answerable questions that is asked again with its answer withheld. Not
in northwind, which says most things twice, nor in musique, which has twins of its own."""

MOST = {"2wiki_train500": 150, "chunking472": 110}
"""Questions asked of the larger sets."""

CACHE = Path(".build/tuning")
"""Where what was gathered is kept, unless told otherwise. Delete it after a change to search,
reranking or reading."""

FOLDS = 3
"""Of a case, the fits see what a reader says that was not trained on the case's fold."""

STEPPED = "musique_train100"
"""The set whose single steps the reader learns from as well."""


def gathered(folder: Path, cache: Path) -> list[Seen]:
    """Return what was seen of the tuning cases of all sets; what the cache has is not asked."""
    kept: list[Seen] = []
    for name in FAMILIES:
        place = folder_of(name, folder)
        kept += _kept(cache / f"{name}.jsonl", place, lambda at=place: _cases(at))
    return [seen for seen in kept if seen.evidence and _chosen(seen.case) and single(seen.case)]


def gathered_steps(folder: Path, cache: Path) -> list[Seen]:
    """Return the same of the single steps of `STEPPED`."""
    place = folder / STEPPED
    kept = _kept(cache / f"{STEPPED}.hops.jsonl", place, lambda: list(hops(place)))
    return [seen for seen in kept if seen.evidence and single(seen.case)]


def fold_of(case: Case) -> int:
    """Return the fold of a case; twins, steps and variants of one question stay together."""
    return int(draw("fold", case.set, case.question_id) * FOLDS)


def fold_file(cache: Path, fold: int) -> Path:
    """Return where the reader is kept that was not trained on a fold."""
    return cache / f"reader.{fold}.json"


def fold_heads(cache: Path) -> list[Head]:
    """Return those readers. Raises `FileNotFoundError` where train_reader.py was not run."""
    files = [fold_file(cache, fold) for fold in range(FOLDS)]
    return [read_head(json.loads(file.read_text("utf-8"))) for file in files]


def folder_of(name: str, folder: Path) -> Path:
    if name in MADE_UP:
        return HANDBOOKS / name
    return EXAMPLES if name == "examples" else folder / name


def _kept(file: Path, folder: Path, asked: Callable[[], list[Case]]) -> list[Seen]:
    if not file.exists():
        with tempfile.TemporaryDirectory() as place, Corpus.open(place) as corpus:
            corpus.add(documents(folder))
            lines = [stored(seen) for seen in see(corpus, asked())]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"  {file.stem}: {len(lines)} cases", flush=True)
    return [restored(line) for line in file.read_text("utf-8").splitlines()]


def _cases(folder: Path) -> list[Case]:
    """The cases of a set; of a large one the same questions each time, drawn by their names."""
    found = [case for case in variants(folder) if _chosen(case)]
    ids = sorted({case.id for case in found}, key=lambda one: draw("pick", one))
    kept = set(ids[: MOST.get(folder.name)])
    return [case for case in found if case.id in kept]


def _chosen(case: Case) -> bool:
    return case.kind == "asked" or draw("withheld", case.id) < WITHHELD.get(case.set, 0.0)


def single(case: Case) -> bool:
    """Whether a question asks one thing: the parts of others are weighed one by one."""
    return len(read(case.question).parts) == 1


class RememberingReader:
    """A close reader that keeps in a folder what it read: fits come back to the same cases."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        assert isinstance(embedder, TokenEmbedder)
        folder.mkdir(parents=True, exist_ok=True)
        self._inner = CloseReader(embedder, embedder)
        self._kept = sqlite3.connect(folder / "read.sqlite")
        self._kept.execute("CREATE TABLE IF NOT EXISTS read (key TEXT PRIMARY KEY, value BLOB)")

    async def compared(self, made: Sheet) -> Sheet:
        """As `CloseReader.compared`."""
        near = [made.passages[p] for p in (*made.close.passages, *made.close.background)]
        seen = [(p.title, p.headings, p.text) for p in near]
        said = repr([made.part.text, len(made.close.passages), seen])
        meaning = await self._known(said, lambda: self._meaning(made))
        return with_meaning(made, meaning)

    async def along(self, made: Sheet, followed: Sequence[Step]) -> Grid | None:
        """As `CloseReader.along`."""
        said = repr([made.part.text, [(s.query, s.start) for s in followed], *made.passages])
        return await self._known(said, lambda: self._inner.along(made, followed))

    async def _meaning(self, made: Sheet) -> Meaning | None:
        return (await self._inner.compared(made)).close.meaning

    async def _known(self, said: str, make: Callable[[], Awaitable[Any]]) -> Any:
        key = hashlib.sha256(said.encode()).hexdigest()[:32]
        row = self._kept.execute("SELECT value FROM read WHERE key = ?", (key,)).fetchone()
        if row is None:
            row = (pickle.dumps(await make()),)
            self._kept.execute("INSERT INTO read VALUES (?, ?)", (key, row[0]))
            self._kept.commit()
        return pickle.loads(row[0])
