"""Adding: sources in, stored passages out, with embedding as the only bottleneck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter

from ...errors import ModelError, StoreUnavailable, SufficeError
from ..embed.protocol import Embedder, SparseEmbedder
from ..store.protocol import DocumentRecord, Manifest, Store, Vector
from ..types import AddReport
from .chunk import MAX_CHARS
from .identity import PassageIds
from .prepare import Enrich, Prepared, Recipe, batches
from .progress import Meter, Progress
from .reading import Read, Reading
from .reuse import stored_vectors
from .scan import Scan, Source, scan
from .vanished import vanished

BATCH_PASSAGES = 256
"""Passages embedded at once, of one document or of many."""

MOST_WAITING = 8
"""Batches that wait to be written. A write costs half a second however small it is, so a
fast embedder's batches are written together; a slow one's go one by one."""

DELETE_DOCUMENTS = 1000

Embedded = tuple[list[Prepared], list[Vector | None]]


async def add(
    store: Store,
    embedder: Embedder | None,
    sparse: SparseEmbedder,
    sources: Source,
    *,
    reembed: bool = False,
    progress: Callable[[Progress], None] | None = None,
    max_chars: int = MAX_CHARS,
    enrich: Enrich | None = None,
    enrich_version: str = "",
) -> AddReport:
    """Add files, folders, globs and Documents to a store; what is there already is left.

    A document whose text, title, metadata or recipe changed replaces its passages. One
    whose file has gone from a folder that is added again is removed. Reading, chunking and
    the sparse side run in a thread beside the embedding; each batch is durable once
    written, and adding again completes what was interrupted. Without an embedder
    passages are stored for lexical search alone.

    Args:
        sources: a path, folder, glob or Document, or any iterable of these. An iterator is
            read as needed, in a worker thread.
        reembed: rebuild all that is stored with this embedder, whatever built it.
        progress: called with each moment, on the event loop.
        max_chars: the length of the longest passage.
        enrich: gives the `Entry.extra` of a passage; `enrich_version` changes with it.

    Raises:
        InputError: a source does not exist or is of no use. Nothing was changed.
        StoreMismatch: the store was built by another embedder (and not `reembed`).
        StoreUnavailable: the store failed; the message says how much went in.
        ModelError: the embedder failed; a note on it says how much went in.
    """
    began = perf_counter()
    found = await asyncio.to_thread(scan, sources)
    recipe = Recipe(
        sparse, embedder.fingerprint if embedder else "", max_chars, enrich, enrich_version
    )
    adding = _Adding(store, embedder, recipe, progress, reembed)
    report = await adding.run(found)
    return report.model_copy(update={"seconds": perf_counter() - began})


class _Adding:
    """One call of `add`: what is stored, what has been done, what is under way."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        recipe: Recipe,
        progress: Callable[[Progress], None] | None,
        reembed: bool,
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.recipe = recipe
        self.reembed = reembed
        self.meter = Meter()
        self._progress = progress
        self._stored: dict[str, DocumentRecord] = {}
        self._ready = False
        self._added = self._updated = self._unchanged = self._removed = 0
        self._waiting: list[Embedded] = []
        self._writing: asyncio.Task[None] | None = None
        self._upcoming: asyncio.Future[list[Prepared] | None] | None = None

    async def run(self, found: Scan) -> AddReport:
        await self._check_manifest()
        self._stored = {record.document.id: record for record in await self.store.documents()}
        roots = {record.root for record in self._stored.values() if record.root}
        reading = Reading(found, self.meter, sorted(roots, key=len))
        self._report()
        try:
            await self._put_all(reading)
            await self._remove(reading)
            if self._added or self._updated or self._removed:
                await self.store.optimize()
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error}{self._so_far()}") from error
        except SufficeError as error:
            if said := self._so_far():
                error.add_note(said.removeprefix(". "))
            raise
        return AddReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            removed=self._removed,
            failed=tuple(reading.failed),
            passages=self.meter.passages,
        )

    def _so_far(self) -> str:
        """Say what is safe, as a further sentence; nothing where nothing had gone in."""
        done = self._added + self._updated
        went = "1 document" if done == 1 else f"{done:,} documents"
        return f". {went} went in before that; add the same again to complete" if done else ""

    async def _check_manifest(self) -> None:
        from ..store.manifest import check_manifest

        manifest = await self.store.manifest()
        wanted = self._manifest()
        if manifest is None:
            return
        if not self.reembed:
            check_manifest(manifest, wanted.embedder, wanted.dimensions, wanted.sparse)
        self._ready = _same(manifest, wanted)

    def _manifest(self) -> Manifest:
        return Manifest(
            embedder=self.recipe.embedder,
            dimensions=self.embedder.dimensions if self.embedder else 0,
            sparse=self.recipe.sparse.fingerprint,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            suffice=version("suffice"),
        )

    async def _put_all(self, reading: Reading) -> None:
        """Embed one batch while the next is prepared and those before are written."""
        coming = self._batches(reading)
        self._upcoming = asyncio.ensure_future(anext(coming, None))
        try:
            while (batch := await asyncio.shield(self._upcoming)) is not None:
                self._upcoming = asyncio.ensure_future(anext(coming, None))
                self._waiting.append((batch, await self._embedded(batch)))
                idle = self._writing is None or self._writing.done()
                if idle or len(self._waiting) >= MOST_WAITING:
                    await self._write_waiting()
            await self._write_waiting()
            await self._written()
        except ModelError:
            await self._write_waiting()
            await self._written()
            raise
        finally:
            reading.stop = True
            await self._settle()

    async def _settle(self) -> None:
        """Let what is under way come to its end: a thread cannot be interrupted."""
        under_way = [task for task in (self._upcoming, self._writing) if task is not None]
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _write_waiting(self) -> None:
        """Start to write all that was embedded, once the write before has ended."""
        await self._written()
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._writing = asyncio.create_task(self._write(waiting))

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    async def _batches(self, reading: Reading) -> AsyncIterator[list[Prepared]]:
        """Yield what the sources hold, then what is stored and has to be embedded anew."""
        prepared = batches(self._prepared(reading), BATCH_PASSAGES)
        while batch := await asyncio.to_thread(next, prepared, None):
            yield batch
        for some in self._stale(reading):
            records = [await self.store.document(name) for name in some]
            if reading.stop:
                return
            yield await asyncio.to_thread(self._prepared_anew, records)

    def _prepared_anew(self, records: Sequence[DocumentRecord | None]) -> list[Prepared]:
        return [
            self.recipe.prepare(Read(each.document, each.root, len(each.document.text)), "")
            for each in records
            if each is not None
        ]

    def _prepared(self, reading: Reading) -> Iterator[Prepared]:
        ids = PassageIds(self._stored.values())
        for read in reading:
            prepared = self.recipe.prepare(read, self._hash(read.document.id))
            clash = ids.take(read.document.id, len(prepared.entries)) if prepared.record else ""
            if clash:
                reading.reject(read, clash)
            else:
                yield prepared

    def _hash(self, document_id: str) -> str | None:
        """Return the hash that counts: "" where the passages are to be made anew."""
        record = self._stored.get(document_id)
        if record is None:
            return None
        return "" if self.reembed else record.hash

    def _stale(self, reading: Reading) -> Iterator[list[str]]:
        """Yield, in batches, the documents whose passages are not there or to be made anew."""
        stale = [
            record
            for name, record in self._stored.items()
            if (self.reembed or not record.hash)
            and name not in reading.seen
            and not vanished(record, reading)
        ]
        self.meter.expect(len(stale), sum(record.passages for record in stale) * MAX_CHARS / 2)
        some: list[str] = []
        passages = 0
        for record in stale:
            some.append(record.document.id)
            passages += max(record.passages, 1)
            if passages >= BATCH_PASSAGES:
                yield some
                some, passages = [], 0
        if some:
            yield some

    async def _embedded(self, batch: Sequence[Prepared]) -> list[Vector | None]:
        texts = [text for prepared in batch for text in prepared.texts]
        if self.embedder is None:
            self.meter.passages += len(texts)
            return [None] * len(texts)
        vectors = await stored_vectors(self.store, batch)
        anew = [text for text in texts if text not in vectors]
        missing = list(dict.fromkeys(anew))
        self.meter.start()
        for start in range(0, len(missing), BATCH_PASSAGES):
            part = missing[start : start + BATCH_PASSAGES]
            vectors.update(zip(part, await self.embedder.embed_documents(part), strict=True))
            self._report()
        self.meter.passages += len(anew)
        return [vectors[text] for text in texts]

    async def _write(self, waiting: Sequence[Embedded]) -> None:
        records, entries = [], []
        for batch, vectors in waiting:
            records += [prepared.record for prepared in batch if prepared.record]
            bare = (entry for prepared in batch for entry in prepared.entries)
            entries += [replace(entry, dense=v) for entry, v in zip(bare, vectors, strict=True)]
        if records:
            await self._ensure_manifest()
            await self.store.upsert(records, entries)
        for batch, _ in waiting:
            self._count(batch)
        self._report()

    async def _ensure_manifest(self) -> None:
        if not self._ready:
            await self.store.set_manifest(self._manifest())
            self._ready = True

    def _count(self, batch: Sequence[Prepared]) -> None:
        for prepared in batch:
            changed = prepared.record is not None
            self._added += changed and not prepared.known
            self._updated += changed and prepared.known
            self._unchanged += not changed
            self.meter.finish(prepared.weight, embedded=changed)

    async def _remove(self, reading: Reading) -> None:
        gone = [name for name, record in self._stored.items() if vanished(record, reading)]
        for start in range(0, len(gone), DELETE_DOCUMENTS):
            batch = gone[start : start + DELETE_DOCUMENTS]
            await self.store.delete(batch)
            self._removed += len(batch)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self.meter.progress())


def _same(one: Manifest, other: Manifest) -> bool:
    return (one.embedder, one.dimensions, one.sparse) == (
        other.embedder,
        other.dimensions,
        other.sparse,
    )
