"""Adding: what goes in, what is left, what is replaced, what is removed, and what an
interruption costs.

Most tests use a store in memory at the store's own seam; the last ones use the real one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from suffice import Document
from suffice.errors import CallFailed, InputError, StoreMismatch, StoreUnavailable
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest import Progress, add, embedding_text
from suffice.tools.store import DocumentRecord, Entry, Hit, Manifest, Store, Vector, open_store
from suffice.tools.types import AddReport, Passage


class Shelf:
    """Documents and passages in memory, with a log of what was asked of it."""

    def __init__(self) -> None:
        self.built: Manifest | None = None
        self.records: dict[str, DocumentRecord] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.upserts: list[list[str]] = []
        self.optimized = 0
        self.before_upsert: Callable[[], Awaitable[None]] | None = None

    async def manifest(self) -> Manifest | None:
        return self.built

    async def set_manifest(self, manifest: Manifest) -> None:
        if self.built and self.built.embedder != manifest.embedder:
            self.entries.clear()
            for name, record in self.records.items():
                self.records[name] = DocumentRecord(record.document, "", record.root)
        self.built = manifest

    async def upsert(self, records: Sequence[DocumentRecord], entries: Sequence[Entry]) -> None:
        assert self.built is not None
        if self.before_upsert:
            await self.before_upsert()
        self.upserts.append([record.document.id for record in records])
        for record in records:
            name = record.document.id
            self.entries[name] = [e for e in entries if e.passage.document_id == name]
            assert len(self.entries[name]) == record.passages
            self.records[name] = record

    async def delete(self, document_ids: Sequence[str]) -> None:
        for name in document_ids:
            del self.records[name]
            self.entries.pop(name, None)

    async def documents(self) -> list[DocumentRecord]:
        return [
            DocumentRecord(r.document.model_copy(update={"text": ""}), r.hash, r.root, r.passages)
            for r in self.records.values()
        ]

    async def document(self, document_id: str) -> DocumentRecord | None:
        return self.records.get(document_id)

    async def scroll(self, where: Any = None, *, with_vectors: bool = False) -> Any:
        for name in where["document_id"]["in"]:
            for entry in self.entries[name]:
                yield Hit(entry.passage, 0.0, entry.dense if with_vectors else None)

    async def optimize(self) -> None:
        self.optimized += 1

    @property
    def texts(self) -> dict[str, str]:
        return {r.document.title: r.document.text for r in self.records.values()}

    @property
    def passages(self) -> list[Passage]:
        return [entry.passage for entries in self.entries.values() for entry in entries]


class Toy:
    """An embedder whose vectors depend on the text and on nothing else."""

    dimensions = 8

    def __init__(self, name: str = "toy:one@1") -> None:
        self.fingerprint = name
        self.texts: list[str] = []
        self.calls = 0
        self.before: Callable[[], Awaitable[None]] | None = None

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.calls += 1
        if self.before:
            await self.before()
        self.texts += texts
        return [self.vector(text) for text in texts]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        return [self.vector(text) for text in texts]

    async def close(self) -> None:
        pass

    def vector(self, text: str) -> Vector:
        seed = f"{self.fingerprint}{text}".encode()
        raw = np.frombuffer(hashlib.sha256(seed).digest()[:8], np.uint8).astype(np.float32) + 1
        return cast(Vector, raw / np.linalg.norm(raw))


def put(shelf: Shelf, sources: Any, embedder: Any = "toy", **options: Any) -> AddReport:
    made = Toy() if embedder == "toy" else embedder
    return asyncio.run(add(cast(Store, shelf), made, Bm25(), sources, **options))


def counts(report: AddReport) -> tuple[int, int, int, int]:
    return (report.added, report.updated, report.unchanged, report.removed)


def reasons(report: AddReport) -> dict[str, str]:
    return {Path(failure.source).name: failure.reason for failure in report.failed}


def write(root: Path, **texts: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (root / f"{name}.md").write_text(text)
    return root


LONG = "A sentence about tugs goes on for a little while. " * 100


# What goes in


def test_files_folders_and_documents_go_in_together(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="# A\n\nOne.", b=LONG)
    (tmp_path / "set.jsonl").write_text(
        '{"id": "x", "text": "X", "year": 2020}\n{"id": "y", "text": "Y"}'
    )
    shelf = Shelf()
    mine = Document(id="m", text="Mine", metadata={"deep": {"n": 1}, "when": [1, 2]})
    report = put(shelf, [tmp_path / "docs", tmp_path / "set.jsonl", mine])
    assert counts(report) == (5, 0, 0, 0)
    assert report.failed == ()
    assert report.passages == len(shelf.passages) > 5
    assert report.seconds > 0
    assert shelf.records["m"].document.metadata == {"deep.n": 1, "when": [1, 2]}
    assert shelf.records["m"].root == ""
    assert shelf.records["x"].root == (tmp_path / "set.jsonl").as_posix()
    a = next(p for p in shelf.passages if p.title == "A")
    assert a.source == (tmp_path / "docs/a.md").as_posix()
    assert a.metadata == {"folder": "", "file": "a.md", "extension": "md"}
    assert a.id == a.document_id


def test_each_passage_goes_in_with_both_its_vectors() -> None:
    shelf, embedder = Shelf(), Toy()
    documents = [Document(id=f"d{i}", title=f"T{i}", text=LONG + str(i)) for i in range(150)]
    put(shelf, documents, embedder)
    for entries in shelf.entries.values():
        for entry in entries:
            text = f"{entry.passage.title}. {entry.passage.text}"
            assert entry.dense is not None
            assert np.array_equal(entry.dense, embedder.vector(text))
            assert list(entry.sparse.indices) == list(Bm25().embed_document(text).indices)
    for i in range(150):
        record = shelf.records[f"d{i}"]
        assert all(
            record.document.text[e.passage.start : e.passage.end] == e.passage.text
            for e in shelf.entries[f"d{i}"]
        )


def test_without_an_embedder_passages_are_stored_for_words_alone() -> None:
    shelf = Shelf()
    put(shelf, Document(text="Two tugs"), None)
    assert shelf.built is not None
    assert (shelf.built.embedder, shelf.built.dimensions) == ("", 0)
    assert [e.dense for entries in shelf.entries.values() for e in entries] == [None]


def test_what_another_tool_keeps_beside_a_passage() -> None:
    shelf = Shelf()
    document = Document(id="d", text="Ada and Bob")
    put(shelf, document, enrich=lambda passage: {"names": passage.text.split(" and ")})
    assert shelf.entries["d"][0].extra == {"names": ["Ada", "Bob"]}
    again = put(shelf, document, enrich=lambda _: {"names": ["Eve"]}, enrich_version="2")
    assert counts(again) == (0, 1, 0, 0)
    assert shelf.entries["d"][0].extra == {"names": ["Eve"]}


def test_the_manifest_says_what_the_corpus_was_built_with() -> None:
    shelf = Shelf()
    put(shelf, Document(text="x"))
    assert shelf.built is not None
    assert (shelf.built.embedder, shelf.built.dimensions) == ("toy:one@1", 8)
    assert shelf.built.sparse == Bm25().fingerprint


def test_an_adding_that_adds_nothing_makes_no_corpus(tmp_path: Path) -> None:
    shelf = Shelf()
    assert counts(put(shelf, tmp_path)) == (0, 0, 0, 0)
    assert counts(put(shelf, [])) == (0, 0, 0, 0)
    assert shelf.built is None


def test_documents_may_come_from_an_iterator_that_is_read_as_needed() -> None:
    shelf = Shelf()
    given = 0

    def stream() -> Iterator[Document]:
        nonlocal given
        for given in range(1, 3001):
            yield Document(id=str(given), text=f"Text {given}")

    async def slow() -> None:
        # What was read ahead is bounded, however slow the embedding is.
        assert given - sum(map(len, shelf.upserts)) <= 256 * 12

    embedder = Toy()
    embedder.before = slow
    assert counts(put(shelf, stream(), embedder)) == (3000, 0, 0, 0)


def test_an_iterator_may_hold_whatever_a_list_may(tmp_path: Path) -> None:
    write(tmp_path, a="One.")
    shelf = Shelf()
    report = put(shelf, iter([tmp_path, Document(text="Two"), "no/such/file", 5]))
    assert counts(report) == (2, 0, 0, 0)
    assert "there is no file" in reasons(report)["file"]
    assert "cannot add a int" in reasons(report)["5"]


# Adding again


def test_adding_again_embeds_nothing(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b=LONG)
    shelf, embedder = Shelf(), Toy()
    documents = [Document(text="Three", metadata={"when": {"year": 1}})]
    put(shelf, [tmp_path, documents], embedder)
    calls, upserts, optimized = embedder.calls, len(shelf.upserts), shelf.optimized
    report = put(shelf, [tmp_path, documents], embedder)
    assert counts(report) == (0, 0, 3, 0)
    assert (embedder.calls, len(shelf.upserts), shelf.optimized) == (calls, upserts, optimized)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Other text."},
        {"title": "Other title"},
        {"metadata": {"year": 2022}},
        {"source": "elsewhere"},
    ],
)
def test_a_changed_document_replaces_its_passages(change: dict[str, Any]) -> None:
    shelf = Shelf()
    one = Document(id="d", text=LONG, title="T", source="s", metadata={"year": 2021})
    two = Document(id="e", text="Stays.")
    put(shelf, [one, two])
    assert len(shelf.entries["d"]) > 1
    report = put(shelf, [one.model_copy(update=change), two])
    assert counts(report) == (0, 1, 1, 0)
    for key, value in change.items():
        assert all(getattr(entry.passage, key) == value for entry in shelf.entries["d"])


def test_another_passage_length_cuts_anew() -> None:
    shelf = Shelf()
    put(shelf, Document(id="d", text=LONG))
    before = len(shelf.entries["d"])
    assert counts(put(shelf, Document(id="d", text=LONG), max_chars=300)) == (0, 1, 0, 0)
    assert len(shelf.entries["d"]) > before


def test_only_what_changed_in_a_folder_is_embedded(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b="Two.", c="Three.")
    shelf, embedder = Shelf(), Toy()
    put(shelf, tmp_path, embedder)
    write(tmp_path, b="Two, changed.", d="Four.")
    embedder.texts.clear()
    assert counts(put(shelf, tmp_path, embedder)) == (1, 1, 2, 0)
    assert embedder.texts == ["b. Two, changed.", "d. Four."]


def test_a_changed_document_keeps_the_vectors_of_unchanged_passages() -> None:
    shelf, embedder = Shelf(), Toy()
    parts = [f"# Part {i}\n\n{LONG[:1000]} {i}." for i in range(8)]
    put(shelf, Document(id="d", title="T", text="\n\n".join(parts)), embedder)
    assert len(shelf.entries["d"]) == 8
    parts[3] += " And one more word."
    embedder.texts.clear()
    report = put(shelf, Document(id="d", title="T", text="\n\n".join(parts)), embedder)
    assert (counts(report), report.passages) == ((0, 1, 0, 0), 1)
    assert len(embedder.texts) == 1
    for entry in shelf.entries["d"]:
        assert entry.dense is not None
        assert np.array_equal(entry.dense, embedder.vector(embedding_text(entry.passage)))
    other = put(shelf, Document(id="d", title="T2", text="\n\n".join(parts)), embedder)
    assert other.passages == 8


def test_only_metadata_that_changed_costs_no_embedding() -> None:
    shelf, embedder = Shelf(), Toy()
    put(shelf, Document(id="d", text=LONG), embedder)
    report = put(shelf, Document(id="d", text=LONG, metadata={"year": 2022}), embedder)
    assert (counts(report), report.passages) == ((0, 1, 0, 0), 0)
    assert {passage.metadata["year"] for passage in shelf.passages} == {2022}


# Removing


def test_a_file_gone_from_an_added_folder_is_removed(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="One.", b="Two.")
    write(tmp_path / "docs/deep", c="Three.")
    shelf = Shelf()
    put(shelf, [tmp_path / "docs", Document(title="mine", text="Mine.")])
    (tmp_path / "docs/deep/c.md").unlink()
    assert counts(put(shelf, tmp_path / "docs")) == (0, 0, 2, 1)
    assert set(shelf.texts) == {"a", "b", "mine"}
    assert len(shelf.passages) == 3


def test_nothing_else_is_removed(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="One.")
    write(tmp_path / "more", b="Two.")
    write(tmp_path / "docs/.hidden", h="Hidden.")
    write(tmp_path / "docs2", e="A folder whose name starts alike.")
    shelf = Shelf()
    documents = [Document(title="m", text="Mine.", source=f"{tmp_path}/docs/gone.md")]
    put(shelf, [tmp_path / "docs", tmp_path / "more", documents, tmp_path / "docs2"])
    put(shelf, tmp_path / "docs/.hidden/h.md")
    (tmp_path / "more/b.md").unlink()
    (tmp_path / "docs2/e.md").unlink()
    assert counts(put(shelf, tmp_path / "docs")) == (0, 0, 1, 0)
    assert counts(put(shelf, tmp_path / "docs/a.md")) == (0, 0, 1, 0)
    assert set(shelf.texts) == {"a", "b", "m", "h", "e"}


def test_a_part_of_an_added_folder_stays_what_it_was(tmp_path: Path) -> None:
    write(tmp_path / "docs/deep", a="One.", b="Two.")
    shelf = Shelf()
    put(shelf, tmp_path / "docs")
    assert counts(put(shelf, tmp_path / "docs/deep")) == (0, 0, 2, 0)
    assert counts(put(shelf, tmp_path / "docs/deep/a.md")) == (0, 0, 1, 0)
    (tmp_path / "docs/deep/b.md").unlink()
    assert counts(put(shelf, tmp_path / "docs/deep")) == (0, 0, 1, 1)
    (tmp_path / "docs/deep/a.md").unlink()
    assert counts(put(shelf, tmp_path / "docs")) == (0, 0, 0, 1)


def test_a_folder_around_an_added_one_takes_it_in(tmp_path: Path) -> None:
    write(tmp_path / "docs/deep", a="One.", b="Two.", c="Three.")
    shelf = Shelf()
    put(shelf, tmp_path / "docs/deep")
    (tmp_path / "docs/deep/a.md").unlink()
    # The folder in their metadata is another one now.
    assert counts(put(shelf, tmp_path / "docs")) == (0, 2, 0, 1)
    assert {passage.metadata["folder"] for passage in shelf.passages} == {"deep"}
    assert counts(put(shelf, tmp_path / "docs/deep")) == (0, 0, 2, 0)


def test_a_glob_is_a_root_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b="Two.")
    shelf = Shelf()
    put(shelf, f"{tmp_path}/*.md")
    (tmp_path / "b.md").unlink()
    assert counts(put(shelf, f"{tmp_path}/*.md")) == (0, 0, 1, 1)


def test_a_line_gone_from_json_lines_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    lines = [
        json.dumps({"id": str(i), "text": f"T{i}", "source": f"https://x/{i}"}) for i in range(4)
    ]
    path.write_text("\n".join(lines))
    for root in (path, tmp_path):
        shelf = Shelf()
        path.write_text("\n".join(lines))
        put(shelf, root)
        path.write_text("\n".join(lines[1:]))
        assert counts(put(shelf, root)) == (0, 0, 3, 1)
        path.write_text("\n".join([lines[1], "{bad", lines[3]]))
        # Which document the bad line was cannot be told, so none is removed.
        assert counts(put(shelf, root)) == (0, 0, 2, 0)
        assert set(shelf.records) == {"1", "2", "3"}


def test_a_file_that_cannot_be_read_this_time_stays(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b="Two.")
    shelf = Shelf()
    put(shelf, tmp_path)
    (tmp_path / "b.md").write_bytes(b"caf\xe9")
    report = put(shelf, tmp_path)
    assert counts(report) == (0, 0, 1, 0)
    assert "not valid UTF-8" in reasons(report)["b.md"]
    assert shelf.texts["b"] == "Two."


def test_a_line_that_cannot_go_in_this_time_keeps_its_old_version(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "a", "text": "One."}\n{"id": "b", "text": "Two."}')
    shelf = Shelf()
    put(shelf, path)
    path.write_text('{"id": "a", "text": "One."}\n{"id": "b", "text": "Tw\\ud800"}')
    report = put(shelf, path)
    assert counts(report) == (0, 0, 1, 0)
    assert len(report.failed) == 1
    assert shelf.records["b"].document.text == "Two."


def test_a_file_emptied_is_gone(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b="Two.")
    shelf = Shelf()
    put(shelf, tmp_path)
    (tmp_path / "b.md").write_text("")
    report = put(shelf, tmp_path)
    assert (counts(report), report.failed) == ((0, 0, 1, 1), ())


def test_a_missing_folder_is_an_error_and_removes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="One.")
    shelf = Shelf()
    put(shelf, tmp_path / "docs")
    (tmp_path / "docs").rename(tmp_path / "away")
    with pytest.raises(InputError, match="there is no file or folder"):
        put(shelf, [Document(text="Not added either."), tmp_path / "docs"])
    assert set(shelf.texts) == {"a"}


# Bad input


def test_bad_files_are_reported_and_the_rest_goes_in(tmp_path: Path) -> None:
    write(tmp_path, good="Good.", odd="---\na: b: c\n---\nText.", front="---\na: 1\n---\n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "program.txt").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "empty.md").write_text("")
    with (tmp_path / "dump.txt").open("wb") as file:
        file.truncate(50_000_000)
    report = put(Shelf(), tmp_path)
    assert counts(report) == (2, 0, 0, 0)
    assert {name: why.split(",")[0][:28] for name, why in reasons(report).items()} == {
        "odd.md": "its front matter cannot be r",
        "front.md": "has no text",
        "latin.txt": "is not valid UTF-8: byte 0xe",
        "program.txt": "is a binary file",
        "picture.png": "is an image",
        "dump.txt": "has 50.0 MB",
    }


def test_an_empty_file_is_reported_where_it_was_named(tmp_path: Path) -> None:
    write(tmp_path, empty="")
    assert reasons(put(Shelf(), tmp_path / "empty.md")) == {"empty.md": "is empty"}


def test_documents_that_cannot_go_in_are_reported() -> None:
    shelf = Shelf()
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    report = put(
        shelf,
        [
            Document(id="good", text="Good."),
            Document(id="good", text="The same id.", title="second"),
            Document(title="empty", text=" \n"),
            Document(title="half", text="a\ud800b"),
            Document(title="wide", text="x", metadata={"a": list(range(20_000))}),
            Document(title="deep", text="x", metadata=deep),
        ],
    )
    assert counts(report) == (1, 0, 0, 0)
    found = reasons(report)
    assert shelf.records["good"].document.text == "Good."
    assert "has the id 'good'" in found["second"]
    assert found["empty"] == "has no text"
    assert "half a character" in found["half"]
    assert "more than 10,000 metadata values" in found["wide"]
    assert found["deep"]


def test_an_id_that_a_passage_of_another_has_is_reported() -> None:
    for order in (1, -1):
        documents = [Document(id="d", text=LONG), Document(id="d#2", text="Short.")][::order]
        shelf = Shelf()
        report = put(shelf, documents)
        assert counts(report) == (1, 0, 0, 0)
        assert "passage" in report.failed[0].reason
        ids = [passage.id for passage in shelf.passages]
        assert len(ids) == len(set(ids))
    assert counts(put(Shelf(), [Document(id="d", text="x"), Document(id="d#2", text="y")]))[0] == 2


def test_metadata_is_made_fit_to_be_stored(tmp_path: Path) -> None:
    given: dict[Any, Any] = {
        "n": float("nan"),
        "big": 2**70,
        "none": None,
        "mixed": [1, {"a": 2}],
        "b": b"x",
        5: 6,
    }
    shelf = Shelf()
    put(shelf, Document.model_construct(id="d", text="x", title="", source="", metadata=given))
    assert shelf.records["d"].document.metadata == {
        "n": "nan",
        "big": str(2**70),
        "mixed": '[1, {"a": 2}]',
        "b": "x",
        "5": 6,
    }


# Other embedders


def test_embedders_are_not_mixed() -> None:
    shelf = Shelf()
    put(shelf, Document(id="d", text="x"))
    with pytest.raises(StoreMismatch, match="--reembed"):
        put(shelf, Document(id="e", text="y"), Toy("toy:two@2"))
    with pytest.raises(StoreMismatch):
        put(shelf, Document(id="e", text="y"), None)
    assert set(shelf.records) == {"d"}


def test_reembed_rebuilds_all_that_is_stored(tmp_path: Path) -> None:
    write(tmp_path, a="One.", gone="Gone.")
    shelf, other = Shelf(), Toy("toy:two@2")
    put(shelf, [tmp_path, Document(id="d", text=LONG)])
    (tmp_path / "gone.md").unlink()
    report = put(shelf, tmp_path, other, reembed=True)
    assert counts(report) == (0, 2, 0, 1)
    assert shelf.built is not None
    assert shelf.built.embedder == "toy:two@2"
    for entries in shelf.entries.values():
        for entry in entries:
            assert entry.dense is not None
            assert np.array_equal(entry.dense, other.vector(embedding_text(entry.passage)))
    assert counts(put(shelf, [], other)) == (0, 0, 0, 0)


def test_reembed_may_be_asked_for_without_sources() -> None:
    shelf = Shelf()
    put(shelf, [Document(id=str(i), text=f"Text {i}") for i in range(600)])
    assert counts(put(shelf, [], Toy("toy:two@2"), reembed=True)) == (0, 600, 0, 0)
    assert all(entry.dense is not None for e in shelf.entries.values() for entry in e)


# Interruptions


def stop_after(writes: int, act: Callable[[], Any]) -> Callable[[], Awaitable[None]]:
    count = 0

    async def before() -> None:
        nonlocal count
        count += 1
        if count > writes:
            act()

    return before


MANY = [Document(id=f"d{i}", text=f"Text number {i}") for i in range(2000)]


def test_a_cancelled_adding_keeps_what_was_written_and_can_be_completed() -> None:
    shelf = Shelf()

    async def cancelled() -> None:
        task = asyncio.create_task(add(cast(Store, shelf), Toy(), Bm25(), MANY))
        shelf.before_upsert = stop_after(1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        # The write that was under way has ended before the cancellation is passed on.
        assert len(asyncio.all_tasks()) == 1

    threads = threading.active_count()
    asyncio.run(cancelled())
    assert threading.active_count() <= threads + 1
    kept = sum(map(len, shelf.upserts))
    assert 0 < kept < 2000
    assert len(shelf.records) == kept
    shelf.before_upsert = None
    assert counts(put(shelf, MANY)) == (2000 - kept, 0, kept, 0)


def test_a_store_that_fails_is_named_with_how_much_went_in() -> None:
    shelf = Shelf()

    def full() -> None:
        raise StoreUnavailable("the disk is full")

    shelf.before_upsert = stop_after(1, full)
    with pytest.raises(StoreUnavailable) as raised:
        put(shelf, MANY)
    kept = len(shelf.records)
    assert str(raised.value).startswith(f"the disk is full. {kept} documents went in before that")
    shelf.before_upsert = None
    assert counts(put(shelf, MANY)) == (2000 - kept, 0, kept, 0)


def test_an_embedder_that_fails_loses_nothing_that_was_embedded() -> None:
    shelf, embedder = Shelf(), Toy()

    def down() -> None:
        raise CallFailed("the server is away")

    embedder.before = stop_after(3, down)
    with pytest.raises(CallFailed) as raised:
        put(shelf, MANY, embedder)
    kept = len(shelf.records)
    assert f"{kept} documents went in" in raised.value.__notes__[0]
    assert counts(put(shelf, MANY)) == (2000 - kept, 0, kept, 0)


def test_an_interrupted_reembed_is_completed_by_the_next_adding() -> None:
    shelf = Shelf()
    put(shelf, MANY)

    def away() -> None:
        raise StoreUnavailable("away")

    shelf.before_upsert = stop_after(1, away)
    with pytest.raises(StoreUnavailable):
        put(shelf, [], Toy("toy:two@2"), reembed=True)
    shelf.before_upsert = None
    left = sum(not record.hash for record in shelf.records.values())
    assert 0 < left < 2000
    report = put(shelf, Document(id="new", text="New."), Toy("toy:two@2"))
    assert counts(report) == (1, left, 0, 0)
    assert all(record.hash for record in shelf.records.values())
    assert len(shelf.passages) == 2001


def test_an_error_in_the_callback_ends_the_adding() -> None:
    def broken(progress: Progress) -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError):
        put(Shelf(), MANY, progress=broken)


# Progress


def test_progress_counts_up_to_all_there_is(tmp_path: Path) -> None:
    write(tmp_path, a="One.", b=LONG, latin="")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    lines = "\n".join(json.dumps({"text": f"Text {i}"}) for i in range(1500)) + "\n{bad\n"
    (tmp_path / "set.jsonl").write_text(lines)
    moments: list[Progress] = []
    report = put(Shelf(), [tmp_path, Document(text="Mine.")], progress=moments.append)
    assert report.added == 1503
    first, last = moments[0], moments[-1]
    assert (first.done, first.passages, first.seconds_left) == (0, 0, None)
    assert (last.done, last.passages) == (1503, report.passages)
    assert last.total in (1503, 1504, 1505)
    assert last.rate > 0
    assert [m.done for m in moments] == sorted(m.done for m in moments)
    assert all(m.done <= m.total for m in moments)
    middle = [m for m in moments if 0 < m.done < 1000]
    assert all(m.total > 1400 for m in middle)
    assert all(m.seconds_left is not None and m.seconds_left >= 0 for m in middle)


# The real store


def test_the_real_store_holds_what_was_added(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="# Tugs\n\nTwo tugs for tankers.", b=LONG)

    async def run() -> None:
        store = open_store(tmp_path / "corpus")
        embedder, sparse = Toy(), Bm25()
        try:
            report = await add(store, embedder, sparse, [tmp_path / "docs"])
            assert (report.added, report.passages) == (2, await store.count())
            (tmp_path / "docs/b.md").unlink()
            write(tmp_path / "docs", a="# Tugs\n\nThree tugs for tankers.")
            report = await add(store, embedder, sparse, tmp_path / "docs")
            assert counts(report) == (0, 1, 0, 1)
            (record,) = await store.documents()
            (passage,) = await store.passages([record.document.id])
            whole = await store.document(record.document.id)
            assert whole is not None
            assert whole.document.text[passage.start : passage.end] == passage.text
            assert "Three" in passage.text
        finally:
            await store.close()

        store = open_store(tmp_path / "corpus")
        try:
            assert counts(await add(store, embedder, sparse, tmp_path / "docs")) == (0, 0, 1, 0)
            other = Toy("toy:two@2")
            with pytest.raises(StoreMismatch):
                await add(store, other, sparse, tmp_path / "docs")
            report = await add(store, other, sparse, [], reembed=True)
            assert counts(report) == (0, 1, 0, 0)
            assert await store.count() == 1
        finally:
            await store.close()

    asyncio.run(run())
