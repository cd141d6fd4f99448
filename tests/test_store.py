"""What every store must do: one contract, run on each maker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_http import QdrantHttp
from store_samples import (
    MANIFEST,
    entry,
    found,
    ids,
    narrowed,
    put,
    record,
    towards,
    walk,
    words,
)

from suffice.errors import FilterError, StoreError, StoreMismatch
from suffice.tools.store import Hit, SearchRequest, Store, open_store, push

Scenario = Callable[[Store], Awaitable[None]]
Run = Callable[[Scenario], None]


@pytest.fixture(params=["edge", "memory", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be opened: a folder, the client's memory, a server."""
    if request.param == "http":
        server = QdrantHttp()
        yield server.url
        server.close()
    else:
        yield str(tmp_path / "corpus") if request.param == "edge" else ":memory:"


@pytest.fixture
def run(place: str) -> Run:
    """Run a scenario on an empty store with a manifest."""

    def running(scenario: Scenario) -> None:
        async def whole() -> None:
            store = open_store(place)
            try:
                await store.set_manifest(MANIFEST)
                await scenario(store)
            finally:
                await store.close()

        asyncio.run(whole())

    return running


# Empty and new


def test_a_new_store_is_empty_and_answers_everything(place: str) -> None:
    async def scenario() -> None:
        store = open_store(place)
        assert await store.manifest() is None
        assert await store.count() == 0
        assert await store.count({"anything": 1}) == 0
        assert await store.search([SearchRequest(sparse=words(1))] * 2) == [[], []]
        assert await store.passages(["a#0"]) == []
        assert await walk(store) == []
        assert await store.lookup("names", ["Ann"]) == {"Ann": []}
        assert await store.document("a") is None
        assert await store.documents() == []
        assert await store.fields() == {}
        await store.delete(["a"])
        await store.optimize()
        with pytest.raises(StoreError, match="set_manifest"):
            await put(store, entry("a#0"))
        await store.close()

    asyncio.run(scenario())


def test_a_filter_is_checked_even_where_nothing_is_stored(place: str) -> None:
    async def scenario() -> None:
        store = open_store(place)
        for where in ({"year": {"above": 3}}, {"year": None}, {"year": {}}):
            with pytest.raises(FilterError):
                await store.count(where)
            with pytest.raises(FilterError):
                await store.search([SearchRequest(sparse=words(1), where=where)])
            with pytest.raises(FilterError):
                await walk(store, where=where)
        await store.close()

    asyncio.run(scenario())


def test_the_manifest_is_given_back(run: Run) -> None:
    async def scenario(store: Store) -> None:
        assert await store.manifest() == MANIFEST
        await put(store, entry("a#0"))
        later = MANIFEST.model_copy(update={"suffice": "0.2.0"})
        await store.set_manifest(later)
        assert await store.manifest() == later
        assert await store.count() == 1

    run(scenario)


def test_another_embedder_empties_the_passages_and_keeps_the_documents(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, entry("a#0"), entry("b#0"), hash="good")
        await store.set_manifest(
            MANIFEST.model_copy(update={"embedder": "other@2", "dimensions": 2})
        )
        assert await store.count() == 0
        assert await found(store, sparse=words(1)) == []
        records = await store.documents()
        assert ids(records) == ["a", "b"]
        assert {one.hash for one in records} == {""}
        kept = await store.document("a")
        assert kept is not None
        assert kept.document.text == "the text of a"
        with pytest.raises(StoreMismatch, match="4 dims"):
            await put(store, entry("a#0"))
        again = entry("a#0")
        again = type(again)(again.passage, again.sparse, np.array([0.0, 1.0], np.float32))
        await put(store, again)
        assert await found(store, dense=np.array([0.0, 1.0], np.float32)) == ["a#0"]

    run(scenario)


# Putting and getting


def test_a_passage_comes_back_as_it_went_in(run: Run) -> None:
    async def scenario(store: Store) -> None:
        passage = entry("a#0").passage.model_copy(
            update={
                "text": 'Größe 大きさ 🚢 and a quote " and a nul \0 and a backslash \\',
                "title": "A title",
                "source": "docs/a.md",
                "start": 17,
                "end": 99,
                "headings": ("One", "Two"),
                "metadata": {"n": 1, "f": 1.5, "ok": True, "none": None, "deep": {"a": [1, "x"]}},
            }
        )
        stored = entry("a#0", extra={"names": ["Ann"], "weight": 0.5})
        stored = type(stored)(passage, words(3, 9, weight=0.5), towards(1.0, 2.0), stored.extra)
        await put(store, stored)
        request = SearchRequest(sparse=words(3), with_vectors=True, with_extra=True)
        [[hit]] = await store.search([request])
        assert hit.passage == passage
        assert hit.extra == {"names": ["Ann"], "weight": 0.5}
        assert hit.dense is not None
        assert hit.dense.dtype == np.float32
        np.testing.assert_allclose(hit.dense, towards(1.0, 2.0), rtol=1e-6)
        assert hit.sparse is not None
        assert dict(zip(hit.sparse.indices, hit.sparse.values, strict=True)) == {3: 0.5, 9: 0.5}
        [plain] = (await store.search([SearchRequest(sparse=words(3))]))[0]
        assert (plain.dense, plain.sparse, plain.extra) == (None, None, {})
        assert await store.passages(["a#0"]) == [passage]
        [walked] = await walk(store, with_vectors=True, with_extra=True)
        assert (walked.passage, walked.score, walked.extra) == (passage, 0.0, hit.extra)

    run(scenario)


def test_what_no_store_can_hold_is_stored_as_text(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry(
                "a#0",
                text="lone \ud800 surrogate",
                day=date(2024, 2, 29),
                at=datetime(2024, 2, 29, 12, tzinfo=UTC),
                huge=2**80,
                nan=float("nan"),
                odd={1, 2},
            ),
        )
        [passage] = await store.passages(["a#0"])
        assert passage.text == "lone ? surrogate"
        assert passage.metadata["day"] == "2024-02-29"
        assert passage.metadata["huge"] == str(2**80)
        assert passage.metadata["nan"] == "nan"
        assert sorted(passage.metadata["odd"]) == [1, 2]
        assert await store.count({"day": date(2024, 2, 29)}) == 1
        assert await store.count({"at": {"gte": datetime(2024, 2, 29, 11, tzinfo=UTC)}}) == 1

    run(scenario)


def test_passages_are_returned_in_the_order_asked_for(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"a#{i}") for i in range(5)))
        asked = ["a#3", "gone", "a#0", "a#4"]
        assert [one.id for one in await store.passages(asked)] == ["a#3", "a#0", "a#4"]

    run(scenario)


def test_documents_are_listed_without_text_and_given_with_it(run: Run) -> None:
    async def scenario(store: Store) -> None:
        records = [
            record("a", text="first " * 100, hash="h-a", root="docs", team="x"),
            record("b", text="second", hash="h-b"),
        ]
        await store.upsert(records, [entry("a#0"), entry("a#1")])
        listed = {one.document.id: one for one in await store.documents()}
        assert {name: one.passages for name, one in listed.items()} == {"a": 2, "b": 0}
        assert {one.document.text for one in listed.values()} == {""}
        assert (listed["a"].hash, listed["a"].root) == ("h-a", "docs")
        full = await store.document("a")
        assert full is not None
        assert full.document == records[0].document
        assert await store.document("c") is None

    run(scenario)


def test_a_text_longer_than_one_point_may_be(run: Run) -> None:
    async def scenario(store: Store) -> None:
        text = "ab\u00e9\u5927" * 1_100_000
        await store.upsert([record("a", text=text)], [entry("a#0")])
        full = await store.document("a")
        assert full is not None
        assert full.document.text == text
        await store.upsert([record("a", text="short now")], [entry("a#0")])
        full = await store.document("a")
        assert full is not None
        assert full.document.text == "short now"
        assert ids(await store.documents()) == ["a"]

    run(scenario)


def test_upsert_replaces_all_passages_of_a_document(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"a#{i}", tokens=(1, 50 + i)) for i in range(4)), entry("b#0"))
        await put(store, entry("a#1", text="new"), entry("a#9"), hash="h2")
        assert sorted(hit.passage.id for hit in await walk(store)) == ["a#1", "a#9", "b#0"]
        assert await found(store, sparse=words(53)) == []
        assert (await store.passages(["a#1"]))[0].text == "new"
        assert {one.document.id: one.hash for one in await store.documents()} == {
            "a": "h2",
            "b": "h1",
        }

    run(scenario)


def test_delete_is_true(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, entry("a#0", year=2020), entry("a#1", year=2020), entry("b#0", team="x"))
        await store.delete(["a", "never there"])
        assert await found(store, sparse=words(1), dense=towards(1.0)) == ["b#0"]
        assert await store.passages(["a#0", "a#1"]) == []
        assert [hit.passage.id for hit in await walk(store)] == ["b#0"]
        assert await store.count() == 1
        assert await store.count({"document_id": "a"}) == 0
        assert ids(await store.documents()) == ["b"]
        assert await store.document("a") is None
        assert list(await store.fields()) == ["team"]
        with pytest.raises(FilterError, match="team"):
            await store.count({"year": 2020})
        await store.delete(["b"])
        assert await store.count() == 0
        assert await store.fields() == {}

    run(scenario)


def test_scroll_meets_every_passage_once(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"d{i // 10}#{i}", part=i % 2) for i in range(57)))
        for batch in (1, 10, 57, 500):
            names = [hit.passage.id for hit in await walk(store, batch=batch)]
            assert len(names) == len(set(names)) == 57
        assert len(await walk(store, where={"part": 1}, batch=5)) == 28

    run(scenario)


# Searching


def test_one_leg_gives_its_raw_scores_and_two_are_fused(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry("a#0", tokens=(1, 2), dense=(1.0, 0.0)),
            entry("b#0", tokens=(2,), dense=(0.6, 0.8)),
            entry("c#0", tokens=(3,), dense=(0.0, 1.0)),
        )
        dense, sparse, both, neither = await store.search(
            [
                SearchRequest(dense=towards(1.0)),
                SearchRequest(sparse=words(1)),
                SearchRequest(dense=towards(1.0), sparse=words(3)),
                SearchRequest(),
            ]
        )
        assert [hit.passage.id for hit in dense] == ["a#0", "b#0", "c#0"]
        np.testing.assert_allclose([hit.score for hit in dense], [1.0, 0.6, 0.0], atol=1e-6)
        assert [hit.passage.id for hit in sparse] == ["a#0"]
        assert sparse[0].score == pytest.approx(np.log(1 + (3 - 1 + 0.5) / 1.5), rel=1e-5)
        scores = {hit.passage.id: hit.score for hit in both}
        expected = {"c#0": 1 / 62 + 1 / 60, "a#0": 1 / 60, "b#0": 1 / 61}
        assert scores == pytest.approx(expected, rel=1e-5)
        assert list(scores) == ["c#0", "a#0", "b#0"]
        assert neither == []

    run(scenario)


def test_a_fused_search_without_words_stays_fused(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, entry("a#0"))
        [[hit]] = await store.search([SearchRequest(dense=towards(1.0), sparse=words())])
        assert hit.score == pytest.approx(1 / 60, rel=1e-5)
        assert await found(store, sparse=words()) == []

    run(scenario)


def _by_score(hits: Sequence[Hit]) -> list[tuple[float, str]]:
    return sorted((-round(hit.score, 5), hit.passage.id) for hit in hits)


def test_a_batch_mixes_kinds_filters_and_limits(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"d{i}#0", tokens=(1, 10 + i), n=i) for i in range(8)))
        requests = [
            SearchRequest(dense=towards(1.0), where={"n": {"gte": 4}}, limit=3),
            SearchRequest(sparse=words(12), with_vectors=True),
            SearchRequest(sparse=words(1), dense=towards(1.0), where={"n": {"in": [1, 2]}}),
            SearchRequest(sparse=words(1), limit=0),
            SearchRequest(sparse=words(1), where={"document_id": {"not_in": ["d0"]}}, limit=20),
        ]
        answers = await store.search(requests)
        names = [{hit.passage.document_id for hit in hits} for hits in answers]
        assert len(names[0]) == 3
        assert names[0] <= {"d4", "d5", "d6", "d7"}
        assert names[1:] == [{"d2"}, {"d1", "d2"}, set(), {f"d{i}" for i in range(1, 8)}]
        alone = [(await store.search([request]))[0] for request in requests]
        for together, single in zip(answers, alone, strict=True):
            # Hits of one score have no order among themselves.
            assert _by_score(together) == _by_score(single)
        assert await store.search([]) == []

    run(scenario)


def test_a_passage_without_a_vector_is_found_by_the_other(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, entry("a#0", dense=None), entry("b#0", tokens=()))
        assert await found(store, sparse=words(1)) == ["a#0"]
        assert await found(store, dense=towards(1.0)) == ["b#0"]
        for hit in await walk(store, with_vectors=True):
            assert (hit.dense is None) == (hit.passage.id == "a#0")
            assert (len(hit.sparse.indices) == 0) == (hit.passage.id == "b#0")

    run(scenario)


def test_vectors_of_another_length_are_refused(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, entry("a#0"))
        with pytest.raises(StoreMismatch, match=r"tiny@1 \(4 dims\).* 3 dims.*--reembed"):
            await store.search([SearchRequest(dense=np.ones(3, np.float32))])
        wrong = entry("b#0")
        wrong = type(wrong)(wrong.passage, wrong.sparse, np.ones(5, np.float32))
        with pytest.raises(StoreMismatch):
            await put(store, wrong)
        assert ids(await store.documents()) == ["a"]

    run(scenario)


def test_a_corpus_without_an_embedder_searches_words(place: str) -> None:
    async def scenario() -> None:
        store = open_store(place)
        await store.set_manifest(MANIFEST.model_copy(update={"embedder": "", "dimensions": 0}))
        await put(store, entry("a#0", dense=None, tokens=(7,)))
        assert await found(store, sparse=words(7)) == ["a#0"]
        with pytest.raises(StoreMismatch, match="no embedder"):
            await store.search([SearchRequest(dense=towards(1.0))])
        await store.close()

    asyncio.run(scenario())


# Filtering


def test_filters_by_every_operator_and_type(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry("a#0", year=2020, team="pilots", ratio=0.5, ok=True, day="2024-03-05"),
            entry("b#0", year=2022, team="tugs", ratio=1.0, ok=False, day="2024-03-06T10:00:00Z"),
            entry("c#0", year=2024, team=["pilots", "tugs"], day=date(2024, 4, 1)),
            entry("d#0", title="Title D", source="docs/d.md"),
        )
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "abcd"),
            ({"year": 2020}, "a"),
            ({"year": {"eq": 2020.0}}, "a"),
            ({"year": {"in": [2020, 2024]}}, "ac"),
            ({"year": {"in": []}}, ""),
            ({"year": {"not_in": [2020]}}, "bcd"),
            ({"year": {"not_in": []}}, "abcd"),
            ({"year": {"gte": 2022}}, "bc"),
            ({"year": {"gte": 2021, "lte": 2023}}, "b"),
            ({"year": {"gte": 2020, "not_in": [2022]}}, "ac"),
            ({"team": "pilots"}, "ac"),
            ({"team": {"not_in": ["pilots"]}}, "bd"),
            ({"team": "pilots", "year": {"lte": 2023}}, "a"),
            ({"ratio": {"gte": 0.5, "lte": 0.9}}, "a"),
            ({"ratio": 1}, "b"),
            ({"ok": True}, "a"),
            ({"ok": {"in": [True, False]}}, "ab"),
            ({"day": "2024-03-05"}, "a"),
            ({"day": {"gte": "2024-03-06"}}, "bc"),
            ({"day": {"lte": "2024-03-06"}}, "ab"),
            ({"day": {"gte": date(2024, 3, 6), "lte": date(2024, 3, 31)}}, "b"),
            ({"day": {"lte": "2024-03-06T09:59:59+00:00"}}, "a"),
            ({"day": {"gte": "2024-03-06T12:00:00+02:00"}}, "bc"),
            ({"document_id": "b"}, "b"),
            ({"document_id": {"not_in": ["b", "c"]}}, "ad"),
            ({"title": "Title D"}, "d"),
            ({"source": {"in": ["docs/d.md", "docs/e.md"]}}, "d"),
        ]
        for where, names in cases:
            assert await narrowed(store, where) == {f"{name}#0" for name in names}, where

    run(scenario)


def test_a_field_of_several_types_can_be_filtered_by_each(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry("a#0", code=7),
            entry("b#0", code="7"),
            entry("c#0", code=True),
            entry("d#0", code=[7.5, "seven", None]),
            entry("e#0", code=1),
        )
        assert await narrowed(store, {"code": 7}) == {"a#0"}
        assert await narrowed(store, {"code": "7"}) == {"b#0"}
        assert await narrowed(store, {"code": True}) == {"c#0"}
        assert await narrowed(store, {"code": 1}) == {"e#0"}
        assert await narrowed(store, {"code": {"gte": 2}}) == {"a#0", "d#0"}
        assert await narrowed(store, {"code": "seven"}) == {"d#0"}
        kinds = (await store.fields())["code"].type.split("|")
        assert sorted(kinds) == ["bool", "float", "integer", "keyword"]

    run(scenario)


def test_field_names_and_values_may_hold_anything(run: Run) -> None:
    async def scenario(store: Store) -> None:
        names = ["a b", "a.b", 'quo"te', "back\\slash", "größe", "x[0]", "x[]", "a:b", "", "100%"]
        value = 'v "1" \\ größe ' + "long" * 200
        for i, name in enumerate(names):
            await put(store, entry(f"d{i}#0", **{name: value, "n": i}))
        for i, name in enumerate(names):
            assert await narrowed(store, {name: value}) == {f"d{i}#0"}, name
        assert set(await store.fields()) == {*names, "n"}

    run(scenario)


def test_nested_metadata_is_filtered_by_its_path(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry("a#0", owner={"name": "Ann", "since": 2019}),
            entry("b#0", owner=[{"name": "Bo"}, {"name": "Cy"}]),
        )
        assert await narrowed(store, {"owner.name": "Cy"}) == {"b#0"}
        assert await narrowed(store, {"owner.since": {"lte": 2020}}) == {"a#0"}

    run(scenario)


def test_an_unknown_field_is_an_error_that_helps(run: Run) -> None:
    async def scenario(store: Store) -> None:
        assert await store.count({"year": 1}) == 0  # nothing is stored yet
        await put(store, entry("a#0", year=2020, team="x"))
        with pytest.raises(FilterError) as error:
            await store.count({"yaer": 2020})
        for word in ("yaer", 'Did you mean "year"', "team", "document_id", "source", "title"):
            assert word in str(error.value)
        with pytest.raises(FilterError, match=r"numbers.*text"):
            await store.search([SearchRequest(sparse=words(1), where={"year": "2020"})])

    run(scenario)


def test_fields_tell_types_and_the_commonest_values(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            *(
                entry(f"a#{i}", year=2020 + (i > 6), team="x", tags=["t", f"t{i}"])
                for i in range(9)
            ),
            entry("b#0", ok=True, ratio=0.5, day="2024-01-01"),
        )
        fields = await store.fields()
        assert {name: field.type for name, field in fields.items()} == {
            "day": "datetime",
            "ok": "bool",
            "ratio": "float",
            "tags": "keyword",
            "team": "keyword",
            "year": "integer",
        }
        assert fields["year"].values == (2020, 2021)
        assert fields["team"].values == ("x",)
        assert fields["ok"].values == (True,)
        assert fields["ratio"].values == (0.5,)
        assert fields["tags"].values[0] == "t"
        assert len(fields["tags"].values) == 10
        await store.delete(["b"])
        assert set(await store.fields()) == {"tags", "team", "year"}

    run(scenario)


@pytest.mark.slow
def test_more_fields_than_are_indexed_can_be_filtered(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"a#{i}", **{f"field{i}": i}) for i in range(180)))
        assert len(await store.fields()) == 180
        for i in (0, 90, 179):
            assert await narrowed(store, {f"field{i}": {"gte": i}}) == {f"a#{i}"}

    run(scenario)


def test_lookup_finds_passages_by_what_is_kept_beside_them(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(
            store,
            entry("a#0", extra={"names": ["Ann", "Bo"], "other": "Ann"}),
            entry("a#1", extra={"names": ["Ann"], "a b": ["x"]}),
            entry("b#0", extra={"names": []}),
        )
        answer = await store.lookup("names", ["Ann", "Bo", "Cy", "Bo"])
        assert {value: sorted(names) for value, names in answer.items()} == {
            "Ann": ["a#0", "a#1"],
            "Bo": ["a#0"],
            "Cy": [],
        }
        assert [len(names) for names in (await store.lookup("names", ["Ann"], 1)).values()] == [1]
        assert await store.lookup("a b", ["x"]) == {"x": ["a#1"]}
        assert await store.lookup("never", ["x"]) == {"x": []}
        assert await store.lookup("names", []) == {}

    run(scenario)


# Living with others


def test_searches_go_on_while_documents_are_written(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await put(store, *(entry(f"old#{i}") for i in range(20)))
        done = asyncio.Event()

        async def write() -> None:
            for i in range(8):
                await put(store, *(entry(f"new{i}#{j}", tokens=(2,)) for j in range(10)))
            done.set()

        async def read() -> int:
            rounds = 0
            while not done.is_set():
                assert len(await found(store, sparse=words(1), limit=50)) == 20
                assert await store.count({"document_id": "old"}) == 20
                rounds += 1
            return rounds

        _, *rounds = await asyncio.gather(write(), read(), read())
        assert all(rounds)
        assert await store.count() == 100

    run(scenario)


def test_many_loops_in_many_threads_use_one_store(place: str) -> None:
    store = open_store(place)
    asyncio.run(store.set_manifest(MANIFEST))
    failures: list[BaseException] = []

    def work(name: str) -> None:
        async def scenario() -> None:
            for i in range(5):
                await put(store, entry(f"{name}-{i}#0", owner=name))
                assert f"{name}-{i}#0" in await found(store, sparse=words(1), limit=100)
            assert await store.count({"owner": name}) == 5

        try:
            asyncio.run(scenario())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert asyncio.run(store.count()) == 20
    asyncio.run(store.close())


def test_a_closed_store_says_so(place: str) -> None:
    async def scenario() -> None:
        store = open_store(place)
        await store.set_manifest(MANIFEST)
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.count()

    asyncio.run(scenario())


def test_a_corpus_is_pushed_to_another_store(run: Run, tmp_path: Path) -> None:
    async def scenario(target: Store) -> None:
        source = open_store(tmp_path / "pushed")
        await source.set_manifest(MANIFEST)
        for i in range(40):
            await put(
                source,
                *(
                    entry(f"d{i}#{j}", tokens=(1, 100 + i), n=i, extra={"names": [f"n{i}"]})
                    for j in (0, 1)
                ),
            )
        told: list[tuple[int, int]] = []
        assert await push(source, target, lambda done, of: told.append((done, of))) == 40
        assert told[-1] == (40, 40)
        assert await target.count() == 80
        assert sorted(await found(target, sparse=words(107), where={"n": 7})) == ["d7#0", "d7#1"]
        assert sorted((await target.lookup("names", ["n3"]))["n3"]) == ["d3#0", "d3#1"]
        copied = await target.document("d5")
        assert copied is not None
        assert copied.document.text == "the text of d5"
        await put(source, entry("d3#0", text="changed"), hash="h2")
        assert await push(source, target) == 1
        assert await target.count() == 79
        await source.close()

    run(scenario)


def test_a_push_between_embedders_is_refused(run: Run, tmp_path: Path) -> None:
    async def scenario(target: Store) -> None:
        source = open_store(tmp_path / "other")
        await source.set_manifest(MANIFEST.model_copy(update={"embedder": "other@2"}))
        await put(source, entry("a#0"))
        with pytest.raises(StoreMismatch, match=r"tiny@1.*other@2"):
            await push(source, target)
        assert await target.count() == 0
        await source.close()

    run(scenario)
