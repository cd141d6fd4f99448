"""`Corpus`: documents added, kept and searched."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import InputError, QuestionError
from ..tools.types import AddReport, Document, Passage, Query, Where
from . import look
from .loop import LoopThread
from .settings import Settings

if TYPE_CHECKING:
    from typing import Self

    from ..tools.ingest import Progress
    from .look import Contents
    from .parts import Parts

MOST_QUESTION_CHARS = 8_000
"""A longer text is a document, not a question."""


class Corpus:
    """Documents, searchable. Safe to use from many threads; close it when done.

    One process at a time may hold an embedded corpus (a folder).
    """

    def __init__(self, place: str, settings: Settings, loop: LoopThread, parts: Parts) -> None:
        """Use `Corpus.open`."""
        self.place = place
        self.settings = settings
        self._loop = loop
        self._parts = parts
        self._close = weakref.finalize(self, _close, loop, parts)
        # At the end of the process threads can no longer be started, and nothing needs
        # to be: what was acknowledged is on disk, and a killed process loses none of it.
        self._close.atexit = False

    @classmethod
    def open(
        cls,
        place: str | Path | None = None,
        *,
        settings: Settings | None = None,
        create: bool = True,
        **overrides: Any,
    ) -> Self:
        """Open a corpus: a folder (made if need be), or the address of a Qdrant server.

        Args:
            place: `"notes"`, or `"http://host:6333"` with `collection=`. Default: the settings'.
            settings: what to open it with; default: `Settings.load()`.
            create: whether a folder that does not exist is made.
            overrides: single settings, such as `embedder="none"`.

        A corpus that another embedder built can be opened, to look at it or to `add` with
        `reembed`; searching it, or adding to it, raises `StoreMismatch`.

        Raises:
            SettingsError: an override is unknown or does not fit.
            StoreMissing, StoreLocked, StoreUnavailable: as they say.
            StoreMismatch: it was written by a newer version.
            ProviderMissing: the embedder or the reranker is not there.
        """
        from .parts import open_parts

        chosen = (settings or Settings.load()).changed(**overrides)
        where = str(place if place is not None else chosen.corpus)
        loop = LoopThread(f'the corpus at "{where}"')
        try:
            parts = loop.run(open_parts(where, chosen, create=create))
        except BaseException:
            loop.close()
            raise
        return cls(where, chosen, loop, parts)

    # Adding

    def add(
        self,
        sources: str | Path | Document | Iterable[str | Path | Document],
        *,
        reembed: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> AddReport:
        """Add files, folders, globs and Documents; only what changed is embedded anew.

        A file that is gone from a folder added before is removed. A bad file is
        reported in `failed`; the rest goes in. `reembed` rebuilds the whole corpus,
        the way out when it was built with another embedder.
        """
        return self._loop.run(self._add(sources, reembed, progress))

    async def aadd(
        self,
        sources: str | Path | Document | Iterable[str | Path | Document],
        *,
        reembed: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> AddReport:
        """The async twin of `add`. `progress` is called on the corpus's own thread."""
        return await self._loop.arun(self._add(sources, reembed, progress))

    def remove(self, document_ids: str | Sequence[str]) -> None:
        """Remove documents and all their passages."""
        self._loop.run(self._parts.store.delete(_many(document_ids)))

    async def aremove(self, document_ids: str | Sequence[str]) -> None:
        """The async twin of `remove`."""
        await self._loop.arun(self._parts.store.delete(_many(document_ids)))

    # Copying

    def push(
        self,
        place: str | Path,
        *,
        collection: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Copy documents, passages and vectors to a Qdrant server, or to another folder.

        Nothing is embedded anew, and what is there already is left as it is, so that a push
        that was cut short goes on where it stopped. Returns the number of documents copied.

        Args:
            place: `"http://host:6333"`, with the `collection` there (default: the settings'),
                or a folder.
            progress: called with the documents done and the documents in all.

        Raises:
            StoreMissing: there is nothing here to copy.
            StoreMismatch: what is there was built by another embedder.
            StoreLocked, StoreUnavailable: as they say.
        """
        return self._loop.run(self._push(str(place), collection, progress))

    # Looking

    def search(self, text: str, limit: int = 10, where: Where | None = None) -> list[Passage]:
        """Search once and rerank: no graph, no model. Best first.

        Raises:
            QuestionError, FilterError: `text` or `where` cannot be used.
            StoreError, ModelError: an outage, never an empty result.
        """
        return self._loop.run(self._search(checked(text), limit, where))

    async def asearch(
        self, text: str, limit: int = 10, where: Where | None = None
    ) -> list[Passage]:
        """The async twin of `search`."""
        return await self._loop.arun(self._search(checked(text), limit, where))

    def document(self, document_id: str, where: Where | None = None) -> Document | None:
        """Return a document with its whole text as it is stored, or None.

        With `where`, only a document all of whose passages it lets through.
        """
        return self._loop.run(look.document(self._parts.store, document_id, where))

    async def adocument(self, document_id: str, where: Where | None = None) -> Document | None:
        """The async twin of `document`."""
        return await self._loop.arun(look.document(self._parts.store, document_id, where))

    def documents(self, where: Where | None = None) -> list[Document]:
        """List the documents, with `text` left empty; with `where`, those it lets through."""
        records = self._loop.run(look.records(self._parts.store, where))
        return [record.document for record in records]

    async def adocuments(self, where: Where | None = None) -> list[Document]:
        """The async twin of `documents`."""
        records = await self._loop.arun(look.records(self._parts.store, where))
        return [record.document for record in records]

    def count(self, where: Where | None = None) -> int:
        """Count passages."""
        return self._loop.run(self._parts.store.count(where))

    async def acount(self, where: Where | None = None) -> int:
        """The async twin of `count`."""
        return await self._loop.arun(self._parts.store.count(where))

    async def acontents(self, where: Where | None = None) -> Contents:
        """Return what a `where` lets through: documents, how many passages, which fields."""
        return await self._loop.arun(look.contents(self._parts.store, where))

    @property
    def notices(self) -> tuple[str, ...]:
        """What is not as the settings asked, in plain words."""
        return tuple(self._parts.notices)

    # Closing

    def close(self) -> None:
        """Release the folder or the connection, and the thread behind it."""
        self._close()

    @property
    def closed(self) -> bool:
        """Tell whether the corpus has been closed."""
        return not self._close.alive

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Corpus({self.place!r})"

    async def _add(
        self,
        sources: str | Path | Document | Iterable[str | Path | Document],
        reembed: bool,
        progress: Callable[[Progress], None] | None,
    ) -> AddReport:
        from ..tools.ingest import add
        from ..tools.trail.names import ENRICH_VERSION, enrich

        parts = self._parts
        if not reembed:
            await parts.check(adding=True)
        return await add(
            parts.store,
            parts.embedder,
            parts.sparse,
            sources,
            reembed=reembed,
            progress=progress,
            max_chars=self.settings.max_chars,
            enrich=enrich,
            enrich_version=ENRICH_VERSION,
        )

    async def _push(
        self, place: str, collection: str | None, progress: Callable[[int, int], None] | None
    ) -> int:
        from ..tools.store import push
        from .parts import store_at

        target = store_at(place, collection or self.settings.collection)
        try:
            return await push(self._parts.store, target, progress)
        finally:
            await target.close()

    async def _search(self, text: str, limit: int, where: Where | None) -> list[Passage]:
        from ..tools.cache import under
        from ..tools.search import FIRST, POOL

        check_limit(limit)
        await self._parts.check(adding=False)
        query, searcher = Query(text=text, where=where), self._parts.searcher
        if limit > FIRST:
            (candidates,) = await searcher.search_many([query], max(limit, POOL), limit)
        else:
            candidates = await searcher.search(query)
        reranker = self._parts.reranker
        passages = [candidate.passage for candidate in candidates]
        if reranker is not None:
            with under(where):  # what is kept for one person's filter is not for another's
                scores = await reranker.rank(query.text, candidates)
            scored = sorted(zip(scores, passages, strict=True), key=lambda pair: -pair[0])
            passages = [p.model_copy(update={"score": float(score)}) for score, p in scored]
        return passages[:limit]


def checked(question: str) -> str:
    """Return a question without white space around it, and without half characters.

    Raises `QuestionError`.
    """
    stripped = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not stripped:
        raise QuestionError('the question is empty; ask something, such as: suffice ask "Who …?"')
    if len(stripped) > MOST_QUESTION_CHARS:
        raise QuestionError(
            f"the question has {len(stripped):,} characters, {MOST_QUESTION_CHARS:,} are the most; "
            "add a long text as a document and ask about it"
        )
    return stripped


def check_limit(limit: int) -> None:
    """Raise `InputError` unless at least one passage is asked for."""
    if limit < 1:
        raise InputError(f"limit is {limit}; it must be at least 1")


def _many(ids: str | Sequence[str]) -> list[str]:
    return [ids] if isinstance(ids, str) else list(ids)


def _close(loop: LoopThread, parts: Parts) -> None:
    loop.close(parts.close())
