"""A corpus folder: two Qdrant Edge shards and a manifest, opened once a process.

    notes/manifest.json    what the corpus was built with
    notes/documents/       the shard of records and texts; who has it open has the folder
    notes/passages/        the shard that is searched

The engine lets one process at a time hold a folder. Within a process, all stores on the
same folder share one `Folder`, and the last to close closes it: opening a corpus twice,
as happens in notebooks and in tests, just works.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import qdrant_edge as edge

from ...errors import StoreError
from .disk import require_space, sync_all
from .gate import Gate
from .layout import DOCUMENT_INDEXES, PASSAGE_INDEXES, missing_indexes
from .manifest import FILE, read_manifest, write_manifest
from .protocol import Manifest

T = TypeVar("T")

EXACT_SEARCH_KB = 150_000
"""Dense vectors up to this size, of some 100,000 passages, are compared one by one: exact,
in ten milliseconds or so. Building their graph would take minutes."""

POINTS_UNFLUSHED = 5_000
"""Points that may be in the log alone; reading it again takes about a second."""

_PARTS = ("passages", "passages-old", "passages-new", "passages-gone")
_KEPT = ("runs.sqlite", "threads.sqlite")
"""What was asked lies beside a corpus, also before it has documents."""
_BESIDE = {f"{name}{end}" for name in _KEPT for end in ("", "-wal", "-shm", "-journal")}
_OWN = {FILE, FILE + ".new", "documents", *_PARTS, *_BESIDE}

_INDEX = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "float": edge.PayloadSchemaType.Float,
    "datetime": edge.PayloadSchemaType.Datetime,
}


class Folder:
    """The open shards of one corpus folder, and what is known of it."""

    def __init__(self, path: Path, manifest: Manifest, exact_search_kb: int) -> None:
        require_space(path)
        self.path = path
        self.manifest = manifest
        self.exact_search_kb = exact_search_kb
        self.holders = 0
        self.gate = Gate()
        self._turn = threading.RLock()
        self._version = 0
        self._memory: dict[str, tuple[int, Any]] = {}
        self._unflushed = {"documents": 0, "passages": 0}
        self.documents = _shard(path / "documents", 0, exact_search_kb)
        try:
            self._index(self.documents, DOCUMENT_INDEXES)
            self._recover()
            self.passages = self._open_passages()
        except BaseException:
            self.documents.close()
            raise

    def _open_passages(self) -> edge.EdgeShard:
        path, dimensions = self.path / "passages", self.manifest.dimensions
        shard = _shard(path, dimensions, self.exact_search_kb)
        self._index(shard, PASSAGE_INDEXES)
        return shard

    def _recover(self) -> None:
        """Clear up after a process that was killed while it exchanged the passages."""
        passages, old, *others = (self.path / part for part in _PARTS)
        if old.exists() and not passages.exists():
            old.rename(passages)
        for leftover in (old, *others):
            shutil.rmtree(leftover, ignore_errors=True)

    def _index(self, shard: edge.EdgeShard, paths: dict[str, str]) -> None:
        present = shard.info().payload_schema
        for path, kind in missing_indexes(paths, present).items():
            shard.update(edge.UpdateOperation.create_field_index(path, _INDEX[kind]))

    def index(self, paths: dict[str, str]) -> None:
        """Index payload paths of the passages, each by its kind, where not yet done."""
        self._index(self.passages, paths)

    # Turns. Whoever writes waits for the turn first and for the gate second.

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other writers out; what was remembered before is forgotten after."""
        with self._turn:
            try:
                yield
            finally:
                self._version += 1

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Take a turn at writing, while others read."""
        with self.turn(), self.gate.shared():
            yield

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Take a turn with nobody reading."""
        with self.turn(), self.gate.alone():
            yield

    def remembered(self, name: str, work_out: Callable[[], T]) -> T:
        """Return what `work_out` gives, from memory unless something was written since."""
        version = self._version
        known = self._memory.get(name)
        if known is None or known[0] != version:
            known = self._memory[name] = (version, work_out())
        return cast(T, known[1])

    # Called while changing

    def secure(self, part: str, points: int) -> None:
        """Make the last writes to a shard safe from a power cut; `points` is their number.

        The engine's own flush syncs some hundred files. Its log alone is enough to write
        everything again when the folder is next opened, so only that is synced, and the
        rest now and then, to keep the log short.
        """
        shard = self.passages if part == "passages" else self.documents
        self._unflushed[part] += points
        if self._unflushed[part] > POINTS_UNFLUSHED:
            shard.flush()
            self._unflushed[part] = 0
            return
        sync_all(self.path / part / "wal")

    # Called while exchanging

    def empty_passages(self, manifest: Manifest) -> None:
        """Take over another manifest, and give the passages room for its vectors."""
        gone = self.path / "passages-gone"
        self.passages.close()
        (self.path / "passages").rename(gone)
        write_manifest(self.path, manifest)
        self.manifest = manifest
        self.passages = self._open_passages()
        shutil.rmtree(gone)

    def adopt_passages(self, better: Path) -> None:
        """Put a shard that holds the same, `passages-new`, in the place of the passages."""
        passages, old = self.path / "passages", self.path / "passages-old"
        self.passages.close()
        passages.rename(old)
        better.rename(passages)
        self.passages = self._open_passages()
        shutil.rmtree(old)

    def close(self) -> None:
        """Close both shards once the calls under way have ended."""
        with self.exchanging():
            self.passages.close()
            self.documents.close()


def _shard(path: Path, dimensions: int, exact_search_kb: int) -> edge.EdgeShard:
    """Open a shard, or make it. The engine wants some vector: documents have an unused one."""
    dense = edge.EdgeVectorParams(size=max(1, dimensions), distance=edge.Distance.Cosine)
    config = edge.EdgeConfig(
        vectors={"dense": dense} if dimensions else None,
        sparse_vectors={"sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=exact_search_kb),
    )
    if path.exists():
        return edge.EdgeShard.load(str(path), config)
    return edge.EdgeShard.create(str(path), config)


# Sharing within the process

_open: dict[tuple[int, Path], Folder] = {}
_opening = threading.RLock()
# Reentrant, for a store may be collected, and so released, while another is opened.


def hold(path: Path, exact_search_kb: int = EXACT_SEARCH_KB) -> Folder | None:
    """Open a corpus folder, or share it with who has it open; None if it is no corpus yet.

    Raises the engine's errors (see `disk.engine_errors`) and `StoreMismatch`.
    """
    key = (os.getpid(), path.resolve())
    with _opening:
        folder = _open.get(key)
        if folder is None:
            manifest = read_manifest(path)
            if manifest is None:
                return None
            folder = _open[key] = Folder(path, manifest, exact_search_kb)
        folder.holders += 1
        return folder


def create(path: Path, manifest: Manifest, exact_search_kb: int = EXACT_SEARCH_KB) -> Folder:
    """Make a corpus folder, or share it with who was quicker."""
    with _opening:
        folder = hold(path, exact_search_kb)
        if folder is None:
            _refuse_foreign(path)
            path.mkdir(parents=True, exist_ok=True)
            require_space(path)
            write_manifest(path, manifest)
            folder = hold(path, exact_search_kb)
        assert folder is not None  # it has a manifest now
        return folder


def share(folder: Folder) -> None:
    """Hold a folder once more, so that it stays open until it is released."""
    with _opening:
        folder.holders += 1


def release(folder: Folder) -> None:
    """Give up one hold; the last one closes the folder."""
    with _opening:
        folder.holders -= 1
        if folder.holders:
            return
        for key in [key for key, held in _open.items() if held is folder]:
            del _open[key]
        folder.close()


def _refuse_foreign(path: Path) -> None:
    """Refuse to make a corpus among files that are somebody else's."""
    if not path.is_dir():
        return
    foreign = sorted(e.name for e in path.iterdir() if e.name not in _OWN and e.name[0] != ".")
    if foreign:
        raise StoreError(
            f'"{path}" holds other files ({", ".join(foreign[:3])}), so no corpus is made there.'
            " Name a new or an empty folder"
        )
