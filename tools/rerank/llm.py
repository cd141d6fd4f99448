"""A language model as reranker: it reads the best candidates side by side and grades them.

The embedded reranker chooses what it reads and orders what it grades alike. One call a
query, paid from the run's budget; where that does not allow it, the embedded order stands.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import BudgetExceeded, SufficeError
from ...prompts import Template
from ...prompts.rerank import RerankReply
from ..llm.budget import afford, deadline, may_ask_again, room
from ..llm.calls import Overheard
from ..llm.evidence import Evidence, one_line, pack
from ..llm.protocol import LanguageModel
from ..llm.purse import Purse, open_purse
from ..llm.tokens import estimate
from ..types import Usage
from .protocol import Candidate, Reranker

log = logging.getLogger("suffice")

MOST_READ = 24
"""Candidates that the model reads, the best of the embedded order."""

MOST_TOKENS = 6_000
"""Tokens of candidates in one call."""

REPLY_TOKENS = 400

GRADES = 3


class LlmReranker:
    """Grades candidates with `model`. `first` is the embedded reranker it builds on."""

    def __init__(self, model: LanguageModel, first: Reranker, template: Template) -> None:
        self.name = f"llm:{model.name}"
        self._model = Overheard(model)
        self._first = first
        self._template = template

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return one score from 0 to 1 for each candidate: its grade, then the embedded score.

        Raises `CallFailed` or `CallRefused`; not for a budget that allows no call.
        """
        before = _scaled(await self._first.rank(question, candidates))
        order = sorted(range(len(candidates)), key=lambda place: -before[place])
        best = [candidates[place] for place in order[:MOST_READ]]
        try:
            graded = await self._grades(question, best, open_purse()) if best else {}
        except BudgetExceeded as error:
            log.info("%s graded nothing: %s", self.name, error)
            return before
        return [
            (graded.get(candidate.passage.id, 0) + score) / (GRADES + 1)
            for candidate, score in zip(candidates, before, strict=True)
        ]

    async def close(self) -> None:
        """Close the model and the embedded reranker."""
        await self._model.close()
        await self._first.close()

    async def _grades(
        self, question: str, best: Sequence[Candidate], purse: Purse
    ) -> dict[str, int]:
        left = purse.left
        words = estimate(self._template.system) + estimate(question)
        tokens = room(words, REPLY_TOKENS, MOST_TOKENS, left)
        evidence = pack(question, [candidate.passage for candidate in best], tokens)
        prompt = self._template.fill(question=one_line(question, 8000), evidence=evidence.text)
        afford(self._model, prompt, REPLY_TOKENS, left)
        with purse.hold(estimate(prompt.system) + estimate(prompt.user) + REPLY_TOKENS):
            try:
                reply = await self._model.reply(
                    prompt,
                    RerankReply,
                    max_tokens=REPLY_TOKENS,
                    deadline=deadline(left),
                    ask_again=may_ask_again(prompt, REPLY_TOKENS, left),
                )
            except SufficeError as error:
                purse.pay(error.usage or Usage())
                raise
        purse.pay(reply.usage)
        return _by_passage(reply.value, evidence)


def _by_passage(reply: RerankReply, evidence: Evidence) -> dict[str, int]:
    """Return the grade of each passage that was shown; an id never shown says nothing."""
    grades: dict[str, int] = {}
    for graded in reply.passages:
        name = evidence.passage_id(graded.id)
        if name:
            grades[name] = max(graded.grade, grades.get(name, 0))
    return grades


def _scaled(scores: Sequence[float]) -> list[float]:
    """Bring scores of any kind into 0 to just below 1, in the same order."""
    if all(0.0 <= score <= 1.0 for score in scores):
        return [min(float(score), 0.999) for score in scores]
    low, high = min(scores), max(scores)
    return [0.999 * (float(score) - low) / (high - low or 1.0) for score in scores]
