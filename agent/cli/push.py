"""`suffice push`: copy a corpus to a Qdrant server."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Json, print_json
from .screen import line, screen


def command(
    place: Annotated[str, typer.Argument(help="Address of the server, or a folder.")],
    collection: Annotated[
        str | None, typer.Option(help="Its name there; default: the settings'.")
    ] = None,
    corpus: CorpusPlace = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Copy a corpus to a Qdrant server; nothing is embedded anew."""
    settings = Settings.load(config, corpus=corpus)
    console = screen(errors=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Corpus.open(settings=settings, create=False) as opened,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("copying", total=None)
        copied = opened.push(
            place,
            collection=collection,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json:
        print_json({"copied": copied})
    else:
        documents = "1 document" if copied == 1 else f"{copied:,} documents"
        screen().print(line(f"{documents} copied to {place}"))
