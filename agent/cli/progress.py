"""A progress bar on a terminal, and nothing in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from .screen import line

if TYPE_CHECKING:
    from ...tools.ingest import Progress
    from ..evaluation.runner import Asked


BAR = 16
NUMBERS = BAR + 55
"""Columns of the bar and of all that is said beside it but for the file's name."""


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what `Corpus.add` calls with its progress, or None where nobody watches."""
    if not console.is_terminal:
        yield None
        return
    with _bar(console) as bar:
        task = bar.add_task("adding", total=None, rate="", current="")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                rate=f"{progress.rate:.0f} passages/s{_left(progress.seconds_left)}",
                current=_name(progress.current, console.width - NUMBERS),
            )

        yield show


@contextmanager
def asking_bar(console: Console) -> Iterator[Callable[[Asked], None] | None]:
    """Yield what an evaluation calls after each question, or None where nobody watches."""
    if not console.is_terminal:
        yield None
        return
    with _bar(console) as bar:
        task = bar.add_task("asking", total=None, rate="", current="")

        def show(asked: Asked) -> None:
            rate = f"{asked.rate:.1f} questions/s{_left(asked.seconds_left)}" if asked.rate else ""
            bar.update(
                task, completed=asked.done, total=asked.total, rate=rate, current=asked.strategy
            )

        yield show


@contextmanager
def rerunning_bar(console: Console) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what a diagnosis calls after each question, or None where nobody watches."""
    if not console.is_terminal:
        yield None
        return
    with _bar(console) as bar:
        task = bar.add_task("running again", total=None, rate="", current="")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(console: Console) -> Bar:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=BAR),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", style="dim"),
        TextColumn("{task.fields[current]}", style="dim", markup=False),
    )
    return Bar(*columns, console=console, transient=True)


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f", {_duration(seconds)} left"


def _name(source: str, room: int) -> str:
    """Return the end of a source's path, as much of its last part as there is room for."""
    name = line(source.rpartition("/")[2]).plain
    return name if len(name) <= room else "…" + name[max(len(name) - room + 1, 0) :]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
