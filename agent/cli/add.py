"""`suffice add`: put documents into the corpus."""

from __future__ import annotations

from typing import Annotated

import typer

from ...errors import InputError
from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder, Json, print_json
from .progress import progress_bar
from .screen import screen
from .show import show_report


def command(
    sources: Annotated[list[str] | None, typer.Argument(help="Files, folders or globs.")] = None,
    corpus: CorpusPlace = None,
    embedder: Embedder = None,
    reembed: Annotated[
        bool,
        typer.Option("--reembed", help="Embed all that is stored anew, and what is named here."),
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Add files, folders and globs; only what changed is embedded anew."""
    if not sources and not reembed:
        raise InputError("nothing is named to add; name files, folders or globs: suffice add docs/")
    settings = Settings.load(config, corpus=corpus, embedder=embedder)
    with (
        Corpus.open(settings=settings, create=bool(sources)) as opened,
        progress_bar(screen(errors=True)) as progress,
    ):
        report = opened.add(sources or [], reembed=reembed, progress=progress)
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        show_report(screen(), report)
    if report.failed and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(1)
