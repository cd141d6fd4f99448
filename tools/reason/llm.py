"""The reasoner that thinks with language models: a small one plans and judges, a writer writes.

An easy question takes one call, for the plan may find the survey sufficient; each further
round takes one. Where the small model also writes, the answer is composed of what it
found, and takes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from ...errors import BudgetExceeded, CallFailed, CallRefused, ReplyInvalid
from ...prompts import Prompt, load
from ...prompts.judge import JudgeReply
from ...prompts.plan import PlanReply
from ..cache import under
from ..llm.budget import afford, deadline, may_ask_again, room
from ..llm.calls import Overheard
from ..llm.evidence import Evidence, one_line, pack
from ..llm.protocol import LanguageModel, Reply
from ..llm.tokens import estimate
from ..types import Budget, Passage, Usage
from .llm_followup import contextualized
from .llm_reading import (
    asked,
    entity_queries,
    filled,
    read_filters,
    read_findings,
    read_parts,
    read_queries,
    without_subject,
)
from .llm_showing import seen, shown_findings, shown_parts
from .llm_support import second_opinion
from .llm_writing import Manuscript, compose
from .protocol import (
    Draft,
    Finding,
    Followup,
    Plan,
    Say,
    Situation,
    Standalone,
    SubQuestion,
    Verdict,
)
from .sufficiency.verdict import combined

if TYPE_CHECKING:
    from .sufficiency.estimate import Sufficiency

Form = TypeVar("Form", bound=BaseModel)

_EXPECTED = 300
"""Tokens that a reply is likely to have; the budget is checked with them."""

_MOST_TOKENS = 1500
_EVERYTHING = 10**9


class LlmReasoner:
    """A `Reasoner` over one or two language models, which it closes.

    A thinking step sees the best `passages`, as many whole ones as `evidence_tokens`
    allow. `prompts` is a folder with prompts of one's own. With `second_opinion` the
    small model is asked, once for a whole answer, whether its quotes carry it. With
    `sufficiency` a confidence rests on the evidence as well as on the model's word.
    """

    def __init__(
        self,
        small: LanguageModel,
        writer: LanguageModel | None = None,
        *,
        prompts: str | Path | None = None,
        passages: int = 10,
        evidence_tokens: int = 5000,
        second_opinion: bool = False,
        sufficiency: Sufficiency | None = None,
    ) -> None:
        self._small = Overheard(small)
        self._writer = Overheard(writer) if writer and writer is not small else self._small
        self._passages = passages
        self._evidence_tokens = evidence_tokens
        self._second_opinion = second_opinion
        self._sufficiency = sufficiency
        # All are read now, so that a faulty one is an error at the start and not mid-way.
        self._templates = {
            name: load(name, prompts)
            for name in ("contextualize", "plan", "judge", "write", "support")
        }
        other = f", writer {self._writer.name}" if self._writer is not small else ""
        self.name = f"{small.name}{other}"

    async def contextualize(self, followup: Followup) -> Standalone:
        """Make a follow-up into a question that stands alone. One call."""
        return await contextualized(self._small, self._templates["contextualize"], followup)

    async def plan(self, situation: Situation) -> Plan:
        """Look at the survey: enough already, or which parts and queries? One call."""
        with under(situation.where):
            return await self._plan(situation)

    async def judge(self, situation: Situation) -> Verdict:
        """Look at the evidence of a round: which open parts does it answer? One call."""
        with under(situation.where):
            return await self._judge(situation)

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Compose the answer of the findings, or let the writer write it from the passages."""
        with under(situation.where):
            return await self._write(situation, say)

    async def close(self) -> None:
        """Close both models."""
        await self._small.close()
        if self._writer is not self._small:
            await self._writer.close()

    async def _plan(self, situation: Situation) -> Plan:
        evidence = self._pack("plan", situation, situation.evidence[: self._passages])
        prompt = self._templates["plan"].fill(**seen(situation, evidence))
        reply = await self._ask(prompt, PlanReply, situation.remaining)
        parts = read_parts(reply.value.parts, situation.question)
        where = read_filters(reply.value.filters, situation.fields)
        findings = read_findings(reply.value.parts, parts, evidence, {})
        findings = await self._weighed(findings, parts, {}, situation)
        queries = read_queries(reply.value.parts, parts, findings, where)
        extra = entity_queries(situation, where)
        if not extra:
            findings = without_subject(findings, situation)
        sufficient = not extra and _complete(parts, findings)
        return Plan(
            sufficient=sufficient,
            subquestions=parts,
            queries=queries + extra,
            findings=tuple(findings.values()),
            confidence=_confidence(parts, findings),
            usage=reply.usage,
        )

    async def _judge(self, situation: Situation) -> Verdict:
        parts = situation.subquestions or (SubQuestion(id="1", text=situation.question),)
        known = {finding.subquestion: finding for finding in situation.findings if finding.found}
        evidence = self._pack("judge", situation, situation.evidence[: self._passages])
        prompt = self._templates["judge"].fill(
            **seen(situation, evidence), parts=shown_parts(parts, known)
        )
        reply = await self._ask(prompt, JudgeReply, situation.remaining)
        where = read_filters(reply.value.filters, situation.fields)
        open_parts = [part for part in parts if part.id not in known]
        findings = read_findings(reply.value.parts, open_parts, evidence, known)
        findings = await self._weighed(findings, open_parts, known, situation)
        queries = read_queries(reply.value.parts, open_parts, {**known, **findings}, where)
        extra = entity_queries(situation, where)
        if not extra:
            findings = without_subject(findings, situation)
        return Verdict(
            sufficient=not extra and _complete(parts, {**known, **findings}),
            findings=tuple(findings.values()),
            queries=queries + extra,
            conflict=reply.value.conflict,
            confidence=_confidence(parts, {**known, **findings}),
            usage=reply.usage,
        )

    async def _write(self, situation: Situation, say: Say) -> Draft:
        parts = situation.subquestions
        findings = {finding.subquestion: finding for finding in situation.findings}
        composed = compose(parts, findings)
        if self._writer is self._small and composed.claims:
            for text in (composed.lead, *(claim.text for claim in composed.claims)):
                say(f"{text}\n" if text else "")
            draft = composed
        else:
            written = await self._written(situation, findings, say)
            draft = await self._believed(written, situation, findings)
        return await self._reviewed(draft, situation) if self._second_opinion else draft

    async def _weighed(
        self,
        findings: dict[str, Finding],
        parts: Sequence[SubQuestion],
        known: dict[str, Finding],
        situation: Situation,
    ) -> dict[str, Finding]:
        """Let the confidence of each finding rest on the evidence as well."""
        if self._sufficiency is None:
            return findings
        weighed = {}
        for part in parts:
            if (finding := findings.get(part.id)) is not None:
                text = filled(part.text, {**known, **findings})
                evidence = await self._sufficiency.of(text, situation.evidence)
                believed = combined(evidence, found=finding.found, stated=finding.stated)
                weighed[part.id] = finding.model_copy(update={"confidence": believed})
        return weighed

    async def _believed(
        self, draft: Draft, situation: Situation, findings: dict[str, Finding]
    ) -> Draft:
        """Give what a writer wrote the confidence of the findings, or else of the evidence."""
        found = [finding.confidence for finding in findings.values() if finding.found]
        if draft.claims and found:
            return draft.model_copy(update={"confidence": min(found)})
        evidence = None
        if draft.claims and self._sufficiency is not None:
            evidence = await self._sufficiency.of(situation.question, situation.evidence)
        believed = combined(evidence, found=not draft.missing) if draft.claims else 0.0
        return draft.model_copy(update={"confidence": believed})

    async def _ask(self, prompt: Prompt, schema: type[Form], left: Budget) -> Reply[Form]:
        afford(self._small, prompt, _EXPECTED, left)
        return await self._small.reply(
            prompt,
            schema,
            max_tokens=_MOST_TOKENS,
            deadline=deadline(left),
            ask_again=may_ask_again(prompt, _EXPECTED, left),
        )

    def _pack(
        self, name: str, situation: Situation, passages: Sequence[Passage], most: int = 0
    ) -> Evidence:
        """Pack the best passages, at most `most` tokens of them; by default what a step sees.

        Raises `BudgetExceeded` where not even the first fits.
        """
        template = self._templates[name]
        known = " ".join((situation.question, *(query.text for query in situation.searches)))
        fixed = estimate(template.system) + estimate(template.user) + estimate(known) + 100
        tokens = room(fixed, _EXPECTED, most or self._evidence_tokens, situation.remaining)
        evidence = pack(situation.question, passages, tokens)
        if passages and not evidence.ids:
            raise BudgetExceeded("tokens", f"{tokens} tokens are too few for a single passage")
        return evidence

    async def _written(self, situation: Situation, findings: dict[str, Finding], say: Say) -> Draft:
        """Let the writer write; once more where nothing usable came.

        After a loop it sees what was quoted and the best of the rest; without one, all
        the evidence that the graph chose for it and the budget allows.
        """
        quoted = {quote.passage_id for finding in findings.values() for quote in finding.quotes}
        ordered = sorted(situation.evidence, key=lambda passage: passage.id not in quoted)
        if findings:
            evidence = self._pack("write", situation, ordered[: self._passages + len(quoted)])
        else:
            evidence = self._pack("write", situation, ordered, _EVERYTHING)
        prompt = self._templates["write"].fill(
            question=one_line(situation.question, 8000),
            findings=shown_findings(situation.subquestions, findings),
            evidence=evidence.text,
        )
        usage = Usage()
        for attempt in (1, 2):
            left = situation.remaining.left(usage)
            afford(self._writer, prompt, _EXPECTED, left)
            draft, took = await self._stream(prompt, evidence, left, say, usage)
            usage += took
            if draft.missing or any(claim.quotes for claim in draft.claims):
                return draft.model_copy(update={"usage": usage})
            if attempt == 1:
                prompt = Prompt(prompt.system, prompt.user + _NO_FORM)
        error = ReplyInvalid(f"{self._writer.name} was asked twice and wrote nothing usable")
        error.usage = usage
        raise error

    async def _stream(
        self, prompt: Prompt, evidence: Evidence, left: Budget, say: Say, before: Usage
    ) -> tuple[Draft, Usage]:
        manuscript, usage = Manuscript(evidence), Usage(llm_calls=1)
        stream: Any = self._writer.stream(prompt, max_tokens=_MOST_TOKENS, deadline=deadline(left))
        try:
            async with aclosing(stream):
                async for piece in stream:
                    if isinstance(piece, Usage):
                        usage = piece
                    elif text := manuscript.feed(piece):
                        say(text)
        except (CallFailed, CallRefused, BudgetExceeded) as error:
            error.usage = before + (error.usage or Usage())
            raise
        return manuscript.draft(), usage

    async def _reviewed(self, draft: Draft, situation: Situation) -> Draft:
        left = situation.remaining.left(draft.usage)
        try:
            return await second_opinion(
                self._small,
                self._templates["support"],
                draft,
                situation.evidence,
                situation.question,
                left,
            )
        except BudgetExceeded:
            # The opinion is an extra; without it the quotes are still looked up.
            return draft


_NO_FORM = (
    "\n\nYour last reply held no statement with a quote. Write lines of the form given, "
    'each statement beginning with "- ", its quotes below it with "> ".'
)


def _complete(parts: Sequence[SubQuestion], findings: dict[str, Finding]) -> bool:
    """Tell whether every part that was asked is answered."""
    goals = asked(parts)
    return bool(goals) and all(part.id in findings and findings[part.id].found for part in goals)


def _confidence(parts: Sequence[SubQuestion], findings: dict[str, Finding]) -> float:
    goals = asked(parts)
    return min((findings[p.id].confidence if p.id in findings else 0.0 for p in goals), default=0.0)
