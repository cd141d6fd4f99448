"""What only a server can do to a store: be away, be busy, refuse, hold other things."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import traceback
from collections.abc import Iterator

import pytest
from qdrant_client import models
from store_http import QdrantHttp
from store_samples import MANIFEST, entry, found, ids, put, record, towards, words

from suffice.errors import FilterError, SettingsError, StoreError, StoreMismatch, StoreUnavailable
from suffice.tools.store import SearchRequest, open_store

KEY = "sk-very-secret-key"


@pytest.fixture
def server() -> Iterator[QdrantHttp]:
    running = QdrantHttp()
    yield running
    running.close()


def test_a_corpus_outlives_the_store(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url, collection="notes")
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0", year=2020))
        await store.close()
        again = open_store(server.url, collection="notes")
        assert await again.manifest() == MANIFEST
        assert await found(again, sparse=words(1), where={"year": 2020}) == ["a#0"]
        assert ids(await again.documents()) == ["a"]
        other = open_store(server.url, collection="other")
        assert await other.manifest() is None
        assert await other.count() == 0
        await again.close()
        await other.close()

    asyncio.run(scenario())


def test_a_round_of_searches_is_one_request(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0", year=2020))
        await store.count({"year": 2020})  # learns which fields there are
        server.asked.clear()
        where = {"year": {"gte": 2000}}
        both = SearchRequest(dense=towards(1.0), sparse=words(1), where=where)
        await store.search([both, SearchRequest(sparse=words(1)), both])
        assert server.asked == ["POST /collections/suffice/points/query/batch"]
        await store.close()

    asyncio.run(scenario())


def test_what_can_be_filtered_is_indexed(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url, collection="notes")
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0", year=2020, day="2024-01-01", extra={"names": ["x"]}))
        await store.close()

    asyncio.run(scenario())
    kinds = {key: index["data_type"] for key, index in server.indexes["notes"].items()}
    assert kinds == {
        "document_id": "keyword",
        "terms": "keyword",
        "fields": "keyword",
        "numbers.year": "float",
        "times.day": "datetime",
        "extra.names": "keyword",
    }


def test_large_writes_are_cut_into_requests_a_server_takes(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        server.asked.clear()
        await put(store, *(entry(f"d{i // 50}#{i}") for i in range(450)))
        assert server.asked.count("PUT /collections/suffice/points") == 3
        assert await store.count() == 450
        assert len(await store.documents()) == 9
        await store.close()

    asyncio.run(scenario())


def test_two_stores_see_what_the_other_adds(server: QdrantHttp) -> None:
    async def scenario() -> None:
        first, second = open_store(server.url), open_store(server.url)
        await first.set_manifest(MANIFEST)
        await put(first, entry("a#0", year=2020))
        with pytest.raises(FilterError):
            await second.count({"team": "x"})
        await put(first, entry("b#0", team="x"))
        assert await second.count({"team": "x"}) == 1
        assert "team" in await second.fields()
        await first.close()
        await second.close()

    asyncio.run(scenario())


# Trouble


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_trouble_that_passes_is_waited_out(server: QdrantHttp, status: int) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        server.trouble += [(status, {})] * 2
        await put(store, entry("a#0"))
        server.trouble += [(429, {"Retry-After": "0"}), (status, {})]
        assert await store.count() == 1
        server.trouble += [(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})]
        assert await store.count() == 1
        await store.close()

    asyncio.run(scenario())


def test_trouble_that_stays_is_an_outage(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0"))
        server.trouble += [(503, {})] * 100
        server.asked.clear()
        with pytest.raises(StoreUnavailable, match=r"503.*try again") as error:
            await store.search([SearchRequest(sparse=words(1))])
        assert server.url in str(error.value)
        assert len(server.asked) == 4
        server.trouble.clear()
        assert await found(store, sparse=words(1)) == ["a#0"]
        await store.close()

    asyncio.run(scenario())


def test_a_server_that_is_away_is_an_outage() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    async def scenario() -> None:
        store = open_store(url)
        with pytest.raises(StoreUnavailable, match="can be reached") as error:
            await store.manifest()
        assert url in str(error.value)
        with pytest.raises(StoreUnavailable):
            await store.set_manifest(MANIFEST)
        await store.close()

    asyncio.run(scenario())


def test_a_write_cut_short_leaves_the_document_to_be_added_again(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0"), hash="h1")
        server.client.delete_collection("suffice")  # the next write to it will fail
        with pytest.raises(StoreError, match="refused"):
            await put(store, entry("a#0"), hash="h2")
        assert {one.hash for one in await store.documents()} <= {"", "h1"}
        await store.close()

    asyncio.run(scenario())


INSECURE = "ignore:Api key is used with an insecure connection"


@pytest.mark.filterwarnings(INSECURE)
@pytest.mark.parametrize("key", [KEY, None])
def test_a_wrong_key_is_refused_at_once_and_never_shown(
    key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    server = QdrantHttp(api_key="the right one")

    async def scenario() -> None:
        store = open_store(server.url, api_key=key)
        with pytest.raises(StoreError, match="API key") as error:
            await store.manifest()
        assert not isinstance(error.value, StoreUnavailable)
        assert len(server.asked) == 1
        assert KEY not in "".join(traceback.format_exception(error.value)) + repr(store)
        await store.close()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(scenario())
    assert KEY not in caplog.text
    server.close()


@pytest.mark.filterwarnings(INSECURE)
def test_a_key_that_the_server_echoes_is_not_shown() -> None:
    server = QdrantHttp(api_key=KEY)

    async def scenario() -> None:
        store = open_store(server.url, api_key=KEY)
        await store.set_manifest(MANIFEST)
        for status in (400, 418, 503):
            server.trouble += [(status, {})] * 4
            with pytest.raises(StoreError) as error:
                await store.count()
            assert KEY not in "".join(traceback.format_exception(error.value))
            server.trouble.clear()
        await store.close()

    asyncio.run(scenario())
    server.close()


def test_a_password_in_the_address_is_not_shown() -> None:
    store = open_store("https://user:hunter2@qdrant.example:6333/x?token=abc")
    assert repr(store) == "ServerStore('https://qdrant.example:6333/x', 'suffice')"
    asyncio.run(store.close())


# What is not ours


def test_a_collection_of_somebody_else_is_left_alone(server: QdrantHttp) -> None:
    server.client.create_collection(
        "theirs", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    server.client.upsert("theirs", [models.PointStruct(id=1, vector=[1.0, 2.0], payload={})])

    async def scenario() -> None:
        store = open_store(server.url, collection="theirs")
        assert await store.manifest() is None
        assert await store.count() == 0
        with pytest.raises(StoreError, match="another collection name"):
            await store.set_manifest(MANIFEST)
        await store.close()

    asyncio.run(scenario())
    assert server.client.count("theirs").count == 1


def test_a_newer_layout_is_refused(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST.model_copy(update={"layout": 9}))
        await store.close()
        again = open_store(server.url)
        with pytest.raises(StoreMismatch, match="layout 9"):
            await again.manifest()
        with pytest.raises(StoreMismatch):
            await again.upsert([record("a")], [])
        await again.close()

    asyncio.run(scenario())


def test_a_folder_has_no_collection_and_no_key() -> None:
    for options in ({"collection": "x"}, {"api_key": KEY}):
        with pytest.raises(SettingsError, match="is a folder") as error:
            open_store("notes", **options)
        assert KEY not in str(error.value)


# Threads


def test_closing_leaves_no_thread(server: QdrantHttp) -> None:
    before = set(threading.enumerate())

    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        waiting = [asyncio.ensure_future(store.count()) for _ in range(20)]
        await waiting[0]
        await store.close()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert result == 0 or isinstance(result, StoreError)

    asyncio.run(scenario())
    assert not [one for one in set(threading.enumerate()) - before if "qdrant" in one.name]


def test_a_call_can_be_cancelled(server: QdrantHttp) -> None:
    async def scenario() -> None:
        store = open_store(server.url)
        await store.set_manifest(MANIFEST)
        server.lock.acquire()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await store.count()
        server.lock.release()
        assert await store.count() == 0
        await store.close()

    asyncio.run(scenario())
