"""How figures are written for people."""

from __future__ import annotations

from .catalogue import BY_NAME
from .intervals import Difference, Estimate
from .measures import Unit

NONE = "–"

TITLES = {
    "correct": "correct, answered or refused",
    "right": "answerable ones right",
    "exact_match": "exact match",
    "f1": "F1 of words",
    "gold_in_quote": "gold in quote",
    "citation_precision": "precision",
    "citation_recall": "recall",
    "citations_found": "quotes found in the text",
    "answered": "questions answered",
    "wrong": "answers that are wrong",
    "refusal_precision": "refusals that are right",
    "refusal_recall": "unanswerable ones refused",
    "risk_coverage_area": "risk–coverage area",
    "selective_accuracy@80": "accuracy at 80 % coverage",
    "selective_accuracy@95": "accuracy at 95 % coverage",
    "calibration_error": "calibration error",
    "crag_score": "right − wrong",
    "ndcg@10": "nDCG@10",
    "mrr": "MRR",
    "seconds_p50": "time, median",
    "seconds_p95": "time, 95 in 100",
    "llm_calls": "model calls",
    "input_tokens": "tokens in",
    "output_tokens": "tokens out",
    "usd": "dollars a question",
    "usd_total": "dollars in all",
    "failed": "broken off",
}


def title(name: str) -> str:
    """Return a measure's name in words."""
    return TITLES.get(name, name.replace("all_gold", "all gold"))


def figure(value: float | None, unit: Unit) -> str:
    """Write one figure with its unit."""
    if value is None:
        return NONE
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "seconds":
        return seconds(value)
    if unit == "usd":
        return f"${value:.4f}" if value < 10 else f"${value:,.2f}"
    if unit == "score":
        return f"{value:.3f}".replace("-", "−")
    return _number(value)


def seconds(value: float) -> str:
    """Write a time: milliseconds below a second."""
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.2f} s"


def interval(name: str, found: Estimate) -> str:
    """Write the interval of a figure, without its unit: "82–94"."""
    if found.low is None or found.high is None or found.low == found.high:
        return ""
    unit = BY_NAME[name].unit
    low, high = (figure(v, unit).removesuffix(" %") for v in (found.low, found.high))
    if unit == "share":
        low, high = f"{100 * found.low:.0f}", f"{100 * found.high:.0f}"
    return f"{low} to {high}" if found.low < 0 else f"{low}–{high}"


def change(name: str, found: Difference) -> str:
    """Write a difference with its sign; shares in points."""
    if found.value is None:
        return NONE
    unit, value = BY_NAME[name].unit, found.value
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    size = abs(value)
    if unit == "share":
        return f"{sign}{100 * size:.1f}"
    return f"{sign}{figure(size, unit)}"


def change_interval(name: str, found: Difference) -> str:
    """Write the interval of a difference: "−4.1 to +2.0"."""
    if found.low is None or found.high is None:
        return ""
    ends = (found.model_copy(update={"value": end}) for end in (found.low, found.high))
    return " to ".join(change(name, end) for end in ends)


def chance(p: float) -> str:
    """Write a probability, and one too small to be written as such."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def verdict(name: str, found: Difference) -> str:
    """Say whether a difference is one: "better", "worse", "more", "less", or "noise"."""
    if found.value is None:
        return ""
    if not found.beyond_noise:
        return "noise" if found.value else "same"
    better = BY_NAME[name].better
    if not better:
        return "more" if found.value > 0 else "less"
    return "better" if (found.value > 0) == (better > 0) else "worse"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or not value else f"{value:.2f}"
