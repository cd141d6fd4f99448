"""Adding documents: files, or Documents as JSON; with progress where it is wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from ...errors import SufficeError
from ...tools.ingest import Progress
from ...tools.types import AddReport, Document, Noun
from . import refusals, sse
from .forms import Name
from .hosted import Anyone, Here, Hosted
from .refusals import refusal
from .rights import Caller
from .uploads import Taken, id_prefix, take

router = APIRouter(prefix="/v1/corpus", tags=["corpus"])

MOST_FILES = 1_000
PROGRESS_SECONDS = 0.1


class Documents(Noun):
    """Documents to add. Those of one id replace each other."""

    documents: tuple[Document, ...] = Field(max_length=10_000)
    corpus: Name | None = None
    stream: bool = False


def _whole(form: type[Noun]) -> dict[str, Any]:
    """Return the schema of a form of Documents with nothing to be looked up elsewhere."""
    schema = form.model_json_schema()
    document = schema.pop("$defs")["Document"]
    schema["properties"]["documents"]["items"] = document
    return schema


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _whole(Documents)},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        },
                        "corpus": {"type": "string"},
                    },
                }
            },
        },
    }
}


@router.post("/documents", response_model=AddReport, openapi_extra=_BODY)
async def add(
    request: Request, served: Here, caller: Anyone, corpus: str | None = None, stream: bool = False
) -> Any:
    """Add files (multipart) or Documents (JSON). What is bad is reported; the rest goes in."""
    if "add" not in caller.may:
        raise refusal(403, "this token may not add documents")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        taken, named = await _files(request, caller)
    elif kind == "application/json":
        given = await _documents(request)
        stream = stream or given.stream
        taken, named = _stamped(given, caller), given.corpus
    else:
        raise refusal(415, "send files as multipart/form-data, or Documents as application/json")
    hosted = served.corpus(corpus or named)
    if stream or "text/event-stream" in request.headers.get("accept", ""):
        return sse.EventStream(_told(hosted, taken, caller))
    return await put(hosted, taken, caller)


async def _files(request: Request, caller: Caller) -> tuple[Taken, str | None]:
    async with request.form(max_files=MOST_FILES, max_fields=20) as form:
        files = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
        if not files:
            raise refusal(422, "there is no file in the field files")
        read = [(file.filename or "", await file.read()) for file in files]
        named = form.get("corpus")
    return await asyncio.to_thread(take, read, caller), named if isinstance(named, str) else None


async def _documents(request: Request) -> Documents:
    try:
        return Documents.model_validate_json(await request.body())
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from None


def _stamped(given: Documents, caller: Caller) -> Taken:
    """Return the Documents as this caller's own.

    A caller who sees a part of the corpus only cannot know which ids are taken there: its
    Documents get ids that nobody else can give.
    """
    documents = given.documents
    if caller.where:
        documents = tuple(
            caller.stamped(one.model_copy(update={"id": id_prefix(caller) + one.id}))
            for one in documents
        )
    return Taken(documents, (), frozenset())


async def put(
    hosted: Hosted,
    taken: Taken,
    caller: Caller,
    progress: Callable[[Progress], None] | None = None,
) -> AddReport:
    """Add what was taken, remove what an upload brought before and no more; report both."""
    async with hosted.adding:
        report = AddReport()
        if taken.documents:
            report = await hosted.corpus.aadd(list(taken.documents), progress=progress)
        gone = await _gone(hosted, taken, caller)
        if gone:
            await hosted.corpus.aremove(gone)
            hosted.changed()
    return report.model_copy(
        update={
            "failed": (*taken.failed, *report.failed),
            "removed": report.removed + len(gone),
        }
    )


async def _gone(hosted: Hosted, taken: Taken, caller: Caller) -> list[str]:
    """Return the documents that these files held when they were uploaded before."""
    if not taken.whole:
        return []
    new = {document.id for document in taken.documents}
    where = await hosted.filter_for(caller, {"source": {"in": sorted(taken.whole)}})
    before = await hosted.corpus.adocuments(where)
    return [one.id for one in before if one.id not in new and one.id.startswith(id_prefix(caller))]


async def _told(hosted: Hosted, taken: Taken, caller: Caller) -> AsyncGenerator[bytes]:
    """Yield progress a few times a second, and the report at the end."""
    here = asyncio.get_running_loop()
    latest: list[Progress] = []
    news = asyncio.Event()

    def heard(progress: Progress) -> None:
        latest[:] = [progress]
        with suppress(RuntimeError):  # nobody waits any more
            here.call_soon_threadsafe(news.set)

    adding = asyncio.create_task(put(hosted, taken, caller, heard))
    adding.add_done_callback(lambda _: news.set())
    try:
        while not adding.done():
            try:
                async with asyncio.timeout(sse.HEARTBEAT_SECONDS):
                    await news.wait()
            except TimeoutError:
                yield sse.HEARTBEAT
                continue
            news.clear()
            if latest:
                yield sse.event("progress", json.dumps(asdict(latest.pop())))
            await asyncio.wait([adding], timeout=PROGRESS_SECONDS)
        yield _last(adding, caller)
    finally:
        adding.cancel()


def _last(adding: asyncio.Task[AddReport], caller: Caller) -> bytes:
    """Return the report, or the error there was instead."""
    error = adding.exception()
    if error is None:
        return sse.event("report", adding.result().model_dump_json())
    if isinstance(error, SufficeError):
        told: Any = refusals.told(error, fenced=bool(caller.where)).detail
    else:
        refusals.log.error("adding failed", exc_info=error)
        told = refusals.body("internal", "something went wrong here")
    return sse.event("error", json.dumps(told))
