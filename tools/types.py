"""The nouns of Suffice: what is added, searched, cited and answered.

All are frozen. They are pydantic models because each of them crosses a wire
somewhere: the HTTP server, the event stream, a stored run or `--json`.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Where = dict[str, Any]
"""A filter by metadata: {"year": {"gte": 2021}, "team": "pilots"}. See `tools.store.filters`."""

Status = Literal["answered", "partial", "abstained", "failed"]
Reason = Literal["no_evidence", "insufficient", "conflict", "budget", "outage"]


class Noun(BaseModel):
    """A frozen value whose fields are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Noun):
    """What a person adds.

    `id` defaults to a hash of `source` (of title and text where there is no source).
    A document no longer than one chunk becomes exactly one passage.
    """

    id: str = ""
    text: str
    title: str = ""
    source: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("id"):
            name = values.get("source") or f"{values.get('title', '')}\n{values.get('text', '')}"
            digest = hashlib.sha256(str(name).encode("utf-8", "surrogatepass")).hexdigest()
            values = {**values, "id": digest[:16]}
        return values


class Passage(Noun):
    """What is searched and cited: `document.text[start:end]`, letter for letter.

    `headings` is the path of headings above the passage, outermost first.
    `score` is the reranker's, higher is better; its meaning is the reranker's own.
    """

    id: str
    document_id: str
    title: str = ""
    text: str
    source: str = ""
    start: int = 0
    end: int = 0
    headings: tuple[str, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    score: float = 0.0


class Query(Noun):
    """One search: its words, and the filter applied inside the store."""

    text: str
    where: Where | None = None


class Citation(Noun):
    """A quote that was found in a stored passage: `document.text[start:end] == quote`."""

    number: int
    passage_id: str
    document_id: str
    title: str = ""
    source: str = ""
    quote: str
    start: int
    end: int


class Claim(Noun):
    """One statement of an answer, with the quotes that carry it."""

    text: str
    citations: tuple[Citation, ...] = ()


class Usage(Noun):
    """What a run consumed. `cost_usd` is None when a model's price is not known."""

    rounds: int = 0
    searches: int = 0
    llm_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; an unknown cost stays unknown."""
        known = self.cost_usd is not None and other.cost_usd is not None
        cost = (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None
        return Usage(
            rounds=self.rounds + other.rounds,
            searches=self.searches + other.searches,
            llm_calls=self.llm_calls + other.llm_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=cost,
            seconds=self.seconds + other.seconds,
        )


class Budget(Noun):
    """One budget over all roles and tools of a run; None is no limit."""

    rounds: int | None = Field(default=3, ge=0)
    llm_calls: int | None = Field(default=12, ge=0)
    tokens: int | None = Field(default=100_000, ge=0)
    usd: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=120.0, ge=0)

    def left(self, usage: Usage) -> Budget:
        """Return what remains after `usage`, never below zero."""

        def less(limit: float | None, used: float) -> Any:
            return None if limit is None else max(limit - used, 0)

        return Budget(
            rounds=less(self.rounds, usage.rounds),
            llm_calls=less(self.llm_calls, usage.llm_calls),
            tokens=less(self.tokens, usage.input_tokens + usage.output_tokens),
            usd=less(self.usd, usage.cost_usd or 0.0),
            seconds=less(self.seconds, usage.seconds),
        )

    def spent(self) -> str | None:
        """Name the first limit that is used up, or None. Call it on what is `left`."""
        for name in ("seconds", "rounds", "usd", "tokens", "llm_calls"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                return name
        return None


class Answer(Noun):
    """What a question comes to.

    `confidence` is the probability that the answer is right; `missing` is what was
    looked for and not found, in the asker's words; `searches` is every query tried;
    `passages` is the evidence in its final order.
    """

    status: Status
    text: str = ""
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    reason: Reason | None = None
    missing: tuple[str, ...] = ()
    searches: tuple[Query, ...] = ()
    passages: tuple[Passage, ...] = ()
    usage: Usage = Usage()
    run_id: str = ""


class Failure(Noun):
    """One source that could not be added, and why."""

    source: str
    reason: str


class AddReport(Noun):
    """What `Corpus.add` did, in documents; `passages` is how many were embedded anew."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: tuple[Failure, ...] = ()
    passages: int = 0
    seconds: float = 0.0
