"""Turns what a model replied into findings and queries, checking what can be checked.

A part counts as found when it has an answer and a quote that really stands in the
evidence; how sure the model says it is counts only beside what the evidence says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...prompts.judge import JudgedPart
from ...prompts.plan import PlannedPart
from ...prompts.reply import FilterReply, QuoteReply
from ..llm.evidence import Evidence
from ..store.protocol import Field
from ..types import Passage, Query, Where
from .llm_entities import absent
from .protocol import Finding, PlannedQuery, Quote, Situation, SubQuestion
from .sufficiency.verdict import combined
from .verify_quotes import Folded, find_quote, fold, says_something

_REFERENCE = re.compile(r"\{(\d+)\}")
_LONGEST_QUERY = 300
_MOST_PARTS = 4
_MOST_QUERIES = 2
_RANGES = ("gte", "lte")


def read_parts(parts: Sequence[PlannedPart], question: str) -> tuple[SubQuestion, ...]:
    """Return the sub-questions of a plan; `after` may only name earlier ones."""
    read: list[SubQuestion] = []
    for part in parts[:_MOST_PARTS]:
        key, known = str(part.part), [earlier.id for earlier in read]
        if key in known:
            continue
        named = [*map(str, part.after), *_REFERENCE.findall(part.question)]
        after = tuple(name for name in dict.fromkeys(named) if name in known)
        read.append(SubQuestion(id=key, text=part.question.strip() or question, after=after))
    return tuple(read)


def read_findings(
    replies: Sequence[PlannedPart | JudgedPart],
    parts: Sequence[SubQuestion],
    evidence: Evidence,
    known: Mapping[str, Finding],
) -> dict[str, Finding]:
    """Return what is now known of the parts that were replied to, by their ids."""
    read = _Reader(evidence)
    named = {part.id: part for part in parts}
    findings: dict[str, Finding] = {}
    for reply in replies:
        part = named.get(str(reply.part))
        if part is not None and not findings.get(part.id, _NOTHING).found:
            findings[part.id] = read.finding(reply, part, {**known, **findings})
    return findings


class _Reader:
    """Looks quotes up in the passages that were shown."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._folded: dict[str, Folded] = {}

    def finding(
        self, reply: PlannedPart | JudgedPart, part: SubQuestion, known: Mapping[str, Finding]
    ) -> Finding:
        before = [known[name] for name in part.after if name in known]
        quotes = tuple(quote for given in reply.quotes for quote in self._looked_up(given))
        if not quotes and before and all(finding.found for finding in before):
            # A comparison says nothing new: it stands on the quotes of what it compares.
            quotes = tuple(quote for finding in before for quote in finding.quotes)
        found = bool(reply.answer.strip() and quotes)
        text = filled(part.text, known)
        missing = reply.missing.strip() if isinstance(reply, JudgedPart) else ""
        return Finding(
            subquestion=part.id,
            found=found,
            text=reply.answer.strip() if found else "",
            claim=reply.claim.strip() if found else "",
            quotes=quotes if found else (),
            missing="" if found else missing or text,
            confidence=combined(None, found=found, stated=reply.sure),
            stated=reply.sure if found else None,
        )

    def _looked_up(self, quote: QuoteReply) -> list[Quote]:
        """Return the quote under the passage it stands in, or nothing."""
        own = self._evidence.passage_id(quote.id)
        passages = sorted(self._evidence.ids.values(), key=lambda passage: passage.id != own)
        if not says_something(quote.text):
            return []
        for passage in passages:
            if find_quote(quote.text, self._fold(passage)):
                return [Quote(passage_id=passage.id, text=quote.text)]
        return []

    def _fold(self, passage: Passage) -> Folded:
        if passage.id not in self._folded:
            self._folded[passage.id] = fold(passage.text)
        return self._folded[passage.id]


_NOTHING = Finding(subquestion="", found=False)


def filled(text: str, findings: Mapping[str, Finding]) -> str:
    """Return a text with "{1}" replaced by the finding of part 1, where that was found."""

    def said(match: re.Match[str]) -> str:
        finding = findings.get(match[1], _NOTHING)
        return finding.text if finding.found else match.group()

    return _REFERENCE.sub(said, text)


def read_queries(
    replies: Sequence[PlannedPart | JudgedPart],
    parts: Sequence[SubQuestion],
    findings: Mapping[str, Finding],
    where: Where | None,
) -> tuple[PlannedQuery, ...]:
    """Return what to search next for the parts that are open.

    A query that waits for an answer not found yet is left out. A part that waits for
    nothing and got no query is searched for in its own words.
    """
    proposed = {str(reply.part): reply.queries for reply in replies}
    queries: list[PlannedQuery] = []
    for part in parts:
        if findings.get(part.id, _NOTHING).found:
            continue
        own = part.id in proposed and not _waits(part, findings)
        texts = list(proposed.get(part.id, ()))[:_MOST_QUERIES] or ([part.text] if own else [])
        for text in (filled(text, findings).strip() for text in texts):
            if text and not _REFERENCE.search(text):
                query = Query(text=text[:_LONGEST_QUERY], where=where)
                queries.append(PlannedQuery(query=query, subquestion=part.id))
    return tuple(queries)


def _waits(part: SubQuestion, findings: Mapping[str, Finding]) -> bool:
    return any(not findings.get(name, _NOTHING).found for name in part.after)


def asked(parts: Sequence[SubQuestion]) -> list[SubQuestion]:
    """Return the parts that were asked, without those that are only a way to others."""
    used = {name for part in parts for name in part.after}
    return [part for part in parts if part.id not in used]


def entity_queries(situation: Situation, where: Where | None) -> tuple[PlannedQuery, ...]:
    """Return a search for each name of the question that the evidence does not speak of."""
    tried = {query.text.casefold() for query in situation.searches}
    return tuple(
        PlannedQuery(query=Query(text=name, where=where))
        for name in absent(situation.question, situation.evidence)
        if name.casefold() not in tried
    )


def without_subject(findings: Mapping[str, Finding], situation: Situation) -> dict[str, Finding]:
    """Take findings back when the evidence does not speak of what was asked about."""
    names = absent(situation.question, situation.evidence)
    if not names:
        return dict(findings)
    missing = f"anything about {' and '.join(names)}"
    return {
        key: Finding(subquestion=key, found=False, missing=missing) for key, _ in findings.items()
    }


def read_filters(replies: Sequence[FilterReply], fields: Sequence[Field]) -> Where | None:
    """Return the filter a model proposed, as far as the corpus has its fields and values."""
    where: Where = {}
    known = {field.name: field for field in fields}
    for reply in replies:
        field = known.get(reply.field)
        values = [value for text in reply.values if (value := _value(text, field)) is not None]
        if field is None or not values:
            continue
        if reply.operator in _RANGES and field.type in ("integer", "float", "datetime"):
            where.setdefault(field.name, {})[reply.operator] = values[0]
        elif reply.operator in ("eq", "in") and set(values) <= set(field.values):
            where[field.name] = {"in": values} if len(values) > 1 else values[0]
    return where or None


def _value(text: str, field: Field | None) -> str | int | float | bool | None:
    """Read a value as the field's type has it; None if it cannot be one."""
    if field is None:
        return None
    try:
        if field.type == "integer":
            return int(text)
        if field.type == "float":
            return float(text)
    except ValueError:
        return None
    if field.type == "bool":
        return {"true": True, "false": False}.get(text.lower())
    return text
