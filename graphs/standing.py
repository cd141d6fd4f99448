"""How much of what was asked has been found."""

from __future__ import annotations

from ..tools.reason.protocol import Finding, SubQuestion
from .state import State


def asked(subquestions: tuple[SubQuestion, ...]) -> tuple[SubQuestion, ...]:
    """Return the parts that were asked, without those that are only a way to others."""
    used = {name for part in subquestions for name in part.after}
    return tuple(part for part in subquestions if part.id not in used)


def found_parts(state: State) -> list[Finding]:
    """Return the findings that answer a part of what was asked."""
    findings = state.get("findings", {})
    parts = asked(state.get("subquestions", ()))
    names = [part.id for part in parts] or list(findings)
    return [findings[name] for name in names if name in findings and findings[name].found]


def missing_parts(state: State) -> tuple[str, ...]:
    """Say, in the asker's words, what was looked for and not found."""
    findings = state.get("findings", {})
    parts = asked(state.get("subquestions", ()))
    if not parts:
        gaps = [finding.missing for finding in findings.values() if not finding.found]
        return tuple(gap for gap in gaps if gap) or (state["question"],)
    absent = [part for part in parts if not (part.id in findings and findings[part.id].found)]
    return tuple(
        (findings[part.id].missing if part.id in findings else "") or part.text for part in absent
    )
