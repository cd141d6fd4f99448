"""Following mentions: what a user relies on, on the embedded store and the server's client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.testing import HashEmbedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest import add
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.search import Searcher
from suffice.tools.store import open_store
from suffice.tools.store.protocol import Store
from suffice.tools.trail.follow import Trail
from suffice.tools.trail.names import ENRICH_VERSION, enrich, mentioned, names_of, phrases
from suffice.tools.types import Document, Passage, Query

FILM = Document(
    id="film", title="The Quiet Harbour", text="The Quiet Harbour is a film by Ines Valdez."
)
DIRECTOR = Document(
    id="director", title="Ines Valdez", text="Ines Valdez was born in Porto and moved to Lima."
)
QUESTION = "Where was the maker of The Quiet Harbour born?"


def crowd(size: int) -> list[Document]:
    """Passages closer to the question's words than the one the trail leads to."""
    return [
        Document(id=f"n{i}", title=f"Note {i}", text=f"The quiet maker born of harbour note {i}.")
        for i in range(size)
    ]


async def fill(store: Store, documents: Sequence[Document]) -> None:
    await add(
        store, HashEmbedder(), Bm25(), documents, enrich=enrich, enrich_version=ENRICH_VERSION
    )


async def find(store: Store, question: str, trail: Trail | None, **more: Any) -> list[Candidate]:
    searcher = Searcher(store, HashEmbedder(), Bm25(), trail)
    return (await searcher.search_many([Query(text=question, **more)]))[0]


@pytest.fixture(params=["folder", "server"])
def within(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Run a coroutine function on an open store of either kind."""

    def run(work: Callable[[Store], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            folder = request.param == "folder"
            store = open_store(str(tmp_path / "c")) if folder else open_store(":memory:")
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run


def documents_of(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.passage.document_id for candidate in candidates]


def test_a_passage_named_in_another_is_found_through_it(within: Callable[..., Any]) -> None:
    async def work(store: Store) -> tuple[list[str], list[str]]:
        await fill(store, [FILM, DIRECTOR, *crowd(70)])
        trailed = await find(store, QUESTION, Trail(meaning=1, words=1))
        return documents_of(trailed), documents_of(await find(store, QUESTION, None))

    with_trail, without = within(work)
    assert "director" in with_trail
    assert len(with_trail) == len(set(with_trail))
    assert len(without) < len(with_trail) + 1


def test_links_follow_updates_and_deletions(within: Callable[..., Any]) -> None:
    async def work(store: Store) -> list[list[str]]:
        seen = []
        await fill(store, [FILM, DIRECTOR, *crowd(70)])
        named = Trail(meaning=1, words=1)
        seen.append(documents_of(await find(store, QUESTION, named)))
        await fill(store, [DIRECTOR.model_copy(update={"title": "Someone Else"})])
        renamed = await store.lookup("names", ["ines valdez", "someone else"])
        seen.append([*renamed["ines valdez"], "|", *renamed["someone else"]])
        await store.delete(["director"])
        seen.append(documents_of(await find(store, QUESTION, named)))
        return seen

    first, renamed, last = within(work)
    assert "director" in first
    assert renamed == ["|", "director"]
    assert "director" not in last


def test_the_filter_holds_on_every_hop(within: Callable[..., Any]) -> None:
    async def work(store: Store) -> list[str]:
        await fill(store, [FILM, DIRECTOR, *crowd(5)])
        where = {"document_id": {"not_in": ["director"]}}
        return documents_of(await find(store, QUESTION, Trail(hops=2), where=where))

    assert "director" not in within(work)


def test_a_name_everyone_bears_crowds_nothing_out(within: Callable[..., Any]) -> None:
    handbook = [
        Document(id=f"h{i}", title="Handbook", text=f"The Handbook, page {i}, on topic{i}.")
        for i in range(80)
    ]

    async def work(store: Store) -> list[str]:
        await fill(store, [FILM, DIRECTOR, *handbook])
        return documents_of(await find(store, "Handbook: who made The Quiet Harbour?", Trail()))

    found = within(work)
    assert {"film", "director"} <= set(found)
    assert len(found) < 80


def test_words_weigh_what_the_store_says(within: Callable[..., Any]) -> None:
    async def work(store: Store) -> dict[str, float]:
        await fill(store, [FILM, DIRECTOR, *crowd(20)])
        return (await find(store, "harbour porto", Trail()))[0].signals

    signals = within(work)
    weights = {name: value for name, value in signals.items() if name.startswith("idf:")}
    rare, common = (f"idf:{Bm25().embed_query(word).indices[0]}" for word in ("porto", "harbour"))
    assert set(weights) == {rare, common}
    assert weights[rare] > 3 * weights[common] > 0


@pytest.mark.parametrize("question", ["?", "的 是什么", "🜁", "the of and", "Wer ist Ines Valdez?"])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_small_corpora_and_odd_questions_are_searched(
    question: str, size: int, tmp_path: Path
) -> None:
    async def work() -> list[Candidate]:
        store = open_store(str(tmp_path / "c"))
        try:
            if size:
                await fill(store, [FILM, DIRECTOR][:size])
            lexical = Searcher(store, None, Bm25(), Trail(hops=2))
            both = await lexical.search_many([Query(text=question)])
            return [*both[0], *await find(store, question, Trail(hops=2))]
        finally:
            await store.close()

    found = asyncio.run(work())
    assert len(documents_of(found)) <= 2 * size


def passage(title: str = "", text: str = "", **more: Any) -> Passage:
    return Passage(id="p", document_id="d", title=title, text=text, **more)


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (passage("Hamlet (1948 film)"), "hamlet"),
        (passage("Springfield, Illinois"), "springfield"),
        (passage("Ägidius Müller"), "agidius muller"),
        (passage("The Who"), "the who"),
        (passage(headings=("Berthing at night",)), "berthing at night"),
        (passage(source="docs/tariff_table.md"), "tariff_table"),
        (passage(text="def moor_ship(x):\n    pass"), "moor_ship"),
        (passage(text="“Port Captain” means the officer in charge."), "port captain"),
        (passage("東京タワー"), "東 京 タ ワ ー"),
    ],
)
def test_what_a_passage_is_called(found: Passage, key: str) -> None:
    assert key in names_of(found)


@pytest.mark.parametrize("title", ["", "It", "the", "a", "?!", " ", "-", "x" * 5000])
def test_titles_that_name_nothing_do_not_spoil_the_index(title: str) -> None:
    assert all(len(name) > 1 for name in names_of(passage(title)))
    assert "it" not in names_of(passage(title))


def test_plain_words_are_no_names_but_identifiers_are() -> None:
    found = phrases("we moor the Aurora with moor_ship at night")
    assert {"aurora", "moor_ship"} <= set(found)
    assert "night" not in found
    assert "the aurora" not in found
    assert "night" in phrases("at night", marked=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.from_regex(r"[A-Z][a-zé]{2,8}", fullmatch=True), min_size=2, max_size=6),
    st.text(max_size=80),
    st.text(max_size=80),
)
def test_a_title_quoted_in_a_text_is_among_its_phrases(
    title: list[str], before: str, after: str
) -> None:
    key = names_of(passage(" ".join(title)))[0]
    assert key in phrases(f"{before} ({' '.join(title)}) {after}")


def test_passages_that_mention_the_same_rare_name_lead_to_each_other(
    within: Callable[..., Any],
) -> None:
    sequel = Document(id="sequel", title="Far Shore", text="A thriller that Ines Valdez shot.")

    async def work(store: Store) -> list[list[str]]:
        await fill(store, [FILM, sequel, *crowd(70)])
        with_names = Trail(meaning=1, words=1)
        seen = [documents_of(await find(store, QUESTION, with_names))]
        await fill(store, [FILM.model_copy(update={"text": "The Quiet Harbour is a film."})])
        return [*seen, documents_of(await find(store, QUESTION, with_names))]

    before, after = within(work)
    assert "sequel" in before
    assert "sequel" not in after


def test_names_in_a_text_are_runs_of_capitals_and_identifiers() -> None:
    text = "In 1961 Ines Valdez left the Bay of Biscay; see moor_ship and loadCargo in Lima."
    assert mentioned(text) == ["ines valdez", "bay of biscay", "moor_ship", "loadcargo"]
