"""`suffice mcp`: the corpus as tools for other programs, over standard input and output."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder


def command(
    corpus: CorpusPlace = None,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    embedder: Embedder = None,
    config: Config = None,
) -> None:
    """Serve the tools `ask` and `search` over MCP on standard input and output."""
    settings = Settings.load(
        config, corpus=corpus, small=small, writer=writer, strategy=strategy, embedder=embedder
    )
    from ..mcp_app import mcp_app
    from ..sdk import Agent

    with (
        Corpus.open(settings.corpus, settings=settings, create=False) as opened,
        Agent(opened) as agent,
    ):
        asyncio.run(mcp_app(agent).run_stdio_async())
