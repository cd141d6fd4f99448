"""Tables of figures on the terminal: an evaluation, and a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..evaluation.catalogue import BY_NAME
from ..evaluation.faults import fault
from ..evaluation.summary import PairSummary, Summary
from ..evaluation.wording import chance, change, change_interval, figure, interval, title, verdict
from .screen import line

HEADLINES = (
    *("recall@5", "recall@20", "all_gold@20", "ndcg@10", "mrr"),
    *("correct", "right", "exact_match", "f1", "gold_in_quote"),
    *("citation_precision", "citation_recall", "citations_found"),
    *("answered", "wrong", "refusal_precision", "refusal_recall", "risk_coverage_area"),
    *("selective_accuracy@80", "selective_accuracy@95", "calibration_error", "crag_score"),
    *("seconds_p50", "seconds_p95", "searches", "llm_calls", "input_tokens", "output_tokens"),
    *("usd", "usd_total", "failed"),
)
"""What is shown here; the report has all."""

SAYS = {"better": "green", "worse": "red", "noise": "dim", "same": "dim"}
MOST_LISTED = 8
IDLE = ("llm_calls", "input_tokens", "output_tokens", "usd", "usd_total", "failed")
"""Costs that are left out where nothing was spent."""


def show_summary(console: Console, summary: Summary) -> None:
    """Print the figures of an evaluation, and which questions went wrong."""
    count = len(summary.questions)
    console.print(
        line(f"{count} questions", style="bold")
        + line(f" of {summary.corpus} ({summary.passages} passages), {summary.reasoner}")
    )
    console.print(_figures(summary))
    for pair in summary.differences:
        console.print(line(f"\n{pair.second} held to {pair.first}", style="bold"))
        console.print(difference_table(pair))
        show_flips(console, pair)
    _show_types(console, summary)
    _show_wrong(console, summary)


def _figures(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False, show_header=len(summary.strategies) > 1)
    table.add_column("", style="cyan")
    table.add_column("", no_wrap=True)
    for one in summary.strategies:
        table.add_column(line(one.strategy), justify="right", no_wrap=True)
        table.add_column("", style="dim", no_wrap=True)
    group = ""
    for name in HEADLINES:
        measure = BY_NAME[name]
        found = [one.measures[name] for one in summary.strategies]
        if name in IDLE and not any(known.value for known in found):
            continue
        cells: list[str | Text] = [measure.group if measure.group != group else "", title(name)]
        group = measure.group
        for known in found:
            cells += [figure(known.value, measure.unit), interval(name, known)]
        table.add_row(*cells)
    return table


def difference_table(pair: PairSummary, names: Sequence[str] = HEADLINES) -> Table:
    """Return the paired differences, with their intervals and whether they are more than noise."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("")
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column("", style="dim", no_wrap=True)
    table.add_column("")
    for name in names:
        found = pair.measures[name]
        if found.value is None or (name in IDLE and not found.value):
            continue
        said = verdict(name, found)
        table.add_row(
            title(name),
            change(name, found),
            change_interval(name, found),
            Text(said, style=SAYS.get(said, "")),
        )
    return table


def show_flips(console: Console, pair: PairSummary) -> None:
    """Print which questions changed sides, and how likely that is by chance."""
    gained, lost = pair.flips.gained, pair.flips.lost
    if not gained and not lost:
        console.print(line("No question changed between right and wrong."))
        return
    said = "more than noise" if pair.flips.p < 0.05 else "may be noise"
    console.print(
        line(
            f"{len(gained)} gained, {len(lost)} lost "
            f"(McNemar's exact {chance(pair.flips.p)}: {said})"
        )
    )
    for label, ids in (("gained", gained), ("lost", lost)):
        if ids:
            more = f" and {len(ids) - MOST_LISTED} more" if len(ids) > MOST_LISTED else ""
            console.print(line(f"  {label}: {', '.join(ids[:MOST_LISTED])}{more}", style="dim"))


def _show_types(console: Console, summary: Summary) -> None:
    first = summary.strategies[0] if summary.strategies else None
    if first is None or not first.types:
        return
    table = Table(box=None, pad_edge=False, title_justify="left", header_style="bold")
    table.add_column("by type", style="cyan")
    names = [name for name in next(iter(first.types.values())) if name != "questions"]
    table.add_column("questions", justify="right")
    for name in names:
        table.add_column(_short(name), justify="right")
    for kind, values in first.types.items():
        cells = [figure(values[name], BY_NAME[name].unit) for name in names]
        table.add_row(line(kind), f"{values['questions']:.0f}", *cells)
    console.print()
    console.print(table)


def _short(name: str) -> str:
    return {"refusal_recall": "refused", "seconds_p50": "time"}.get(name, name)


def _show_wrong(console: Console, summary: Summary) -> None:
    """List what the first strategy got wrong, the surest mistakes first."""
    pairs = [(one.question, one.outcomes[0]) for one in summary.questions if one.outcomes]
    wrong = [pair for pair in pairs if fault(*pair)]
    if not wrong:
        return
    wrong.sort(key=lambda pair: (not pair[1].given, -pair[1].confidence))
    console.print()
    console.print(line(f"{len(wrong)} questions went wrong; the surest mistakes:", style="bold"))
    for question, outcome in wrong[:MOST_LISTED]:
        said = f"{fault(question, outcome)}, {outcome.confidence:.2f}"
        console.print(
            line("  ", (question.id, "cyan"), f" {question.question} ", (f"({said})", "dim"))
        )
