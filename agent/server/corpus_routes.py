"""What is in a corpus: looking, searching, taking out. Adding is in `add_routes`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from ...tools.types import Document, Noun, Passage
from ..status import weight
from .forms import Filter, Name
from .hosted import Anyone, By, Here
from .refusals import refusal

router = APIRouter(prefix="/v1/corpus", tags=["corpus"])

DocumentId = Annotated[str, Path(min_length=1, max_length=512)]


class Listed(Noun):
    """One document, without its text."""

    id: str
    title: str
    source: str
    metadata: dict[str, Any]
    passages: int


class FieldSeen(Noun):
    """A metadata field that can be filtered by, with its commonest values."""

    name: str
    type: str
    values: tuple[Any, ...]


class Contents(Noun):
    """What is in a corpus, and one page of its documents."""

    name: str
    passages: int
    documents: tuple[Listed, ...]
    total: int
    fields: tuple[FieldSeen, ...]
    notices: tuple[str, ...]
    bytes: int | None


class Search(Noun):
    """One search: no graph, no model."""

    query: str = Field(min_length=1, max_length=8_000)
    limit: int = Field(10, ge=1, le=200)
    where: Filter | None = None
    corpus: Name | None = None


class Found(Noun):
    """What a search found, best first."""

    passages: tuple[Passage, ...]


@router.get("", response_model=Contents)
async def contents(
    served: Here,
    caller: By,
    corpus: str | None = None,
    limit: Annotated[int, Query(ge=0, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Contents:
    """Show what is in a corpus, as far as the caller sees it."""
    hosted = served.corpus(corpus)
    seen = await hosted.corpus.acontents(await hosted.filter_for(caller))
    page = sorted(seen.records, key=lambda r: (r.document.source, r.document.id))
    return Contents(
        name=hosted.name,
        passages=seen.passages,
        documents=tuple(
            Listed(**r.document.model_dump(exclude={"text"}), passages=r.passages)
            for r in page[offset : offset + limit]
        ),
        total=len(page),
        fields=tuple(FieldSeen(**field.model_dump()) for field in seen.fields),
        notices=() if caller.where else hosted.corpus.notices,
        bytes=None if caller.where else await weight(hosted.corpus.place),
    )


@router.post("/search", response_model=Found)
async def search(asked: Search, served: Here, caller: By) -> Found:
    """Search once and rerank."""
    hosted = served.corpus(asked.corpus)
    where = await hosted.filter_for(caller, asked.where)
    return Found(passages=tuple(await hosted.corpus.asearch(asked.query, asked.limit, where)))


@router.get("/documents/{document_id:path}", response_model=Document)
async def document(
    document_id: DocumentId, served: Here, caller: By, corpus: str | None = None
) -> Document:
    """Return a document with its whole text, as it is stored."""
    hosted = served.corpus(corpus)
    found = await hosted.corpus.adocument(document_id, await hosted.filter_for(caller))
    if found is None:
        raise refusal(404, "there is no such document", "see GET /v1/corpus")
    return found


@router.delete("/documents/{document_id:path}", status_code=204)
async def remove(
    document_id: DocumentId, served: Here, caller: Anyone, corpus: str | None = None
) -> Response:
    """Take a document out, with all its passages."""
    if "remove" not in caller.may:
        raise refusal(403, "this token may not remove documents")
    hosted = served.corpus(corpus)
    async with hosted.adding:
        await document(document_id, served, caller, corpus)
        await hosted.corpus.aremove(document_id)
        hosted.changed()
    return Response(status_code=204)
