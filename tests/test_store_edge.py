"""What only a corpus folder must do: outlive its process, be locked, be safe from the disk."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from store_samples import MANIFEST, entry, found, ids, put, record, towards, words

from suffice.errors import StoreError, StoreLocked, StoreMismatch, StoreUnavailable
from suffice.tools.store import SearchRequest, Store, open_store
from suffice.tools.store.disk import sync_all
from suffice.tools.store.edge import EdgeStore

TESTS = Path(__file__).parent


def python(program: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start another process that can use the samples."""
    head = f"import sys, asyncio; sys.path.insert(0, {str(TESTS)!r})\nfrom store_samples import *\n"
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", head + program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


def filled(folder: Path, *names: str) -> None:
    """Make a corpus with a passage for each document, and close it."""

    async def scenario() -> None:
        store = open_store(folder)
        await store.set_manifest(MANIFEST)
        await put(store, *(entry(f"{name}#0") for name in names))
        await store.close()

    asyncio.run(scenario())


# Over time


def test_a_corpus_outlives_the_store(folder: Path) -> None:
    async def scenario() -> None:
        store = open_store(folder)
        await store.set_manifest(MANIFEST)
        await put(store, entry("a#0", year=2020, extra={"names": ["Ann"]}), entry("b#0"))
        await store.delete(["b"])
        await store.close()
        again = open_store(folder)
        assert await again.manifest() == MANIFEST
        assert await found(again, sparse=words(1), dense=towards(1.0)) == ["a#0"]
        assert ids(await again.documents()) == ["a"]
        assert await again.lookup("names", ["Ann"]) == {"Ann": ["a#0"]}
        assert (await again.fields())["year"].values == (2020,)
        assert await again.document("b") is None
        await again.close()

    asyncio.run(scenario())


def test_nothing_is_made_before_the_manifest(folder: Path) -> None:
    async def scenario() -> None:
        store = open_store(folder)
        assert await store.count() == 0
        assert await store.documents() == []
        await store.close()

    asyncio.run(scenario())
    assert not folder.exists()


ADDING = """
async def main():
    from suffice.tools.store import open_store
    store = open_store(sys.argv[1])
    await store.set_manifest(MANIFEST)
    for i in range(100_000):
        await put(store, *(entry(f"d{i}#{j}", tokens=(1, 10 + j), n=i) for j in range(5)))
        print(i, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 60])
def test_what_was_acknowledged_outlives_a_kill(folder: Path, acknowledged: int) -> None:
    with python(ADDING, folder) as process:
        assert process.stdout is not None
        for _ in range(acknowledged):
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    last = max([last, *map(int, rest)])

    async def scenario() -> None:
        store = open_store(folder)
        records = {one.document.id: one for one in await store.documents()}
        for i in range(last + 1):
            assert records[f"d{i}"].hash == "h1"
            assert await store.count({"document_id": f"d{i}"}) == 5
        hits = await found(store, sparse=words(1), dense=towards(1.0), where={"n": last})
        assert sorted(hits) == [f"d{last}#{j}" for j in range(5)]
        # What was cut short is completed by adding it again.
        for i in range(last + 1, last + 3):
            await put(store, *(entry(f"d{i}#{j}", n=i) for j in range(5)))
        assert await store.count() == 5 * (last + 3)
        await store.close()

    asyncio.run(scenario())


REPLACING = """
async def main():
    from suffice.tools.store import open_store
    store = open_store(sys.argv[1])
    for i in range(100_000):
        many = [entry(f"a#{j}", text=f"version {i}") for j in range(3 + i % 40)]
        await store.upsert([record("a", text=f"version {i}", hash=f"h{i}")], many)
        print(i, flush=True)
asyncio.run(main())
"""


def test_a_replacement_that_is_killed_is_whole_or_marked(folder: Path) -> None:
    filled(folder, "a", "other")
    with python(REPLACING, folder) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        process.stdout.read()

    async def scenario() -> None:
        store = open_store(folder)
        full = await store.document("a")
        assert full is not None
        assert await store.count({"document_id": "other"}) == 1
        if full.hash:  # whole: text, record and passages are of one version
            passages = [hit.passage async for hit in store.scroll({"document_id": "a"})]
            assert {one.text for one in passages} == {full.document.text}
            assert len(passages) == full.passages
        await put(store, entry("a#0", text="final"), hash="final")
        assert await store.count({"document_id": "a"}) == 1
        await store.close()

    asyncio.run(scenario())


# Who may open it


def test_another_process_is_told_that_the_folder_is_held(folder: Path) -> None:
    filled(folder, "a")
    program = (
        "async def main():\n"
        "    from suffice.tools.store import open_store\n"
        "    store = open_store(sys.argv[1])\n"
        "    await store.manifest()\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
        "asyncio.run(main())\n"
    )
    with python(program, folder, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"

        async def scenario() -> None:
            store = open_store(folder)
            with pytest.raises(StoreLocked, match="another process") as error:
                await store.manifest()
            assert str(folder) in str(error.value)
            assert "Close that one" in str(error.value)
            with pytest.raises(StoreLocked):
                await store.count()
            process.communicate()
            assert await store.count() == 1  # as soon as it is free
            await store.close()

        asyncio.run(scenario())


def test_stores_of_one_process_share_a_folder(folder: Path) -> None:
    async def scenario() -> None:
        first, second = open_store(folder), open_store(str(folder))
        assert await second.manifest() is None
        await first.set_manifest(MANIFEST)
        await put(first, entry("a#0", year=2020))
        assert await second.count({"year": 2020}) == 1
        await put(second, entry("b#0", team="x"))
        assert await first.count({"team": "x"}) == 1
        await first.close()
        assert sorted(await found(second, sparse=words(1))) == ["a#0", "b#0"]
        await second.close()
        third = open_store(folder)
        assert await third.count() == 2
        await third.close()

    asyncio.run(scenario())


def test_a_store_that_is_dropped_lets_go_of_its_folder(folder: Path) -> None:
    filled(folder, "a")

    async def look() -> None:
        assert await open_store(folder).count() == 1

    asyncio.run(look())
    program = (
        "from suffice.tools.store import open_store\n"
        "print(asyncio.run(open_store(sys.argv[1]).count()))\n"
    )
    with python(program, folder) as process:
        out, complaint = process.communicate()
    assert (out, complaint) == ("1\n", "")


def test_closing_waits_for_the_calls_under_way(folder: Path) -> None:
    async def scenario() -> None:
        store = open_store(folder)
        await store.set_manifest(MANIFEST)
        writing = [
            asyncio.ensure_future(put(store, *(entry(f"d{i}#{j}") for j in range(50))))
            for i in range(5)
        ]
        await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
        await store.close()
        results = await asyncio.gather(*writing, return_exceptions=True)
        for result in results:
            assert result is None or (isinstance(result, StoreError) and "closed" in str(result))
        again = open_store(folder)
        assert await again.count() == 50 * results.count(None)
        await again.close()

    asyncio.run(scenario())


# What is not a corpus, or not ours to read


def changed(folder: Path, **fields: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def refused(folder: Path) -> str:
    """Return why a folder cannot be opened, with the kind of error before it."""

    async def scenario() -> str:
        store = open_store(folder)
        with pytest.raises(StoreError) as error:
            await store.manifest()
        with pytest.raises(StoreError):
            await store.search([SearchRequest(sparse=words(1))])
        await store.close()
        return f"{type(error.value).__name__}: {error.value}"

    return asyncio.run(scenario())


def test_a_newer_layout_is_refused(folder: Path) -> None:
    filled(folder, "a")
    changed(folder, layout=9, suffice="7.0", novelty=True)
    message = refused(folder)
    assert message.startswith("StoreMismatch")
    for word in (str(folder), "layout 9", "Suffice 7.0", "pip install -U suffice"):
        assert word in message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"layout": "x"}', '{"layout": 1}', "\0"])
def test_a_damaged_manifest_is_refused(folder: Path, text: str) -> None:
    filled(folder, "a")
    (folder / "manifest.json").write_text(text)
    message = refused(folder)
    assert message.startswith("StoreUnavailable")
    assert "manifest" in message


def test_a_file_is_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes")
    message = refused(tmp_path / "notes.md")
    assert message.startswith("StoreUnavailable")
    assert "notes.md" in message

    async def scenario() -> None:
        store = open_store(tmp_path / "notes.md" / "inside")
        with pytest.raises(StoreUnavailable):
            await store.set_manifest(MANIFEST)
        await store.close()

    asyncio.run(scenario())
    assert (tmp_path / "notes.md").read_text() == "# Notes"


def test_no_corpus_is_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text("# Handbook")

    async def scenario() -> None:
        store = open_store(tmp_path)
        assert await store.manifest() is None
        with pytest.raises(StoreError, match=r"handbook\.md.*empty folder"):
            await store.set_manifest(MANIFEST)
        await store.close()

    asyncio.run(scenario())
    assert [file.name for file in tmp_path.iterdir()] == ["handbook.md"]


def test_a_lost_shard_is_made_anew_and_a_damaged_one_reported(folder: Path) -> None:
    filled(folder, "a")
    shutil.rmtree(folder / "passages")

    async def scenario() -> None:
        store = open_store(folder)
        assert await store.count() == 0
        await put(store, entry("a#0"))
        await store.close()

    asyncio.run(scenario())
    for file in (folder / "passages").rglob("segment.json"):
        file.write_text("no JSON")
    assert refused(folder).startswith("Store")


@pytest.mark.parametrize("left", ["passages-old", "passages-new", "passages-gone"])
def test_an_exchange_of_passages_that_was_killed_is_undone(folder: Path, left: str) -> None:
    filled(folder, "a", "b")
    if left == "passages-old":
        (folder / "passages").rename(folder / left)
    else:
        (folder / left).mkdir()

    async def scenario() -> None:
        store = open_store(folder)
        assert sorted(await found(store, sparse=words(1))) == ["a#0", "b#0"]
        await store.close()

    asyncio.run(scenario())
    assert {e.name for e in folder.iterdir()} == {"manifest.json", "passages", "documents"}


# The graph of a large corpus


def test_optimize_builds_a_graph_while_searches_go_on(folder: Path) -> None:
    vectors = np.random.default_rng(5).normal(size=(1500, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    async def scenario() -> None:
        store = EdgeStore(folder, exact_search_kb=10)
        await store.set_manifest(MANIFEST)
        entries = [entry(f"d{i // 10}#{i}", dense=vector) for i, vector in enumerate(vectors)]
        await put(store, *entries)
        request = SearchRequest(dense=vectors[7], limit=10)
        [exact] = await store.search([request])
        building = asyncio.ensure_future(store.optimize())
        searches = 0
        while not building.done():
            [hits] = await store.search([request])
            assert hits[0].passage.id == "d0#7"
            searches += 1
        await building
        assert searches > 20  # the process was not held up
        [hits] = await store.search([request])
        overlap = {hit.passage.id for hit in hits} & {hit.passage.id for hit in exact}
        assert len(overlap) >= 9
        await put(store, entry("new#0"))
        await store.delete(["d3"])
        assert await store.count() == 1491
        await store.close()
        again = open_store(folder)
        assert await again.count() == 1491
        await again.close()

    asyncio.run(scenario())
    assert {e.name for e in folder.iterdir()} == {"manifest.json", "passages", "documents"}


def test_optimize_of_a_small_corpus_changes_nothing_one_sees(folder: Path) -> None:
    async def scenario() -> None:
        store = open_store(folder)
        await store.set_manifest(MANIFEST)
        await put(store, *(entry(f"d{i}#0") for i in range(30)))
        await store.delete([f"d{i}" for i in range(20)])
        await store.optimize()
        await store.optimize()
        assert await store.count() == 10
        await store.close()

    asyncio.run(scenario())


# The disk


LIMITED = """
import random, resource
from suffice.errors import StoreUnavailable
async def main():
    from suffice.tools.store import open_store
    store = open_store(sys.argv[1])
    await store.manifest()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    for i in range(200):
        big = random.randbytes(2_000_000).hex()
        await store.upsert([record(f"d{i}", text=big)], [entry(f"d{i}#0", text=big)])
        print(i, flush=True)
try:
    asyncio.run(main())
except StoreUnavailable as error:
    print("refused:", error)
"""


def test_a_write_that_finds_no_room_loses_nothing(folder: Path) -> None:
    filled(folder, "a", "b")
    with python(LIMITED, folder, 20 * 2**20) as process:
        out, complaint = process.communicate()
    *acknowledged, refusal = out.splitlines()
    assert acknowledged, complaint
    assert refusal.startswith("refused:"), complaint
    assert str(folder) in refusal
    assert "What was there is safe" in refusal

    async def scenario() -> None:
        store = open_store(folder)
        whole = {one.document.id for one in await store.documents() if one.hash}
        assert {"a", "b", *(f"d{i}" for i in acknowledged)} <= whole
        for i in acknowledged:
            assert await store.count({"document_id": f"d{i}"}) == 1
        await put(store, entry("later#0"))
        assert await store.count({"document_id": "later"}) == 1
        await store.close()

    asyncio.run(scenario())


def mounted(program: str, folder: Path) -> str:
    """Run a program with a small file system of its own at `folder`; skip if not allowed."""
    folder.mkdir()
    head = f"import sys, asyncio; sys.path.insert(0, {str(TESTS)!r})\nfrom store_samples import *\n"
    script = 'mount -t tmpfs -o size=300m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", folder, sys.executable, head + program],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()[:80]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs Linux namespaces")
def test_a_full_disk_is_an_error_and_no_crash(folder: Path) -> None:
    out = mounted(
        """
from pathlib import Path
from suffice.errors import StoreUnavailable
from suffice.tools.store import open_store
async def main():
    store = open_store(sys.argv[1] + "/corpus")
    await store.set_manifest(MANIFEST)
    await put(store, entry("a#0"))
    filler = Path(sys.argv[1]) / "filler"
    filler.write_bytes(b"x" * 180_000_000)
    for attempt in (put(store, entry("a#0"), entry("b#0")), put(store, entry("c#0"))):
        try:
            await attempt
        except StoreUnavailable as error:
            print(error)
    print(await found(store, sparse=words(1)), len(await store.documents()))
    await store.close()
    again = open_store(sys.argv[1] + "/corpus")
    try:
        await again.manifest()
    except StoreUnavailable as error:
        print(error)
    filler.unlink()
    await put(again, entry("b#0"))
    print(sorted(await found(again, sparse=words(1))))
    await again.close()
asyncio.run(main())
""",
        folder,
    )
    first, second, before, third, after = out.splitlines()
    assert before == "['a#0'] 1"
    assert after == "['a#0', 'b#0']"
    for line in (first, second, third):
        assert "is full" in line
        assert "Make room" in line


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs Linux namespaces")
def test_a_read_only_folder_is_an_error(folder: Path) -> None:
    out = mounted(
        """
import subprocess
from suffice.errors import StoreUnavailable
from suffice.tools.store import open_store
async def main():
    store = open_store(sys.argv[1] + "/corpus")
    await store.set_manifest(MANIFEST)
    await put(store, entry("a#0"))
    await store.close()
    subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
    for name in ("/corpus", "/another"):
        store = open_store(sys.argv[1] + name)
        try:
            await store.set_manifest(MANIFEST)
        except StoreUnavailable as error:
            print(error)
        await store.close()
    subprocess.run(["mount", "-o", "remount,rw", sys.argv[1]], check=True)
    store = open_store(sys.argv[1] + "/corpus")
    print(await store.count())
    await store.close()
asyncio.run(main())
""",
        folder,
    )
    first, second, count = out.splitlines()
    assert "Read-only file system" in first
    assert "Read-only file system" in second
    assert count == "1"


def test_a_failed_write_leaves_the_old_document_searchable(folder: Path) -> None:
    filled(folder, "a")

    async def scenario() -> None:
        store = open_store(folder)
        wrong = entry("a#1")
        wrong = type(wrong)(wrong.passage, wrong.sparse, np.ones(9, np.float32))
        with pytest.raises(StoreMismatch):
            await store.upsert([record("a", hash="h2")], [entry("a#0", text="new"), wrong])
        assert (await store.passages(["a#0"]))[0].text == "the text of a#0"
        assert [one.hash for one in await store.documents()] == ["h1"]
        await store.close()

    asyncio.run(scenario())


def test_importing_the_store_imports_no_engine() -> None:
    program = (
        "import suffice.tools.store\n"
        "print([name for name in sys.modules if name.startswith(('qdrant', 'httpx', 'grpc'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + program],
        capture_output=True,
        text=True,
        check=True,
        cwd=os.fspath(TESTS),
    )
    assert done.stdout.strip() == "[]"


def test_the_store_is_a_store(folder: Path) -> None:
    store: Store = EdgeStore(folder)
    assert repr(store) == f"EdgeStore({str(folder)!r})"
    asyncio.run(store.close())


def test_a_file_that_is_renamed_while_a_folder_is_synced_is_no_outage(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / "tmp-open").write_bytes(b"log")
    done = threading.Event()

    def rename() -> None:
        names = [tmp_path / "wal" / "tmp-open", tmp_path / "wal" / "open"]
        for turn in range(20_000):
            names[turn % 2].rename(names[1 - turn % 2])
            if turn % 50 == 0:
                time.sleep(0.001)  # as the engine does, now and then
        done.set()

    renaming = threading.Thread(target=rename)
    renaming.start()
    while not done.is_set():
        sync_all(tmp_path / "wal")
    renaming.join()
    with pytest.raises(FileNotFoundError):
        sync_all(tmp_path / "gone")
