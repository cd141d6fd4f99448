"""`suffice graph`: the picture of the graph, or of the path a run took through it."""

from __future__ import annotations

import json as jsonlib
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import InputError
from ..settings import Settings
from .options import Config, CorpusPlace, Json

if TYPE_CHECKING:
    from ...graphs.events import Event


class Format(StrEnum):
    """How the graph is drawn."""

    mermaid = "mermaid"
    svg = "svg"
    json = "json"


def command(
    format: Annotated[Format, typer.Option("--format", "-f")] = Format.mermaid,  # noqa: A002
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    run: Annotated[
        str | None, typer.Option(help='Show the path this run took; "last" is the latest.')
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    corpus: CorpusPlace = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Draw the graph as Mermaid, SVG or JSON, from the compiled graph itself."""
    settings = Settings.load(config, corpus=corpus, strategy=strategy)
    events = _events(settings, run) if run else []
    name = next((e.strategy for e in events if e.type == "run_started"), settings.strategy)
    text = _drawn(name, events, Format.json if json else _format(format, output))
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error


def _events(settings: Settings, run: str) -> list[Event]:
    """Find a run where runs are kept: beside the corpus, or beside any corpus here."""
    from ..runs import LAST
    from ..sdk import run_store

    places = [
        settings.corpus,
        *(str(path.parent) for path in Path(".suffice").glob("*/runs.sqlite")),
    ]
    stores = [run_store(place, settings) for place in dict.fromkeys(places)]
    kept = [store for store in stores if store.latest(1)]
    if run == LAST and kept:
        return max(kept, key=lambda store: store.latest(1)[0].at).events(run)
    for store in kept:
        with suppress(InputError):
            return store.events(run)
    raise InputError(
        f'no run "{run}" is kept beside {", ".join(dict.fromkeys(places))}; ask something first'
    )


def _format(chosen: Format, output: Path | None) -> Format:
    return Format.svg if output is not None and output.suffix == ".svg" else chosen


def _drawn(strategy: str, events: list[Event], form: Format) -> str:
    from ...graphs import build
    from ...graphs.drawing import structure, taken, to_json, to_mermaid, to_svg

    shape = structure(build(strategy))
    path = taken(shape, events) if events else None
    if form is Format.svg:
        return to_svg(shape, path, title=f"The {strategy} graph")
    if form is Format.json:
        return jsonlib.dumps(to_json(shape, path), indent=2) + "\n"
    return to_mermaid(shape, path)
