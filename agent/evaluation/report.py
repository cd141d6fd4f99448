"""One HTML page on an evaluation: nothing to fetch, no script, for light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from .catalogue import BY_NAME, MEASURES
from .plots import (
    Axis,
    Bar,
    Line,
    bar_plot,
    bubble_plot,
    ceiling,
    legend,
    line_plot,
    shares,
)
from .report_questions import question_list
from .report_why import where_it_fails
from .summary import PairSummary, StrategySummary, Summary
from .table import KS
from .wording import chance, change, change_interval, figure, interval, seconds, title, verdict

SERVER = "http://127.0.0.1:8000"
"""Where `suffice serve` listens unless told otherwise: runs are opened there."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing is fetched and nothing is run, whatever a document may have smuggled in."""

TILES = ("correct", "wrong", "refusal_recall", "recall@5", "citations_found", "seconds_p50")
TILE_SAYS = {
    "correct": "correct: right answers and right refusals",
    "wrong": "of the answers given are wrong",
    "refusal_recall": "of unanswerable questions refused",
    "recall@5": "of the gold in the first 5 passages",
    "citations_found": "of quotes found in the text",
    "seconds_p50": "a question, median",
}
PARTS = ("survey", "gather", "plan", "search", "rerank", "judge", "write", "verify", "abstain")


def to_html(summary: Summary, *, server: str = SERVER) -> str:
    """Return the whole report. Links to runs lead to `server`."""
    style = (files(__package__) / "report.css").read_text("utf-8")
    body = "\n".join(part for part in _parts(summary, server) if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Evaluation of {escape(summary.corpus)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _parts(summary: Summary, server: str) -> Iterable[str]:
    yield _head(summary)
    if summary.strategies:
        yield _tiles(summary.strategies[0])
        yield _plots(summary.strategies)
        yield _figures(summary)
        yield from (_difference(pair) for pair in summary.differences)
        yield _types(summary.strategies[0])
        if summary.why:
            yield where_it_fails(summary.why)
        yield question_list(summary, server)
    yield _method(summary)


def _head(summary: Summary) -> str:
    count = len(summary.questions)
    able = sum(one.question.answerable for one in summary.questions)
    names = ", ".join(one.strategy for one in summary.strategies)
    notices = [*summary.notices]
    if summary.unasked:
        notices.append(f"The budget ended with {summary.unasked} questions unasked.")
    rough = sum(one.question.rough for one in summary.questions)
    if rough:
        notices.append(
            f"{rough} of the questions were drafted by rule and are marked rough: "
            "read them before you believe these figures."
        )
    return "\n".join(
        [
            "<header>",
            f"<h1>Evaluation of {escape(summary.corpus)}</h1>",
            f'<p class="soft">{count} questions, {able} of them answerable, asked of '
            f"{summary.passages:,} passages. {escape(names)}; {escape(summary.reasoner)}.</p>",
            *(f'<p class="notice">{escape(notice)}</p>' for notice in notices),
            "</header>",
        ]
    )


def _tiles(strategy: StrategySummary) -> str:
    tiles = []
    for name in TILES:
        found = strategy.measures[name]
        tiles.append(
            f'<div class="tile"><b>{figure(found.value, BY_NAME[name].unit)}</b>'
            f"<span>{TILE_SAYS[name]}</span><small>{interval(name, found)}</small></div>"
        )
    return f'<section class="tiles">{"".join(tiles)}</section>'


def _plots(strategies: Sequence[StrategySummary]) -> str:
    figures = [
        (
            _risk(strategies),
            "How many of the answers given are wrong, as ever less confident ones are let "
            "through. A flat, low line is good: confidence then tells right from wrong.",
        ),
        (
            _reliability(strategies),
            "Confidence against truth, in tenths; the larger the dot, the more answers. On the "
            "dashed line confidence is honest; below it, too sure.",
        ),
        (
            _recall(strategies),
            "Share of the gold among the first passages, with 95 % intervals.",
        ),
        (
            _times(strategies),
            "Time by part: the bar is the median, the whisker reaches to 95 in 100.",
        ),
    ]
    drawn = "".join(
        f"<figure>{plot}<figcaption>{caption}</figcaption></figure>"
        for plot, caption in figures
        if plot
    )
    key = legend([one.strategy for one in strategies])
    return f'<h2>At a glance</h2>{key}<section class="plots">{drawn}</section>'


def _risk(strategies: Sequence[StrategySummary]) -> str:
    lines = [Line(one.strategy, one.risk_coverage) for one in strategies]
    risks = [risk for line in lines for _, risk in line.points]
    if not risks:
        return ""
    return line_plot(
        "Risk against coverage",
        shares("questions answered, most confident first"),
        shares("answers that are wrong", 0.0, ceiling(risks)),
        lines,
    )


def _reliability(strategies: Sequence[StrategySummary]) -> str:
    groups = [[(b.confidence, b.right, b.count) for b in one.reliability] for one in strategies]
    if not any(groups):
        return ""
    axes = shares("confidence of the answers"), shares("share of them that are right")
    return bubble_plot("Reliability of the confidence", *axes, groups)


def _recall(strategies: Sequence[StrategySummary]) -> str:
    ticks = [(float(place), str(k)) for place, k in enumerate(KS)]
    lines = []
    for one in strategies:
        found = [one.measures[f"recall@{k}"] for k in KS]
        if all(known.value is None for known in found):
            continue
        points = [(float(i), f.value or 0.0) for i, f in enumerate(found)]
        spans = [(f.low or 0.0, f.high or 0.0) for f in found]
        lines.append(Line(one.strategy, points, spans, dots=True))
    if not lines:
        return ""
    x = Axis("passages looked at", -0.3, len(KS) - 0.7, ticks)
    return line_plot("Recall by depth", x, shares("gold that is found"), lines)


def _times(strategies: Sequence[StrategySummary]) -> str:
    bars = []
    for part in PARTS:
        for group, one in enumerate(strategies):
            took = one.parts.get(part)
            if took:
                said = f"{seconds(took['p50'])} · {seconds(took['p95'])}"
                bars.append(Bar(part, took["p50"], took["p95"], said, group))
    return bar_plot("Time by part", bars) if bars else ""


def _figures(summary: Summary) -> str:
    heads = "".join(
        f'<th class="n">{escape(one.strategy)}</th><th>95 % interval</th>'
        for one in summary.strategies
    )
    rows, group = [], ""
    for measure in MEASURES:
        if measure.group != group:
            group = measure.group
            rows.append(f'<tr class="group"><th colspan="99">{group}</th></tr>')
        cells = "".join(
            f'<td class="n">{figure(one.measures[measure.name].value, measure.unit)}</td>'
            f'<td class="i">{interval(measure.name, one.measures[measure.name])}</td>'
            for one in summary.strategies
        )
        counted = summary.strategies[0].measures[measure.name].questions
        rows.append(
            f"<tr><th>{escape(title(measure.name))}</th>{cells}"
            f'<td class="n soft">{counted}</td><td class="soft">{escape(measure.says)}</td></tr>'
        )
    return (
        '<h2>All figures</h2><div class="wide"><table><thead><tr><th></th>'
        f'{heads}<th class="n">over</th><th></th></tr></thead><tbody>{"".join(rows)}'
        "</tbody></table></div>"
    )


def _difference(pair: PairSummary) -> str:
    rows = []
    for measure in MEASURES:
        found = pair.measures[measure.name]
        if found.value is None or not (found.value or measure.group != "cost"):
            continue
        said = verdict(measure.name, found)
        likely = "" if found.p is None else f"{found.p:.3f}"
        rows.append(
            f"<tr><th>{escape(title(measure.name))}</th>"
            f'<td class="n">{change(measure.name, found)}</td>'
            f'<td class="i">{change_interval(measure.name, found)}</td>'
            f'<td class="n soft">{likely}</td><td class="{said}">{said}</td></tr>'
        )
    gained, lost = len(pair.flips.gained), len(pair.flips.lost)
    return (
        f"<h2>{escape(pair.second)} held to {escape(pair.first)}</h2>"
        f"<p>{gained} questions gained, {lost} lost; McNemar’s exact test gives "
        f"{chance(pair.flips.p)}. The intervals are of paired differences, question by question; "
        "shares are in points. One figure in twenty passes for more than noise by chance.</p>"
        '<div class="wide"><table><thead><tr><th></th><th class="n">difference</th>'
        '<th>95 % interval</th><th class="n">p</th><th></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _types(strategy: StrategySummary) -> str:
    if not strategy.types:
        return ""
    names = [name for name in next(iter(strategy.types.values())) if name != "questions"]
    heads = "".join(f'<th class="n">{escape(title(name))}</th>' for name in names)
    rows = []
    for kind, values in strategy.types.items():
        cells = "".join(
            f'<td class="n">{figure(values[name], BY_NAME[name].unit)}</td>' for name in names
        )
        rows.append(
            f'<tr><th>{escape(kind)}</th><td class="n">{values["questions"]:.0f}</td>{cells}</tr>'
        )
    return (
        f"<h2>By type of question: {escape(strategy.strategy)}</h2>"
        f'<div class="wide"><table><thead><tr><th></th><th class="n">questions</th>{heads}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _method(summary: Summary) -> str:
    changed = ", ".join(
        f"{name} = {summary.settings[name]!r}"
        for name in ("embedder", "reranker", "trail", "evidence", "threshold", "max_chars")
    )
    return (
        f"<footer><p>Suffice {escape(summary.suffice)}. {escape(changed)}. "
        f"{summary.fresh} questions asked in this sitting in {summary.seconds:.0f} s, "
        f"{summary.at_once} at a time: times are of questions that share the machine.</p>"
        "<p>Intervals hold the middle 95 % of 1,000 bootstrap draws over the questions. An answer "
        "is right where a gold answer stands in it or in its quotes, after folding case and "
        "marks; any answer to an unanswerable question is wrong. Exact match and F1 follow "
        "SQuAD’s rules on the short answer; a refusal scores 0. Coverage counts all questions; "
        "where fewer were answered than asked for, accuracy is over all that were.</p></footer>"
    )
