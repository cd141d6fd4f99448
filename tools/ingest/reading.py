"""From what was scanned to a stream of Documents, with a note of all that went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import IngestError, InputError
from ..types import Document, Failure
from .load import load
from .metadata import flat_metadata
from .progress import Meter
from .scan import Scan, SourceFile, listed, scan


@dataclass(frozen=True, slots=True)
class Read:
    """A Document that was read, below which root, and how much of the work it is."""

    document: Document
    root: str
    weight: float


@dataclass(slots=True)
class Reading:
    """Reads what a scan found, in order, one file at a time.

    `seen` are the ids met, with their sources; `whole` are the files read without any
    trouble, `troubled` the paths that had some. `stop` ends the reading early.

    `roots` are those of earlier times, the shortest first: a file below one of them is
    known from there, so that adding a part of a folder does not change what is said of it.
    """

    found: Scan
    meter: Meter
    roots: Sequence[str] = ()
    seen: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    troubled: set[str] = field(default_factory=set)
    failed: list[Failure] = field(default_factory=list)
    stop: bool = False

    def __post_init__(self) -> None:
        self._take_failures(self.found)
        for item in self.found.items:
            self._expect(item)

    def __iter__(self) -> Iterator[Read]:
        return self._read(self.found)

    def _read(self, found: Scan) -> Iterator[Read]:
        for item in found.items:
            if self.stop:
                return
            if isinstance(item, Document):
                yield from self._checked(item, "", max(len(item.text), 1))
            elif isinstance(item, SourceFile):
                yield from self._file(item)
            else:
                yield from self._rest(item)

    def _rest(self, items: Iterator[Any]) -> Iterator[Read]:
        """Read an iterator, which may hold anything that the list of sources may hold."""
        for item in items:
            try:
                found = scan(item)
            except InputError as error:
                self._fail(Failure(source=str(item)[:200], reason=str(error)))
                continue
            self._take_failures(found)
            self.found.roots += found.roots
            for each in found.items:
                self._expect(each)
            yield from self._read(found)
            if self.stop:
                return

    def reject(self, read: Read, reason: str) -> None:
        """Take back a Document that was read, and say why."""
        source = read.document.source or read.document.title or read.document.id
        self._fail(Failure(source=source, reason=reason))
        self.meter.expect(-1, -read.weight)

    def _from_known_root(self, file: SourceFile) -> SourceFile:
        for root in self.roots:
            below = file.path.removeprefix(f"{root}/")
            if below == file.path or not listed(below):
                continue
            # Through a link the file may be below the root by another way, or not at all.
            if len(below) > len(file.relative) and below.endswith(f"/{file.relative}"):
                return replace(file, relative=below, root=root)
        return file

    def _file(self, file: SourceFile) -> Iterator[Read]:
        file = self._from_known_root(file)
        self.meter.current = file.path
        documents, trouble = 0, False
        try:
            for document, weight in self._loaded(file):
                if isinstance(document, Failure):
                    trouble = True
                    self._fail(document)
                    self.meter.expect(-1, -weight)
                else:
                    documents += 1
                    yield from self._checked(document, file.root, weight)
                if self.stop:
                    return
        except IngestError as error:
            trouble = True
            self._fail(Failure(source=error.source, reason=error.reason))
        (self.troubled if trouble else self.whole).add(file.path)
        if file.named and not documents and not trouble:
            self._fail(Failure(source=file.path, reason="is empty"))

    def _loaded(self, file: SourceFile) -> Iterator[tuple[Document | Failure, float]]:
        """Yield a file's Documents with their weights, and keep the meter's forecast right."""
        expected, found, weight = 1.0, 0, float(file.size)
        try:
            for loaded in load(file):
                self.meter.expect(1 / loaded.share - expected, 0)
                expected = 1 / loaded.share
                found += 1
                weight = file.size * loaded.share
                yield loaded.document, weight
        finally:
            self.meter.expect(found - expected, found * weight - file.size)

    def _checked(self, document: Document, root: str, weight: float) -> Iterator[Read]:
        """Yield the document, its metadata flattened, unless it cannot go in."""
        source = document.source or document.title or document.id
        try:
            self._check(document, source)
            flat = flat_metadata(document.metadata)
        except (ValueError, RecursionError) as error:
            self._fail(Failure(source=source, reason=_reason(error)))
            self.meter.expect(-1, -weight)
            if document.text.strip():  # what cannot go in is not gone: its old version stays
                self.seen.setdefault(document.id, source)
            return
        self.seen[document.id] = source
        if flat != document.metadata:
            document = document.model_copy(update={"metadata": flat})
        yield Read(document, root, weight)

    def _check(self, document: Document, source: str) -> None:
        if not document.text.strip():
            raise ValueError("has no text")
        document.text.encode("utf-8")
        document.title.encode("utf-8")
        document.id.encode("utf-8")
        other = self.seen.get(document.id)
        if other is not None:
            raise ValueError(
                f"has the id {document.id!r}, which {other} had before it; it was left out"
            )

    def _expect(self, item: object) -> None:
        if isinstance(item, SourceFile):
            self.meter.expect(1, item.size)
        elif isinstance(item, Document):
            self.meter.expect(1, max(len(item.text), 1))
        else:
            self.meter.unbounded = True

    def _take_failures(self, found: Scan) -> None:
        for failure in found.failed:
            self._fail(failure)
            self.troubled.add(failure.source)

    def _fail(self, failure: Failure) -> None:
        self.failed.append(failure)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return f"has half a character (a lone surrogate) at offset {error.start}"
    if isinstance(error, RecursionError):
        return "its metadata is nested too deeply"
    return str(error)
