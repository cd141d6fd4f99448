"""`suffice calibrate`: from which confidence to answer, for an error that is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..corpus import Corpus
from ..settings import ENVIRONMENT, FILE, Settings
from .ask import take_up
from .eval import AtOnce, Documents, Fresh, Spend
from .options import Config, CorpusPlace, Embedder, Json, corpus_for, print_json
from .progress import asking_bar
from .screen import line, screen

if TYPE_CHECKING:
    from rich.console import Console

    from ..evaluation.calibration import Calibration, Cut
    from ..evaluation.promise import Promise

NO_PROMISE = 3


def command(
    questions: Annotated[Path, typer.Argument(help="Questions, one JSON object a line.")],
    max_error: Annotated[
        float, typer.Option(min=0.001, max=0.999, help="Share of answers that may be wrong.")
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="How sure the promise is to be.")
    ] = 0.9,
    documents: Documents = None,
    corpus: CorpusPlace = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    budget: Spend = None,
    at_once: AtOnce = 4,
    fresh: Fresh = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write no settings.")] = False,
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Choose the threshold below which nothing is answered, so that few answers are wrong."""
    from ..evaluation.budgets import parse_budget
    from ..evaluation.promise import promise
    from ..evaluation.questions import read_questions

    asked, spend = read_questions(questions), parse_budget(budget or [])
    settings = Settings.load(
        config, small=small, writer=writer, strategy=strategy, embedder=embedder
    )
    place = corpus_for(documents or [], corpus, settings)
    with Corpus.open(place, settings=settings, create=bool(documents)) as opened:
        if documents:
            take_up(opened, documents)
        with asking_bar(screen(errors=True)) as progress:
            made = promise(
                opened,
                asked,
                max_error=max_error,
                confidence=confidence,
                budget=spend,
                at_once=at_once,
                fresh=fresh,
                progress=progress,
            )
    chosen = made.calibration.chosen
    file = Path(config or os.environ.get("SUFFICE_CONFIG") or FILE)
    written = chosen is not None and not dry_run
    if chosen and written:
        from ..settings_file import write_settings

        write_settings(file, {"threshold": chosen.threshold})
    if json:
        print_json(_machine(made, file if written else None))
    else:
        _show(screen(), made, settings, file, written)
    raise typer.Exit(0 if chosen else NO_PROMISE)


def _machine(made: Promise, file: Path | None) -> dict[str, Any]:
    from ..evaluation.calibration import ASSUMPTION, METHOD

    found = made.calibration
    return {
        "method": METHOD,
        "assumption": ASSUMPTION,
        "max_error": found.max_error,
        "confidence": found.confidence,
        "asked": found.asked,
        "given": found.given,
        "failed": made.failed,
        "unjudged": made.unjudged,
        "promised": found.chosen is not None,
        "chosen": _cut(found.chosen, found),
        "best": _cut(found.best, found),
        "needed": found.needed,
        "cuts": [_cut(cut, found) for cut in found.cuts],
        "written": str(file) if file else None,
    }


def _cut(cut: Cut | None, found: Calibration) -> dict[str, Any] | None:
    if cut is None:
        return None
    return {
        "threshold": cut.threshold,
        "answered": cut.kept,
        "coverage": cut.kept / found.asked,
        "wrong": cut.wrong,
        "error": cut.error,
        "bound": cut.bound,
    }


def _show(console: Console, made: Promise, settings: Settings, file: Path, written: bool) -> None:
    from ..evaluation.calibration import ASSUMPTION, METHOD

    found = made.calibration
    for notice in made.notices:
        console.print(line(f"notice: {notice}", style="yellow"))
    console.print(line(f"{found.asked} questions, {found.given} of them answered."))
    for sentence in _verdict(found):
        console.print(line(sentence, style="bold"))
    _show_cuts(console, found)
    console.print(line(f"{METHOD}. It holds if {ASSUMPTION}.", style="dim"))
    if written and found.chosen:
        was = f" (it was {settings.threshold:g})" if settings.threshold else ""
        console.print(line(f"wrote threshold = {found.chosen.threshold:g} to {file}{was}"))
        if settings.origin("threshold") == ENVIRONMENT:
            console.print(line("SUFFICE_THRESHOLD is set, and overrides the file", style="yellow"))
    elif not found.chosen:
        stays = f"; the threshold stays at {settings.threshold:g}" if settings.threshold else ""
        console.print(line(f"nothing was written{stays}"))


def _verdict(found: Calibration) -> list[str]:
    """Say what is promised and what it costs, or what there is too little for."""
    sure, promised = share(found.confidence), share(found.max_error)
    if found.chosen:
        cut, whole = found.chosen, share(found.given / found.asked)
        return [
            f"Of the answers given, at most {promised} are wrong ({sure} sure), if none is given "
            f"below a confidence of {cut.threshold:g}.",
            f"That answers {share(cut.kept / found.asked)} of the questions instead of {whole}: "
            f"{cut.wrong} of {cut.kept} answers were wrong.",
        ]
    if found.best is None:
        return ["Nothing can be promised: no question was answered."]
    cut = found.best
    more = (
        f"About {found.needed} answers like these would be enough for {promised}."
        if found.needed
        else f"More questions would not help: even the surest answers are wrong more often "
        f"than {promised}."
    )
    return [
        f"With {found.asked} questions the best I can promise is {share(cut.bound)} wrong answers "
        f"({sure} sure), not {promised}.",
        f"That is from a confidence of {cut.threshold:g} on, where {cut.wrong} of {cut.kept} "
        f"answers were wrong. {more}",
    ]


def share(value: float) -> str:
    """Write a share as people do: "5 %", "12.3 %"."""
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def _show_cuts(console: Console, found: Calibration) -> None:
    from rich.table import Table

    if not found.cuts:
        return
    table = Table(box=None, pad_edge=False)
    for name in ("threshold", "answered", "wrong", "seen", "at most"):
        table.add_column(name, justify="right", no_wrap=True)
    for cut in found.cuts:
        style = "bold" if cut == found.chosen else ""
        table.add_row(
            f"{cut.threshold:g}", share(cut.kept / found.asked), str(cut.wrong),
            share(cut.error), share(cut.bound), style=style,
        )  # fmt: skip
    console.print(table)
