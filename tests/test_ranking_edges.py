"""Search with trail, then the evidence ranker, on corpora that are unlike an encyclopedia."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from suffice.testing import HashEmbedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest import add
from suffice.tools.rerank.evidence import EvidenceReranker
from suffice.tools.search import Searcher
from suffice.tools.store import open_store
from suffice.tools.trail.names import ENRICH_VERSION, enrich
from suffice.tools.types import Document, Query

ANSWER = "Night berthing of tankers is signed off by the port captain."
QUESTION = "Who signs off night berthing of tankers?"


def ranked(documents: Sequence[Document], question: str, where: str) -> list[str]:
    """Return the document ids by evidence, best first; all scores must be probabilities."""

    async def work() -> list[str]:
        store, embedder, sparse = open_store(where), HashEmbedder(), Bm25()
        try:
            await add(
                store, embedder, sparse, documents, enrich=enrich, enrich_version=ENRICH_VERSION
            )
            found = await Searcher(store, embedder, sparse).search(Query(text=question))
            scores = await EvidenceReranker(embedder, sparse).rank(question, found)
        finally:
            await store.close()
        assert all(0 <= score <= 1 for score in scores)
        order = np.argsort(-np.array(scores), kind="stable")
        return [found[i].passage.document_id for i in order]

    return asyncio.run(work())


def pages(title: str, count: int = 12) -> list[Document]:
    topics = ("parking", "mail", "desks", "keys", "lunch", "badges", "boats", "radio")
    return [
        Document(
            id=f"p{i}", title=title, text=f"About {topics[i % 8]}: see room {i} and its {i} rules."
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("kind", ["folder", "server"])
@pytest.mark.parametrize("title", ["", "Handbook", "It", "the", "Night berthing", "---", "x" * 900])
def test_titles_missing_equal_or_empty_of_meaning(title: str, kind: str, tmp_path: object) -> None:
    where = f"{tmp_path}/c" if kind == "folder" else ":memory:"
    documents = [*pages(title), Document(id="answer", title=title, text=ANSWER)]
    assert ranked(documents, QUESTION, where)[0] == "answer"


@pytest.mark.parametrize("others", [0, 1])
def test_one_passage_and_two(others: int, tmp_path: object) -> None:
    documents = [Document(id="answer", title="Berthing", text=ANSWER), *pages("Page", others)]
    assert ranked(documents, QUESTION, f"{tmp_path}/c")[0] == "answer"


def test_a_page_that_mentions_everything_hides_nothing(tmp_path: object) -> None:
    films = [
        Document(
            id=f"film{i}",
            title=f"Quiet Harbour {i}",
            text=f"Quiet Harbour {i} is a film that Ines Valdez{i} directed.",
        )
        for i in range(40)
    ]
    makers = [
        Document(id=f"maker{i}", title=f"Ines Valdez{i}", text=f"Ines Valdez{i} is from Porto {i}.")
        for i in range(40)
    ]
    said = "; ".join(d.title for d in [*films, *makers])
    index = Document(id="index", title="Index", text=f"All films, directors and where from: {said}")
    question = "Where is the one from who directed Quiet Harbour 7?"
    first = ranked([*films, *makers, index], question, f"{tmp_path}/c")[:5]
    assert {"film7", "maker7"} <= set(first)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("夜間の接岸は誰が承認しますか", "タンカーの夜間の接岸は港長が承認します。"),
        ("Кто разрешает ночную швартовку?", "Ночную швартовку разрешает капитан порта."),
        ("من يوافق على الرسو الليلي؟", "يوافق قبطان الميناء على الرسو الليلي للناقلات."),
        ("Wer erlaubt das Anlegen bei Nacht?", "Das Anlegen bei Nacht erlaubt der Hafenkapitän."),
        ("Port Captain 是谁？", "The Port Captain（港长）是 Ines Valdez。"),
        ("What does moor_ship raise?", "def moor_ship(x):\n    raise BerthTaken(x)"),
    ],
)
def test_other_languages_mixed_scripts_and_code(
    question: str, answer: str, tmp_path: object
) -> None:
    documents = [*pages("Page"), Document(id="answer", title="", text=answer)]
    assert ranked(documents, question, f"{tmp_path}/c")[0] == "answer"


def test_chunks_of_one_long_document_are_told_apart(tmp_path: object) -> None:
    filler = " ".join(f"Rule {i}: leave desk {i} as clean as it was found." for i in range(80))
    long = Document(id="long", title="Rules", text=f"{filler} {ANSWER} {filler}")

    async def work() -> str:
        store, embedder, sparse = open_store(f"{tmp_path}/c"), HashEmbedder(), Bm25()
        try:
            await add(store, embedder, sparse, [long], enrich=enrich, enrich_version=ENRICH_VERSION)
            found = await Searcher(store, embedder, sparse).search(Query(text=QUESTION))
            scores = await EvidenceReranker(embedder, sparse).rank(QUESTION, found)
            return found[int(np.argmax(scores))].passage.text
        finally:
            await store.close()

    assert ANSWER in asyncio.run(work())


@pytest.mark.parametrize("question", [QUESTION, "", "the", "?", "x" * 5000, "答え", "\x00 \u202e"])
def test_no_page_is_too_odd_to_be_ranked(question: str, tmp_path: object) -> None:
    texts = ("the", "\u202e\u200b", "x" * 3000, "((((" * 300, "Ada Lovelace " * 500, "答え 👩‍👧")
    odd = [
        Document(id=f"odd{i}{j}", title=title, text=text)
        for i, title in enumerate(("", *texts))
        for j, text in enumerate(texts)
    ]
    names = ranked([*odd, Document(id="answer", text=ANSWER)], question, f"{tmp_path}/c")
    if question == QUESTION:
        assert names[0] == "answer"
