"""`suffice compare`: the same questions under two settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ...errors import InputError
from ..corpus import Corpus
from ..settings import Settings
from .ask import take_up
from .eval import AtOnce, Documents, Fresh, Spend
from .options import CorpusPlace, Json, corpus_for, print_json
from .progress import asking_bar
from .screen import line, screen

if TYPE_CHECKING:
    from ...tools.types import Budget
    from ..evaluation.comparison import Comparison
    from ..evaluation.questions import EvalQuestion
    from ..evaluation.runner import Evaluation

UNFINISHED = 3
MOST_FLIPS = 12


def command(
    first: Annotated[Path, typer.Argument(help="Settings file of the one.")],
    second: Annotated[Path, typer.Argument(help="Settings file of the other.")],
    questions: Annotated[
        Path, typer.Option("--questions", "-q", help="Questions, one JSON object a line.")
    ],
    documents: Documents = None,
    corpus: CorpusPlace = None,
    budget: Spend = None,
    at_once: AtOnce = 4,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Ask the same questions under two settings: what changed, and is it more than noise?"""
    from ..evaluation.budgets import parse_budget
    from ..evaluation.comparison import compare
    from ..evaluation.questions import read_questions

    asked, spend = read_questions(questions), parse_budget(budget or [])
    settings = Settings.load(first), Settings.load(second)
    found = [
        _evaluated(
            settings[i], settings[1 - i], asked, documents or [], corpus, spend, at_once, fresh
        )
        for i in (0, 1)
    ]
    comparison = compare((first.name, second.name), found[0], found[1])
    if comparison is None:
        raise InputError("the budget ended before any question was asked under both settings")
    if json:
        print_json(comparison.model_dump(mode="json"))
    else:
        show_comparison(screen(), comparison)
    raise typer.Exit(UNFINISHED if any(one.unasked for one in found) else 0)


def _evaluated(
    settings: Settings,
    other: Settings,
    questions: tuple[EvalQuestion, ...],
    documents: list[Path],
    corpus: str | None,
    spend: Budget,
    at_once: int,
    fresh: bool,
) -> Evaluation:
    """Ask everything under one of the settings, on an index that fits it."""
    from ..evaluation.comparison import own_place
    from ..evaluation.runner import evaluate

    place = corpus_for(documents, corpus, settings)
    if documents:
        place = own_place(place, settings, other)
    with Corpus.open(place, settings=settings, create=bool(documents)) as opened:
        if documents:
            take_up(opened, documents)
        with asking_bar(screen(errors=True)) as progress:
            return evaluate(
                opened, questions, budget=spend, at_once=at_once, fresh=fresh, progress=progress
            )


def show_comparison(console: Console, found: Comparison) -> None:
    """Print what differs in settings and in figures, and which questions changed sides."""
    from ..evaluation.catalogue import BY_NAME
    from ..evaluation.wording import change, change_interval, figure, title, verdict
    from .figures import HEADLINES, IDLE, SAYS, show_flips

    count = len(found.summaries[0].questions)
    console.print(line(f"{count} questions, {found.second} held to {found.first}", style="bold"))
    for name, (before, after) in found.changed.items():
        console.print(line(f"  {name}: {before} → {after}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in (found.first, found.second, "difference"):
        table.add_column(line(name), justify="right", no_wrap=True)
    table.add_column("", style="dim", no_wrap=True)
    table.add_column("")
    for name in HEADLINES:
        pair, unit = found.pair.measures[name], BY_NAME[name].unit
        values = [one.value(name) for one in found.summaries]
        if pair.value is None or (name in IDLE and not any(values)):
            continue
        said = verdict(name, pair)
        table.add_row(
            title(name),
            *(figure(value, unit) for value in values),
            change(name, pair),
            change_interval(name, pair),
            line((said, SAYS.get(said, ""))),
        )
    console.print()
    console.print(table)
    console.print()
    show_flips(console, found.pair)
    _show_flipped(console, found)


def _show_flipped(console: Console, found: Comparison) -> None:
    from ..evaluation.faults import state

    for flip in found.flipped[:MOST_FLIPS]:
        states = (state(flip.question, one) for one in (flip.first, flip.second))
        console.print(
            line(
                ("  + " if flip.gained else "  − ", "green" if flip.gained else "red"),
                (flip.question.id, "cyan"),
                f" {flip.question.question} ",
                (f"({' → '.join(states)})", "dim"),
            )
        )
