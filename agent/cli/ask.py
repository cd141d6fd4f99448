"""`suffice ask`: a question to the corpus, or to a folder in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...graphs.events import RunFinished
from ...tools.types import Answer
from ..corpus import Corpus, checked
from ..sdk import Agent
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder, Json, corpus_for, parse_where, print_json
from .progress import progress_bar
from .show import show_answer, show_report, show_step

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
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask a question; the answer comes in quotes with their sources, or not at all."""
    question = checked(question)
    budget = {"rounds": rounds} if rounds else None
    settings = Settings.load(
        config, small=small, writer=writer, strategy=strategy, embedder=embedder, budget=budget
    )
    place = corpus_for(documents or [], corpus, settings)
    with Corpus.open(place, settings=settings, create=bool(documents)) as opened:
        if documents:
            _take_up(opened, documents)
        answer = _run(opened, question, parse_where(where or []))
    if json:
        print_json(answer.model_dump(mode="json"))
    else:
        show_answer(Console(), answer)
    raise typer.Exit(EXIT[answer.status])


def _take_up(corpus: Corpus, documents: list[Path]) -> None:
    console = Console(stderr=True)
    with progress_bar(console) as progress:
        report = corpus.add(documents, progress=progress)
    if console.is_terminal or report.failed:
        show_report(console, report)


def _run(corpus: Corpus, question: str, where: dict[str, object] | None) -> Answer:
    """Run the question, shown as it goes where somebody watches."""
    console = Console(stderr=True)
    with Agent(corpus) as agent:
        for event in agent.stream(question, where=where):
            if isinstance(event, RunFinished):
                return event.answer
            if console.is_terminal:
                show_step(console, event)
    raise RuntimeError("the run ended without an answer")
