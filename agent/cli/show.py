"""What a person sees of a run and of its answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ...tools.types import AddReport, Answer, Citation, Passage
from ..words import NEAREST, WHY, clip, footer, many, step_lines
from .screen import line

if TYPE_CHECKING:
    from ...graphs.events import Event


def show_report(console: Console, report: AddReport) -> None:
    """Print what an add did, and every source that failed with its reason."""
    parts = [
        f"{getattr(report, name)} {name}"
        for name in ("added", "updated", "unchanged", "removed")
        if getattr(report, name)
    ]
    summary = ", ".join(parts) or "nothing to add"
    counts = f"{summary} · {many(report.passages, 'passage')} · {report.seconds:.1f} s"
    console.print(line(counts, style="dim"))
    for failure in report.failed:
        said = f"  skipped {_short(failure.source)}: {failure.reason}"
        console.print(line(said, style="yellow"))


def show_question(console: Console, event: Event) -> None:
    """Print what was made of a follow-up, so that a person can see what is asked."""
    if event.type == "run_started" and event.asked:
        console.print(line(("→ ", "cyan"), event.question, style="dim"))


def show_step(console: Console, event: Event) -> None:
    """Print the line of a node that has ended: what it searched, found or concluded."""
    if event.type != "node_finished":
        return
    for said in step_lines(event):
        console.print(line((f"{event.node:8}", "cyan"), " ", said, style="dim"))


def show_answer(console: Console, answer: Answer) -> None:
    """Print an answer with its numbered sources, or why there is none and what came nearest."""
    if answer.status in ("answered", "partial"):
        console.print(line(_plain(answer.text)))
        console.print()
        for citation in answer.citations:
            _show_source(console, citation, answer)
    else:
        _show_refusal(console, answer)
    _show_missing(console, answer)
    console.print(line(footer(answer), style="dim"))


def _plain(text: str) -> str:
    """Return text without the marks of Markdown emphasis; the quotes themselves keep them."""
    return text.replace("**", "")


def _show_source(console: Console, citation: Citation, answer: Answer) -> None:
    place = f"{citation.title} — " if citation.title else ""
    console.print(line((f"[{citation.number}] ", "cyan"), place, (_short(citation.source), "dim")))
    if " ".join(citation.quote.split()) not in answer.text:
        console.print(line(f"    “{' '.join(citation.quote.split())}”"))


def _show_refusal(console: Console, answer: Answer) -> None:
    why = WHY.get(answer.reason or "", "")
    if answer.status == "failed":
        console.print(line(f"Failed: {why}.", style="bold red"))
        console.print(line(answer.text))
        return
    console.print(line(f"Not answered: {why}.", style="bold"))
    if answer.passages:
        console.print(line("Nearest:"))
    for passage in answer.passages[:NEAREST]:
        console.print(line("  ", (_name(passage), "cyan"), " ", clip(passage.text)))


def _show_missing(console: Console, answer: Answer) -> None:
    if answer.missing:
        console.print(line("Missing: " + "; ".join(answer.missing)))
    if answer.status == "abstained" and answer.searches:
        tried = "; ".join(f"“{query.text}”" for query in answer.searches)
        console.print(line(f"Searched: {tried}", style="dim"))


def _name(passage: Passage) -> str:
    return " › ".join((passage.title or _short(passage.source), *passage.headings[-1:]))


def _short(source: str) -> str:
    """Return a path relative to here where that is shorter to read."""
    try:
        return str(Path(source).relative_to(Path.cwd()))
    except ValueError:
        return source
