"""Sets what a model is shown beside the evidence: parts, findings, searches, filters.

Whatever came out of a document or a model is made harmless and set on one line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..llm.evidence import Evidence, one_line
from ..store.protocol import Field
from ..types import Query
from .llm_reading import filled
from .protocol import Finding, Situation, SubQuestion

_MOST_FIELDS = 8
_MOST_VALUES = 12


def seen(situation: Situation, evidence: Evidence) -> dict[str, str]:
    """Return what both thinking prompts are filled with."""
    return {
        "question": one_line(situation.question, 8000),
        "fields": _shown_fields(situation.fields),
        "searches": "; ".join(_shown_query(query) for query in situation.searches) or "none",
        "evidence": evidence.text,
    }


def _shown_query(query: Query) -> str:
    return one_line(query.text, 200) + (f" (where {query.where})" if query.where else "")


def _shown_fields(fields: Sequence[Field]) -> str:
    """Describe what a search can be narrowed by; nothing at all where there is nothing."""
    told = [
        f"- {one_line(field.name, 60)} ({field.type}): "
        + ", ".join(one_line(str(value), 60) for value in field.values[:_MOST_VALUES])
        for field in fields[:_MOST_FIELDS]
        if field.values
    ]
    if not told:
        return ""
    rule = (
        'If the question itself names such a value, narrow the searches with "filters" '
        "(field, operator eq, in, gte or lte, values from this list):"
    )
    return "\n".join((rule, *told))


def shown_parts(parts: Sequence[SubQuestion], known: Mapping[str, Finding]) -> str:
    """List the parts answered already, and those that are open."""
    answered = [part for part in parts if part.id in known]
    still = [part for part in parts if part.id not in known]
    lines = ["Parts already answered:"] if answered else []
    for part in answered:
        said = one_line(known[part.id].claim or known[part.id].text)
        lines.append(f"{part.id}. {one_line(filled(part.text, known))} {said}")
    lines.append("Open parts:")
    for part in still:
        after = f" (after {', '.join(part.after)})" if part.after else ""
        lines.append(f"{part.id}. {one_line(filled(part.text, known))}{after}")
    return "\n".join(lines)


def shown_findings(parts: Sequence[SubQuestion], findings: Mapping[str, Finding]) -> str:
    """List what was found of each part, for the writer."""
    lines = [
        f"- {one_line(filled(part.text, findings))} {one_line(_shown_finding(findings[part.id]))}"
        for part in parts
        if part.id in findings
    ]
    return "\n".join(("Found so far:", *lines)) if lines else ""


def _shown_finding(finding: Finding) -> str:
    return finding.text if finding.found else "(not found)"
