"""`suffice serve`: the page in the browser and the programs, over one HTTP server."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import SettingsError
from ..corpus import Corpus
from ..settings import Settings
from .ask import take_up
from .options import Config, Embedder, Json, corpus_for

if TYPE_CHECKING:
    from ..sdk import Agent
    from ..server.rights import Caller


def command(
    documents: Annotated[
        list[Path] | None,
        typer.Option("--documents", "-d", help="Add this folder or file first (may be repeated)."),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option("--corpus", "-c", help="Corpus to serve (may be repeated; the first leads)."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is any free one.")] = 8000,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Serve the chat page and the HTTP interface; ends with Ctrl-C."""
    from ..server.app import create_app
    from ..server.hosted import callers_of
    from ..server.listening import Server, address, listen
    from ..server.logs import written

    settings = Settings.load(
        config, small=small, writer=writer, strategy=strategy, embedder=embedder
    )
    callers = callers_of(settings.tokens, os.environ)
    hosts = _hosts(host, settings, callers)
    with ExitStack() as opened:
        opened.enter_context(written(as_json=json))
        bound = opened.enter_context(listen(host, port))
        agents = _agents(opened, documents or [], corpus or [], settings)
        app = create_app(agents, serving=settings.server, callers=callers, hosts=hosts)
        url = address(bound, host)
        sys.stdout.write(f"Suffice is at {url} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if browser:
            typer.launch(url)
        Server(app).run(sockets=[bound])


def _hosts(host: str, settings: Settings, callers: dict[str, Caller]) -> frozenset[str] | None:
    """Return the names the server is reached by; None is any.

    Raises:
        SettingsError: others than this machine could reach it, and no token is set.
    """
    from ..server.headers import LOOPBACK
    from ..server.listening import is_loopback

    local = is_loopback(host)
    if not callers and not (local and not settings.server.hosts):
        what = f"listening on {host}" if not local else f"serving as {settings.server.hosts[0]}"
        raise SettingsError(
            f"{what} lets others in, and no token is set; set SUFFICE_TOKEN, or add [[tokens]] "
            "with name and token_env to suffice.toml. For this machine alone: --host 127.0.0.1"
        )
    if local or settings.server.hosts:
        return LOOPBACK | {host}
    return None


def _agents(
    opened: ExitStack, documents: list[Path], places: list[str], settings: Settings
) -> dict[str, Agent]:
    """Open every corpus that is to be served, by name; add what is named to the first."""
    from ..sdk import Agent
    from ..server.hosted import named

    asked = list(dict.fromkeys(places))
    if documents or not asked:
        asked.insert(0, corpus_for(documents, None, settings))
    agents: list[Agent] = []
    for place in asked:
        corpus = opened.enter_context(
            Corpus.open(place, settings=settings, create=place not in places)
        )
        if documents and not agents:
            take_up(corpus, documents)
        agents.append(opened.enter_context(Agent(corpus)))
    by_name = named(agents)
    folder = documents[0].resolve().name if documents else ""
    if not folder or folder in by_name:
        return by_name
    return {folder: agents[0], **{name: one for name, one in by_name.items() if one != agents[0]}}
