"""The application: routes, and around them the guards, from the outermost inwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

from ...errors import SufficeError
from ..access import Serving
from ..sdk import Agent
from . import (
    add_routes,
    ask_routes,
    corpus_routes,
    health,
    openai_routes,
    page_routes,
    refusals,
    run_routes,
    thread_routes,
)
from .auth import Gate
from .headers import LOOPBACK, KnownHost, SafeHeaders, SameSite
from .hosted import named, serve
from .limits import BodyLimits
from .logs import Observed, run_noted
from .mcp_mount import mounted
from .metrics import Metrics
from .rights import Caller

ROUTES = (
    ask_routes,
    run_routes,
    thread_routes,
    add_routes,
    corpus_routes,
    openai_routes,
    page_routes,
    health,
)


def create_app(
    agents: Mapping[str, Agent] | Iterable[Agent],
    *,
    serving: Serving | None = None,
    callers: Mapping[str, Caller] | None = None,
    hosts: Collection[str] | None = LOOPBACK,
) -> FastAPI:
    """Return the application that serves these agents' corpora, the first by default.

    Args:
        agents: open agents, by the name of their corpus or under names made for them;
            whoever opened them closes them, after the application.
        serving: names and limits.
        callers: who may call, by the hash of their token; without any, everybody.
        hosts: the names the server is reached by, beside those of `serving`; None is any.
    """
    serving = serving or Serving()
    by_name = agents if isinstance(agents, Mapping) else named(agents)
    served = serve(by_name, serving, callers or {})
    metrics = Metrics(lambda: len(served.live))
    served.live.watch(metrics.ended)
    served.live.watch(partial(run_noted, question=serving.log_questions))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with mounted(app, served):
            yield
        await served.live.close()

    app = FastAPI(
        title="Suffice",
        version=version("suffice"),
        description="Questions to your documents, answered with quotes that can be checked.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.served, app.state.metrics = served, metrics
    for routes in ROUTES:
        app.include_router(routes.router)
    app.add_exception_handler(HTTPException, refusals.on_http)
    app.add_exception_handler(RequestValidationError, refusals.on_invalid)
    app.add_exception_handler(SufficeError, refusals.on_ours)
    known = None if hosts is None else {*hosts, *serving.hosts}
    # The last one added is the outermost.
    app.add_middleware(BodyLimits, serving=serving)
    app.add_middleware(Gate, served=served)
    if serving.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(serving.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            expose_headers=["X-Run-Id"],
        )
    app.add_middleware(SameSite, origins=serving.origins)
    app.add_middleware(KnownHost, hosts=known)
    app.add_middleware(refusals.Caught)
    app.add_middleware(SafeHeaders)
    app.add_middleware(Observed, metrics=metrics)
    return app
