"""`suffice eval`: how well the corpus is answered, on questions of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import InputError
from ..corpus import Corpus
from ..settings import Settings
from .ask import take_up
from .draft import propose
from .options import Config, CorpusPlace, Embedder, Json, corpus_for, print_json
from .progress import asking_bar, rerunning_bar
from .screen import line, screen

if TYPE_CHECKING:
    from ...tools.types import Budget
    from ..evaluation.diagnosis import Diagnosis
    from ..evaluation.questions import EvalQuestion
    from ..evaluation.runner import Evaluation
    from ..evaluation.summary import Summary

FELL_SHORT, UNFINISHED = 1, 3

AtOnce = Annotated[int, typer.Option(min=1, max=256, help="Questions under way at a time.")]
Spend = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        help="What all of it may take: usd=2, tokens=500000, llm_calls=300, seconds=600.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask all anew, whatever was kept.")]
Documents = Annotated[
    list[Path] | None,
    typer.Option("--documents", "-d", help="Add this folder or file first (may be repeated)."),
]


def command(
    questions: Annotated[
        Path | None, typer.Argument(help="Questions, one JSON object a line.")
    ] = None,
    documents: Documents = None,
    corpus: CorpusPlace = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="One or several with commas: iterative,single_pass,long_context."),
    ] = None,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    judge: Annotated[
        str | None, typer.Option(help="Model that marks the answers: auto, or provider:model.")
    ] = None,
    draft: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Propose so many questions instead of asking any."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where proposed questions go.")
    ] = None,
    budget: Spend = None,
    at_once: AtOnce = 4,
    fresh: Fresh = False,
    report: Annotated[
        Path | None, typer.Option(help="Where the HTML report goes; default: with the results.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(help="End with status 1 if a measure is worse: right=0.9 (may be repeated)."),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say which part lost each question that failed.")
    ] = False,
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask questions whose answers are known, and say how well that went."""
    from ..evaluation.budgets import parse_budget
    from ..evaluation.goals import missed, parse_goals
    from ..evaluation.questions import read_questions
    from ..evaluation.summary import summarize

    if draft is not None:
        if questions is not None:
            raise InputError("--draft proposes questions, and QUESTIONS asks them: give one")
        settings = Settings.load(config, small=small, writer=writer, embedder=embedder)
        propose(settings, draft, documents or [], corpus, output)
        return
    if questions is None:
        raise InputError(
            "name a file of questions: suffice eval questions.jsonl; without any, let some be "
            "proposed: suffice eval --draft 30 -o questions.jsonl"
        )
    asked = read_questions(questions)
    strategies = tuple(name.strip() for name in (strategy or "").split(",") if name.strip())
    goals, spend = parse_goals(fail_under or []), parse_budget(budget or [])
    settings = Settings.load(config, small=small, writer=writer, embedder=embedder)
    place = corpus_for(documents or [], corpus, settings)
    with Corpus.open(place, settings=settings, create=bool(documents)) as opened:
        if documents:
            take_up(opened, documents)
        evaluation = _run(opened, asked, strategies, spend, at_once, fresh)
        if judge is not None:
            _mark(opened, evaluation, judge, spend, at_once)
        found = _diagnosed(opened, evaluation, at_once) if why else None
    summary = summarize(evaluation).model_copy(update={"why": found})
    written = write_report(summary, report)
    if json:
        print_json(summary.model_dump(mode="json"))
    else:
        _show(summary, written)
    short = missed(summary, goals)
    for sentence in short:
        screen(errors=True).print(line(f"suffice: {sentence}"))
    raise typer.Exit(FELL_SHORT if short else UNFINISHED if summary.unasked else 0)


def _run(
    corpus: Corpus,
    questions: tuple[EvalQuestion, ...],
    strategies: tuple[str, ...],
    spend: Budget,
    at_once: int,
    fresh: bool,
) -> Evaluation:
    """Ask them all, with a bar where somebody watches."""
    from ..evaluation.runner import evaluate

    with asking_bar(screen(errors=True)) as progress:
        return evaluate(
            corpus,
            questions,
            strategies=strategies,
            budget=spend,
            at_once=at_once,
            fresh=fresh,
            progress=progress,
        )


def _mark(corpus: Corpus, evaluation: Evaluation, judge: str, spend: Budget, at_once: int) -> None:
    """Have a model mark the answers, with what the questions left of the budget."""
    from ..evaluation.judging import judge_answers
    from ..reasoner import model_opener

    opened = model_opener(corpus.settings, corpus._parts.cache)
    model = opened("" if judge == "auto" else judge)
    left = spend.left(evaluation.spent)
    with asking_bar(screen(errors=True)) as progress:
        judge_answers(corpus, evaluation, model, budget=left, at_once=at_once, progress=progress)


def _diagnosed(corpus: Corpus, evaluation: Evaluation, at_once: int) -> Diagnosis:
    """Run again what failed, with a bar where somebody watches."""
    from ..evaluation.diagnosis import diagnose

    with rerunning_bar(screen(errors=True)) as progress:
        return diagnose(corpus, evaluation, at_once=at_once, progress=progress)


def write_report(summary: Summary, report: Path | None) -> Path:
    """Write the HTML report, and beside it the same in JSON. Return where it is."""
    from ..evaluation.report import to_html

    path = report or Path(summary.folder) / "report.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_html(summary), encoding="utf-8")
        path.with_suffix(".json").write_text(
            summary.model_dump_json(indent=1), encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise InputError(f"cannot write the report to {path}: {error.strerror}") from error
    return path


def _show(summary: Summary, report: Path) -> None:
    from .figures import show_summary
    from .why import show_why

    console = screen()
    for notice in summary.notices:
        console.print(line(f"notice: {notice}", style="yellow"))
    show_summary(console, summary)
    if summary.why:
        show_why(console, summary.why)
    took = f"{summary.fresh} asked in {summary.seconds:.0f} s, {summary.at_once} at a time"
    kept = sum(len(one.outcomes) for one in summary.questions) - summary.fresh
    console.print()
    console.print(line(took + (f"; {kept} kept from before" if kept > 0 else ""), style="dim"))
    if summary.unasked:
        left = f"The budget ended with {summary.unasked} unasked; the same command goes on."
        console.print(line(left, style="bold"))
    console.print(line(f"report: {report}"))
