"""`suffice ask`: a question to the corpus, or to a folder in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...tools.types import Answer, Where
from ..corpus import Corpus, checked
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder, Json, corpus_for, parse_where, print_json
from .progress import progress_bar
from .screen import screen
from .show import show_answer, show_question, show_report, show_step

EXIT = {"answered": 0, "partial": 3, "abstained": 3, "failed": 1}


def command(
    question: Annotated[str, typer.Argument(help="The question.")],
    documents: Annotated[
        list[Path] | None,
        typer.Option("--documents", "-d", help="Add this folder or file first (may be repeated)."),
    ] = None,
    corpus: CorpusPlace = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", help="Narrow by metadata: year>=2021, team=pilots, or JSON."),
    ] = None,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of search at most.")] = None,
    thread: Annotated[
        str | None, typer.Option(help="Name of a conversation; a follow-up is understood from it.")
    ] = None,
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask a question; the answer comes in quotes with their sources, or not at all."""
    question, narrowed = checked(question), parse_where(where or [])
    budget = {"rounds": rounds} if rounds else None
    settings = Settings.load(
        config, small=small, writer=writer, strategy=strategy, embedder=embedder, budget=budget
    )
    place = corpus_for(documents or [], corpus, settings)
    with Corpus.open(place, settings=settings, create=bool(documents)) as opened:
        if documents:
            take_up(opened, documents)
        _say_if_empty(opened)
        answer = _run(opened, question, narrowed, thread)
    if json:
        print_json(answer.model_dump(mode="json"))
    else:
        show_answer(screen(), answer)
    raise typer.Exit(EXIT[answer.status])


def take_up(corpus: Corpus, documents: list[Path]) -> None:
    """Add what was named, and say what came of it where somebody watches."""
    console = screen(errors=True)
    with progress_bar(console) as progress:
        report = corpus.add(documents, progress=progress)
    if console.is_terminal or report.failed:
        show_report(console, report)


def _say_if_empty(corpus: Corpus) -> None:
    """An abstention is about what was searched; of an empty corpus that has to be said."""
    if not corpus.count():
        empty = f"the corpus at {corpus.place} is empty; add documents with: suffice add FOLDER"
        screen(errors=True).print(empty)


def _run(corpus: Corpus, question: str, where: Where | None, thread: str | None) -> Answer:
    """Run the question, shown as it goes where somebody watches."""
    from ...graphs.events import RunFinished
    from ..sdk import Agent

    console = screen(errors=True)
    with Agent(corpus) as agent:
        for event in agent.stream(question, where=where, thread=thread):
            if isinstance(event, RunFinished):
                return event.answer
            show_question(console, event)
            if console.is_terminal:
                show_step(console, event)
    raise RuntimeError("the run ended without an answer")
