"""A corpus folder: two Qdrant Edge shards and a manifest, opened once a process.

    notes/manifest.json    what the corpus was built with
    notes/passages/        the shard that is searched
    notes/documents/       the shard of records and texts

The engine lets one process at a time hold a folder. Within a process, all stores on the
same folder share one `Folder`, and the last to close closes it: opening a corpus twice,
as happens in notebooks and in tests, just works.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import qdrant_edge as edge

from ...errors import StoreError, StoreLocked, StoreUnavailable
from .layout import BASE_INDEXES, missing_indexes
from .manifest import FILE, read_manifest, write_manifest
from .protocol import Manifest

T = TypeVar("T")

SPARE_BYTES = 128 * 2**20
"""Free space below which nothing is opened or written: the engine maps its files into
memory, and writing to a mapped file on a full disk kills the process."""

EXACT_SEARCH_KB = 400_000
"""Size of the dense vectors below which they are compared one by one."""

_OWN = {FILE, FILE + ".new", "passages", "documents"}
_SYSTEM_CODE = re.compile(r"os error (\d+)")
_LACKING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}
_LACKING |= {errno.EIO, errno.ENOTDIR, errno.EMFILE, errno.ENFILE}


class Gate:
    """Many may pass together, or one alone; who waits to be alone is let in first."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0
        self._alone = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Pass with others."""
        with self._turn:
            self._turn.wait_for(lambda: not self._alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Pass when nobody is inside, and keep the others out."""
        with self._turn:
            self._alone += 1
            self._turn.wait_for(lambda: not self._inside)
            self._inside = 1
        try:
            yield
        finally:
            with self._turn:
                self._inside = 0
                self._alone -= 1
                self._turn.notify_all()


class Folder:
    """The open shards of one corpus folder, and what is known of it."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self.gate = Gate()
        self._writing = threading.RLock()
        self.holders = 0
        self._version = 0
        self._memory: dict[str, tuple[int, Any]] = {}
        require_space(path, 0)
        with engine_errors(path):
            self.documents = _shard(path / "documents", 0)
            self.passages = _shard(path / "passages", manifest.dimensions)
        self._index(self.documents, {"kind": "keyword", "document_id": "keyword"})
        self._index(self.passages, BASE_INDEXES)

    def _index(self, shard: edge.EdgeShard, paths: dict[str, str]) -> None:
        present = shard.info().payload_schema
        for path, kind in missing_indexes(paths, present).items():
            shard.update(edge.UpdateOperation.create_field_index(path, _INDEX[kind]))

    def index(self, paths: dict[str, str]) -> None:
        """Index payload paths of the passages, each by its kind, where not yet done."""
        self._index(self.passages, paths)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Take a turn at writing; what was remembered before is forgotten after."""
        with self._writing:
            try:
                yield
            finally:
                self._version += 1

    def remembered(self, name: str, work_out: Callable[[], T]) -> T:
        """Return what `work_out` gives, from memory unless something was written since."""
        version = self._version
        known = self._memory.get(name)
        if known is None or known[0] != version:
            known = self._memory[name] = (version, work_out())
        return cast(T, known[1])

    def replace_passages(self, manifest: Manifest) -> None:
        """Empty the passages and give them room for other vectors."""
        self.passages.close()
        shutil.rmtree(self.path / "passages")
        write_manifest(self.path, manifest)
        self.manifest = manifest
        self.passages = _shard(self.path / "passages", manifest.dimensions)
        self._index(self.passages, BASE_INDEXES)

    def close(self) -> None:
        """Close both shards once the calls under way have ended."""
        with self.gate.alone(), engine_errors(self.path):
            self.passages.close()
            self.documents.close()


_INDEX = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "float": edge.PayloadSchemaType.Float,
    "datetime": edge.PayloadSchemaType.Datetime,
}


def _shard(path: Path, dimensions: int) -> edge.EdgeShard:
    """Open a shard, or make it. Without vectors of its own it gets a sparse one, unused."""
    dense = edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)
    config = edge.EdgeConfig(
        vectors={"dense": dense} if dimensions else None,
        sparse_vectors={"sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=EXACT_SEARCH_KB),
    )
    if path.exists():
        return edge.EdgeShard.load(str(path), config)
    return edge.EdgeShard.create(str(path), config)


# Sharing within the process

_open: dict[tuple[int, Path], Folder] = {}
_opening = threading.RLock()
# Reentrant, for a store may be collected, and so released, while another is opened.


def hold(path: Path) -> Folder | None:
    """Open a corpus folder, or share it with who has it open; None if it is no corpus yet.

    Raises `StoreLocked`, `StoreMismatch`, `StoreUnavailable`.
    """
    with _opening:
        return _held(path)


def _held(path: Path) -> Folder | None:
    key = (os.getpid(), path.resolve())
    folder = _open.get(key)
    if folder is None:
        manifest = read_manifest(path)
        if manifest is None:
            return None
        folder = _open[key] = Folder(path, manifest)
    folder.holders += 1
    return folder


def create(path: Path, manifest: Manifest) -> Folder:
    """Make a corpus folder, or share it with who was quicker."""
    with _opening:
        folder = _held(path)
        if folder is not None:
            return folder
        _require_room(path)
        with system_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            require_space(path, 0)
            write_manifest(path, manifest)
        folder = _held(path)
        assert folder is not None  # the manifest was just written
        return folder


def release(folder: Folder) -> None:
    """Give up one hold; the last one closes the folder."""
    with _opening:
        folder.holders -= 1
        if folder.holders:
            return
        for key in [key for key, held in _open.items() if held is folder]:
            del _open[key]
        folder.close()


def _require_room(path: Path) -> None:
    """Refuse to make a corpus among files that are somebody else's."""
    if not path.is_dir():
        return
    foreign = sorted(e.name for e in path.iterdir() if e.name not in _OWN and e.name[0] != ".")
    if foreign:
        raise StoreError(
            f'"{path}" holds other files ({", ".join(foreign[:3])}), so no corpus is made there.'
            " Name a new or an empty folder"
        )


# From the engine's and the system's errors to ours


def require_space(path: Path, needed: int) -> None:
    """Raise `StoreUnavailable` if the disk has not `needed` bytes to spare."""
    free = shutil.disk_usage(path).free
    if free < needed + SPARE_BYTES:
        raise StoreUnavailable(
            f'the disk of "{path}" is full: {free // 2**20} MB are free and'
            f" {(needed + SPARE_BYTES) // 2**20} MB are needed. What was there is safe."
            " Make room and try again"
        )


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f'"{path}" cannot be written: {error.strerror or error}. Choose another folder,'
            " or give this one room and write permission"
        ) from error


@contextmanager
def engine_errors(path: Path) -> Iterator[None]:
    """Turn the engine's errors, which are all plain `Exception`, into ours."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f'"{path}": {error.strerror or error}') from error
    except Exception as error:
        # What is not the engine's is either ours already, or a fault to be seen.
        if type(error) not in (Exception, ValueError):
            raise
        raise _translated(path, str(error)) from error


def _translated(path: Path, message: str) -> StoreError:
    if "WouldBlock" in message:
        return StoreLocked(
            f'"{path}" is open in another process. Close that one (a chat, a server or a'
            " notebook may hold it), or work on a copy of the folder"
        )
    if "Shard is not initialized" in message:
        return StoreError(f'"{path}" was closed while this call was waiting')
    code = _SYSTEM_CODE.search(message)
    if code and int(code[1]) in _LACKING:
        reason = os.strerror(int(code[1]))
        return StoreUnavailable(
            f'"{path}" cannot be used: {reason}. What was there is safe. Give the folder'
            " room and write permission, and try again"
        )
    return StoreError(f'the engine refused an operation on "{path}": {message}')
