"""Words for what a run does and comes to, for the terminal and for programs that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tools.types import Answer, Passage

if TYPE_CHECKING:
    from ..graphs.events import NodeFinished

WHY = {
    "no_evidence": "nothing in these documents bears on it",
    "insufficient": "the evidence does not suffice",
    "conflict": "the documents contradict each other",
    "budget": "the budget ran out",
    "outage": "something broke",
}

NEAREST = 3
"""Passages an abstention shows as what came nearest."""


def step_lines(event: NodeFinished) -> list[str]:
    """Say in a line or a few what a step searched, found or concluded."""
    node, result = event.node, event.result
    if node == "contextualize":
        note = (result.get("rewritten") or {}).get("note", "")
        return [note] if note else []
    if node in ("survey", "search"):
        lines = [f"{s['found']:3} found  {s['query']['text']}" for s in result.get("searches", ())]
        return lines + [f"broke    {outage}" for outage in result.get("outages", ())]
    if node in ("plan", "judge"):
        return _thought(result)
    if node == "verify":
        return [f"dropped  {claim}" for claim in result.get("dropped", ())]
    return []


def _thought(result: dict[str, Any]) -> list[str]:
    lines = []
    for finding in (result.get("findings") or {}).values():
        if finding["found"]:
            lines.append(f"found    {clip(finding['text'])}")
        elif finding["missing"]:
            lines.append(f"missing  {clip(finding['missing'])}")
    stopped = result.get("stopped", "")
    if stopped and stopped != "sufficient":
        lines.append(f"stopped  {WHY.get(stopped, stopped)}")
    return lines


def footer(answer: Answer) -> str:
    """Return what a run took, in one line."""
    usage = answer.usage
    parts: list[str] = [answer.status]
    if answer.status in ("answered", "partial"):
        parts.append(f"confidence {answer.confidence:.2f}")
    parts += [many(usage.rounds, "round"), many(usage.searches, "search")]
    if usage.llm_calls:
        parts.append(many(usage.llm_calls, "model call"))
        parts.append("cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}")
    return " · ".join([*parts, f"{usage.seconds:.2f} s", f"run {answer.run_id}"])


def many(count: int, noun: str) -> str:
    """Return "1 search", "2 searches"."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def name_of(passage: Passage) -> str:
    """Return where a passage stands: its document, and the last heading above it."""
    return " › ".join((passage.title or passage.source, *passage.headings[-1:]))


def clip(text: str, length: int = 100) -> str:
    """Return text on one line, cut to a length."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
