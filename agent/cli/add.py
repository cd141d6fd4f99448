"""`suffice add`: put documents into the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder, Json, print_json
from .progress import progress_bar
from .show import show_report


def command(
    sources: Annotated[list[str], typer.Argument(help="Files, folders or globs.")],
    corpus: CorpusPlace = None,
    embedder: Embedder = None,
    reembed: Annotated[
        bool, typer.Option("--reembed", help="Rebuild the corpus with the embedder in use.")
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Add files, folders and globs; only what changed is embedded anew."""
    settings = Settings.load(config, corpus=corpus, embedder=embedder)
    console = Console(stderr=True)
    with Corpus.open(settings=settings) as opened, progress_bar(console) as progress:
        report = opened.add(
            [Path(s) if Path(s).exists() else s for s in sources],
            reembed=reembed,
            progress=progress,
        )
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        show_report(Console(), report)
    if report.failed and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(1)
