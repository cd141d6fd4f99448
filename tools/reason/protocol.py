"""The thinking steps of the loop, and what goes in and out of them.

One protocol, two makers: `LlmReasoner` (prompts and a model) and
`ExtractiveReasoner` (no model). The graph cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from pydantic import Field as PydanticField

from ..store.protocol import Field
from ..types import Budget, Noun, Passage, Query, Usage, Where


class SubQuestion(Noun):
    """A part of the question. `after` names parts whose findings its text uses.

    A text may stand on an earlier finding by "{1}", the finding of part 1.
    """

    id: str
    text: str
    after: tuple[str, ...] = ()


class Quote(Noun):
    """Words said to stand in a passage; believed only once they are found there."""

    passage_id: str
    text: str


class Finding(Noun):
    """What is known of one sub-question: found, with quotes, or missing.

    `text` is the short answer in the evidence's own words, `claim` one sentence that
    states it (empty where the quotes do); `missing` says in the asker's words what was
    looked for; `confidence` is the probability that it is right, or where it is missing, that
    the evidence answers it all the same; `stated` is what a model says of itself.
    """

    subquestion: str
    found: bool
    text: str = ""
    claim: str = ""
    quotes: tuple[Quote, ...] = ()
    missing: str = ""
    confidence: float = PydanticField(default=0.0, ge=0.0, le=1.0)
    stated: float | None = PydanticField(default=None, ge=0.0, le=1.0)


class PlannedQuery(Noun):
    """A search to run next, and the sub-question that asks for it."""

    query: Query
    subquestion: str = ""


class Situation(Noun):
    """All that a thinking step sees.

    `evidence` is ordered, best first. `fields` is what can be filtered by. `remaining`
    is the budget left, the share for the last word already taken off.
    """

    question: str
    where: Where | None = None
    evidence: tuple[Passage, ...] = ()
    subquestions: tuple[SubQuestion, ...] = ()
    findings: tuple[Finding, ...] = ()
    searches: tuple[Query, ...] = ()
    fields: tuple[Field, ...] = ()
    round: int = 0
    remaining: Budget = Budget()


class Turn(Noun):
    """An earlier question of a conversation, and what came of it.

    `asked` is what was typed, `question` what was made of it to stand alone; `lead` is the
    short answer, where there was one. `at` is seconds since the epoch.
    """

    asked: str
    question: str
    status: str = ""
    lead: str = ""
    text: str = ""
    run_id: str = ""
    at: float = 0.0


class Followup(Noun):
    """What was typed, the turns before it, oldest first, and the budget left."""

    asked: str
    turns: tuple[Turn, ...] = ()
    remaining: Budget = Budget()


class Standalone(Noun):
    """A question that can be understood without the conversation.

    `by` is who made it one; nobody where it stood alone already. `note` says what a person
    should know of how it was made.
    """

    question: str
    by: Literal["", "rules", "model"] = ""
    note: str = ""
    usage: Usage = Usage()


class Plan(Noun):
    """The first thought: enough already, or what to look for and how.

    `findings` may be given at once where the survey already answers.
    """

    sufficient: bool
    subquestions: tuple[SubQuestion, ...] = ()
    queries: tuple[PlannedQuery, ...] = ()
    findings: tuple[Finding, ...] = ()
    confidence: float = 0.0
    usage: Usage = Usage()


class Verdict(Noun):
    """After a round: what was found, what is missing, and what to search next."""

    sufficient: bool
    findings: tuple[Finding, ...] = ()
    queries: tuple[PlannedQuery, ...] = ()
    conflict: bool = False
    confidence: float = 0.0
    usage: Usage = Usage()


class DraftClaim(Noun):
    """A statement and the quotes that are to carry it. Nothing is believed yet."""

    text: str
    quotes: tuple[Quote, ...] = ()


class Draft(Noun):
    """An answer before verification. `missing` is in the asker's words.

    `lead` is the short span that answers a when, who, where or how many; like any
    claim it must stand in the quotes.
    `doubted` names claims that a second opinion took out, each with its reason.
    """

    claims: tuple[DraftClaim, ...] = ()
    lead: str = ""
    doubted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    conflict: bool = False
    confidence: float = 0.0
    usage: Usage = Usage()


Say = Callable[[str], None]
"""Called with each piece of the answer's text as it is written."""


class Reasoner(Protocol):
    """Understands a follow-up, plans, judges and writes. `name` says which, for traces and status.

    Raises `CallFailed` or `CallRefused` on an outage and `BudgetExceeded` before a call
    that would cost more than `situation.remaining`; all three are for the graph to catch.
    """

    name: str

    async def contextualize(self, followup: Followup) -> Standalone:
        """Make a follow-up into a question that stands alone; only in conversations."""

    async def plan(self, situation: Situation) -> Plan:
        """Look at the survey: enough, or which sub-questions and queries?"""

    async def judge(self, situation: Situation) -> Verdict:
        """Look at the evidence of a round: found or missing, and what next?"""

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Write claims with their quotes from the findings and the evidence."""

    async def close(self) -> None:
        """Release the model or the connection."""
