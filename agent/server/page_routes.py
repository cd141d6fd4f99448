"""The page, its parts, and what it asks first."""

from __future__ import annotations

import asyncio
import gzip
import re
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from ...graphs import build
from ...graphs.drawing import structure, taken, to_json, to_svg
from ...tools.types import Budget, Noun
from .ask_routes import widened
from .docs import docs_page
from .hosted import STRATEGIES, Anyone, By, Here, Hosted, Served
from .refusals import refusal
from .rights import Caller
from .run_routes import events_of

router = APIRouter()

WEB = Path(__file__).parent.parent / "web"
DOCS_STYLE = Path(__file__).parent / "docs.css"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ASSET = re.compile(r"[\w\-]+(\.[\w\-]+)*\.(css|js|svg)", re.ASCII)
_FRESH = {"Cache-Control": "no-cache"}


@router.get("/", include_in_schema=False)
@router.get("/runs/{run_id}", include_in_schema=False)
async def page(run_id: str = "") -> Response:
    """Return the page; which run it shows, it reads from its own address."""
    return _file(WEB / "index.html")


@router.get("/assets/{name}", include_in_schema=False)
async def asset(name: str, request: Request) -> Response:
    """Return a part of the page, packed where the browser takes it so."""
    path = WEB / name
    if not _ASSET.fullmatch(name) or not path.is_file():
        raise refusal(404, "there is no such file")
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return _file(path)
    headers = {**_FRESH, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    packed = _packed(path, path.stat().st_mtime_ns)
    return Response(packed, media_type=_TYPES[path.suffix], headers=headers)


@router.get("/favicon.ico", include_in_schema=False)
async def icon() -> Response:
    """Return the sign that a browser asks for by itself."""
    return _file(WEB / "icon.svg")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show all endpoints, from the OpenAPI document of this server."""
    return HTMLResponse(docs_page(request.app.openapi()))


@router.get("/docs.css", include_in_schema=False)
async def docs_style() -> Response:
    """Return the style of that page."""
    return _file(DOCS_STYLE)


@lru_cache(maxsize=64)
def _packed(path: Path, changed: int) -> bytes:
    """Return a file's bytes, packed; kept until it has `changed`."""
    return gzip.compress(path.read_bytes())


def _file(path: Path) -> Response:
    if not path.is_file():
        raise refusal(404, "there is no such file")
    return FileResponse(path, media_type=_TYPES[path.suffix], headers=_FRESH)


# What the page asks first


class Limits(Noun):
    """What a request may hold."""

    question_chars: int
    upload_bytes: int
    body_bytes: int
    wider: Budget


class CorpusSeen(Noun):
    """One corpus, as the caller sees it, and the parts that search it."""

    name: str
    passages: int
    documents: int
    notices: tuple[str, ...]
    embedder: str
    reranker: str
    reasoner: str


class Session(Noun):
    """Where the caller is, and what there is to do."""

    name: str
    corpora: tuple[CorpusSeen, ...]
    strategies: tuple[str, ...]
    limits: Limits
    may: tuple[str, ...]
    keeps_runs: bool
    version: str
    auth: bool


@router.get("/v1/session", tags=["server"], response_model=Session)
async def session(served: Here, caller: Anyone) -> Session:
    """Say which corpora there are, which parts are in use, and what the limits are."""
    serving = served.serving
    seen = [await _seen(hosted, caller) for hosted in served.hosted.values()]
    return Session(
        name=serving.name,
        corpora=tuple(seen),
        strategies=STRATEGIES,
        limits=Limits(
            question_chars=serving.question_chars,
            upload_bytes=serving.upload_bytes,
            body_bytes=serving.body_bytes,
            wider=widened(served.corpus(None).agent.settings.budget, serving.wider),
        ),
        may=caller.may,
        keeps_runs=any(hosted.agent.runs.keeps for hosted in served.hosted.values()),
        version=version("suffice"),
        auth=served.guarded,
    )


async def _seen(hosted: Hosted, caller: Caller) -> CorpusSeen:
    where = await hosted.filter_for(caller)
    return CorpusSeen(
        name=hosted.name,
        passages=await hosted.corpus.acount(where),
        documents=len(await hosted.corpus.adocuments(where)),
        notices=hosted.corpus.notices,
        **hosted.part_names,
    )


# The picture


@router.get("/v1/graph", tags=["server"])
async def graph(
    served: Here,
    caller: By,
    strategy: str | None = None,
    run: Annotated[str | None, Query(max_length=64)] = None,
) -> dict[str, Any]:
    """Return nodes and edges with their places; of a run, with what it took."""
    name, shape, path = await _drawn(served, caller, strategy, run)
    return {"name": name, **to_json(shape, path)}


@router.get("/v1/graph.svg", tags=["server"], response_class=Response)
async def graph_svg(
    served: Here,
    caller: By,
    strategy: str | None = None,
    run: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Return the same as a picture."""
    name, shape, path = await _drawn(served, caller, strategy, run)
    drawn = to_svg(shape, path, title=f"The {name} graph")
    # A picture has a style of its own, and nothing else that could do anything.
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return Response(drawn, media_type=_TYPES[".svg"], headers={"Content-Security-Policy": policy})


async def _drawn(served: Served, caller: Caller, strategy: str | None, run: str | None) -> Any:
    events = await events_of(served, caller, run) if run else []
    asked = next((e.strategy for e in events if e.type == "run_started"), strategy)
    name = asked or served.corpus(None).agent.settings.strategy
    if name not in STRATEGIES:
        raise refusal(400, "there is no such strategy", f"there are: {', '.join(STRATEGIES)}")
    shape = await asyncio.to_thread(_shape, name)
    return name, shape, taken(shape, events) if events else None


@cache
def _shape(name: str) -> Any:
    return structure(build(name))
