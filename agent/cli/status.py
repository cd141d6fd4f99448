"""`suffice status`: what is in the corpus, which parts are in use and why, what it weighs."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Json, print_json
from .screen import line, screen


def command(corpus: CorpusPlace = None, config: Config = None, json: Json = False) -> None:
    """Show what is in the corpus, which parts are in use and why, and what it weighs."""
    from ..sdk import Agent

    settings = Settings.load(config, corpus=corpus)
    with Corpus.open(settings=settings, create=False) as opened, Agent(opened) as agent:
        status = agent.status()
    if json:
        print_json(status)
    else:
        _show(screen(), status)


def _show(console: Console, status: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for name in ("corpus", "documents", "passages", "megabytes", "built_with"):
        table.add_row(name.replace("_", " "), line(str(status[name])))
    for field in status["fields"]:
        values = ", ".join(str(value) for value in field["values"][:6])
        table.add_row(line(f"field {field['name']}"), line(f"{field['type']}: {values}"))
    for part in status["parts"]:
        table.add_row(part["part"], f"{part['uses']}  ({part['why']})")
    for notice in status["notices"]:
        table.add_row("notice", line(notice))
    console.print(table)
