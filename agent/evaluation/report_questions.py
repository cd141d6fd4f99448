"""The questions of a report: what was asked, what came of it, and the run behind it."""

from __future__ import annotations

from html import escape
from shlex import quote

from .faults import fault, state
from .outcome import Outcome
from .questions import EvalQuestion
from .summary import QuestionSummary, Summary
from .wording import seconds

_FILTERS = (
    ("only-all", "all"),
    ("only-wrong", "those that went wrong"),
    ("only-refused", "those refused"),
)


def question_list(summary: Summary, server: str) -> str:
    """Return the questions, those that went wrong first, with a filter that needs no script."""
    several = len(summary.strategies) > 1
    filters = [*_FILTERS, ("only-flipped", "those on which strategies differ")]
    shown = filters if several else filters[:-1]
    chosen = "only-wrong" if any(_wrong(one) for one in summary.questions) else "only-all"
    inputs = "".join(
        f'<input type="radio" name="only" id="{name}"{" checked" if name == chosen else ""}>'
        f' <label for="{name}">{label}</label> '
        for name, label in shown
    )
    ordered = sorted(summary.questions, key=_order)
    listed = "\n".join(_question(one, summary, server) for one in ordered)
    wrong = sum(_wrong(one) for one in summary.questions)
    return (
        f"<h2>Questions: {wrong} of {len(summary.questions)} went wrong</h2>\n"
        f'<p class="soft">A run can be opened in the browser while '
        "<code>suffice serve</code> is running, or drawn with the command beside it.</p>\n"
        f'<div class="filter">{inputs}<div class="list">\n{listed}\n</div></div>'
    )


def _wrong(one: QuestionSummary) -> bool:
    return any(fault(one.question, outcome) for outcome in one.outcomes)


def _order(one: QuestionSummary) -> tuple[bool, bool, float]:
    """Wrong ones first, of these the wrong answers, the surest of them on top."""
    first = one.outcomes[0]
    return not _wrong(one), not (fault(one.question, first) and first.given), -first.confidence


def _question(one: QuestionSummary, summary: Summary, server: str) -> str:
    states = [state(one.question, outcome) for outcome in one.outcomes]
    kinds = ["q"]
    kinds += [] if _wrong(one) else ["fine"]
    kinds += ["refused"] if any(outcome.refused for outcome in one.outcomes) else []
    sides = {bool(fault(one.question, outcome)) for outcome in one.outcomes}
    kinds += ["flipped"] if len(sides) > 1 else []
    marks = ", ".join(
        f'<span class="{"bad" if fault(one.question, outcome) else "good"}">{said}</span>'
        for said, outcome in zip(states, one.outcomes, strict=True)
    )
    told = "".join(_strategy(one.question, outcome, summary, server) for outcome in one.outcomes)
    return (
        f'<details class="{" ".join(kinds)}"><summary>'
        f'<span class="id">{escape(one.question.id)}</span>'
        f'<span>{escape(one.question.question)}</span><span class="state">{marks}</span>'
        f'</summary><div class="inside">{_known(one.question)}{told}</div></details>'
    )


def _known(question: EvalQuestion) -> str:
    rows = []
    if question.history:
        turns = "\n".join(f"{speaker}: {text}" for speaker, text in question.history)
        rows.append(("before", turns))
    if not question.answerable:
        rows.append(("known", "the documents do not answer this"))
    if question.answers:
        rows.append(("answer", " · ".join(question.answers)))
    if question.gold:
        rows.append(("gold", " · ".join(question.gold)))
    if question.type:
        rows.append(("type", question.type))
    return _listed(rows)


def _strategy(question: EvalQuestion, outcome: Outcome, summary: Summary, server: str) -> str:
    rows = [("came of it", _said(question, outcome))]
    if outcome.text:
        rows.append(("answer" if outcome.given else "said", outcome.text))
    if outcome.error:
        rows.append(("error", outcome.error))
    if outcome.missing:
        rows.append(("missing", "; ".join(outcome.missing)))
    cited = [c.title or c.source or c.document_id for c in outcome.citations]
    if cited:
        names = (f"[{c.number}] {name}" for c, name in zip(outcome.citations, cited, strict=True))
        rows.append(("cited", " · ".join(names)))
    if question.gold and outcome.ranked:
        rows.append(("gold ranked", ", ".join(_rank(rank) for rank in outcome.gold_ranks)))
    head = f"<h3>{escape(outcome.strategy)}</h3>" if len(summary.strategies) > 1 else ""
    return f'<div class="strategy">{head}{_listed(rows)}{_run(outcome, summary, server)}</div>'


def _said(question: EvalQuestion, outcome: Outcome) -> str:
    usage = outcome.usage
    parts = [state(question, outcome)]
    if outcome.reason:
        parts.append(outcome.reason.replace("_", " "))
    parts.append(f"confidence {outcome.confidence:.2f}")
    parts.append(f"{usage.rounds} rounds, {usage.searches} searches")
    if usage.llm_calls:
        tokens = usage.input_tokens + usage.output_tokens
        parts.append(f"{usage.llm_calls} model calls, {tokens:,} tokens")
    return ", ".join([*parts, seconds(usage.seconds)])


def _rank(rank: int | None) -> str:
    return "not among the evidence" if rank is None else f"{rank + 1}."


def _run(outcome: Outcome, summary: Summary, server: str) -> str:
    if not outcome.run_id:
        return ""
    link = escape(f"{server}/runs/{outcome.run_id}", quote=True)
    command = f"suffice graph --run {outcome.run_id} -c {quote(summary.corpus)} -o run.svg"
    return f'<p><a href="{link}">open the run</a> <code>{escape(command)}</code></p>'


def _listed(rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    inside = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<dl>{inside}</dl>"
