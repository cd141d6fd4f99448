"""What came of one question under one strategy: all that is kept of it, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import Field

from ...tools.types import Answer, Citation, Claim, Noun, Passage, Reason, Status, Usage, Where

GIVEN: tuple[Status, ...] = ("answered", "partial")
"""The statuses of a question that got an answer."""


class Place(Noun):
    """Where something stands: a passage, its document and that document's source."""

    passage_id: str
    document_id: str
    source: str = ""

    def named(self, name: str) -> bool:
        """Tell whether `name` means this place: its ids, its source or the source's end."""
        if not name:
            return False
        if name in (self.passage_id, self.document_id, self.source):
            return True
        end = name.replace("\\", "/").removeprefix("./")
        return bool(end) and self.source.replace("\\", "/").endswith(f"/{end}")


class Outcome(Noun):
    """One question, one strategy, and what came of it.

    Args:
        question_id: the `EvalQuestion.id`; `asked` is the digest of what was asked.
        ranked: the evidence in its final order; empty where nothing was ranked, as where
            everything was put in the prompt.
        gold_ranks: for each of the question's `gold`, where in `ranked` it first stands,
            counted from 0; None where it does not.
        resolved: how many of `citations` are found, letter for letter, in the stored text.
        right: whether the answer given is right; None where none was given, or where nothing
            is known to hold it against.
        judged: what a model said of the answer, where one was asked: then `right` is that.
        seconds: by part: the nodes of the graph; those of parallel branches are added up.
        error: what was raised instead of an answer; then `status` is "failed".
    """

    question_id: str
    asked: str
    strategy: str
    status: Status
    reason: Reason | None = None
    text: str = ""
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    missing: tuple[str, ...] = ()
    ranked: tuple[Place, ...] = ()
    gold_ranks: tuple[int | None, ...] = ()
    resolved: int = 0
    right: bool | None = None
    judged: bool | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    usage: Usage = Usage()
    run_id: str = ""
    error: str = ""

    @property
    def given(self) -> bool:
        """Whether an answer was given, whole or in part."""
        return self.status in GIVEN

    @property
    def refused(self) -> bool:
        """Whether it was said that the documents do not answer. A failure is no refusal."""
        return self.status == "abstained"


def outcome_of(
    answer: Answer, *, question_id: str, asked: str, strategy: str, seconds: dict[str, float]
) -> Outcome:
    """Return what is kept of an answer, not yet held against what is known."""
    return Outcome(
        question_id=question_id,
        asked=asked,
        strategy=strategy,
        status=answer.status,
        reason=answer.reason,
        text=answer.text,
        claims=answer.claims,
        citations=answer.citations,
        confidence=answer.confidence,
        missing=answer.missing,
        ranked=places(answer.passages),
        seconds=seconds,
        usage=answer.usage,
        run_id=answer.run_id,
    )


def places(passages: Iterable[Passage]) -> tuple[Place, ...]:
    """Return where passages stand."""
    return tuple(_place(p.id, p.document_id, p.source) for p in passages)


@lru_cache(maxsize=50_000)
def _place(passage_id: str, document_id: str, source: str) -> Place:
    """One value for all who name the same place: of many outcomes most is places."""
    return Place(passage_id=passage_id, document_id=document_id, source=source)


def narrowed(where: Where | None, exclude: Sequence[str], sources: Iterable[Place]) -> Where | None:
    """Join a filter with what must not be found: the documents that `exclude` names."""
    if not exclude:
        return where
    hidden = [place.document_id for place in sources if any(map(place.named, exclude))]
    given = dict(where or {})
    asked: Any = given.get("document_id", {})
    asked = dict(asked) if isinstance(asked, Mapping) else {"eq": asked}
    asked["not_in"] = [*asked.get("not_in", ()), *hidden]
    return given | {"document_id": asked} if asked["not_in"] else where


def first_ranks(gold: Sequence[str], ranked: Sequence[Place]) -> tuple[int | None, ...]:
    """Return for each name in `gold` its first place in `ranked`, from 0, or None."""
    return tuple(
        next((rank for rank, place in enumerate(ranked) if place.named(name)), None)
        for name in gold
    )
