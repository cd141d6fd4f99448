"""Where it fails, on the terminal: what each part loses, and what to swap first."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ..evaluation.diagnosis import Diagnosis
from .screen import line


def show_why(console: Console, why: Diagnosis) -> None:
    """Print what there is to gain from each part, and one line of advice."""
    console.print(line("\nWhere it fails", style="bold"))
    if not why.blames:
        console.print(line("No question failed."))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("", style="cyan")
    for name in ("questions lost", "proven", "points to gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for gain in why.gains:
        table.add_row(line(gain.name), str(gain.lost), str(gain.proven), f"{gain.points:.1f}")
    console.print(table)
    console.print(line(why.sentence))
    if why.swap:
        console.print(line(why.swap.sentence, style="bold"))
        if why.swap.setting:
            console.print(line(f"  {why.swap.setting}"))
    console.print(line(f"by {why.reruns} reruns in {why.seconds:.0f} s", style="dim"))
