"""A model that marks answers: asked once for each answer, and kept.

What can be told without it is: a refusal is no answer, and any answer to a question that
cannot be answered is wrong.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

from ...errors import BudgetExceeded, CallFailed, StoreUnavailable
from ...prompts import load
from ...prompts.grade import GradeReply
from ...tools.llm.protocol import LanguageModel
from ...tools.types import Budget, Usage
from ..corpus import Corpus
from .marking import marked
from .outcome import Outcome
from .purse import Purse
from .questions import EvalQuestion, digest
from .runner import Asked, Evaluation

FILE = "judged.jsonl"
MOST_CHARS = 4000
"""Of an answer, what is shown to the judge."""

REPLY_TOKENS = 150
CALL = Budget(rounds=None, llm_calls=2, tokens=4000, usd=None, seconds=60.0)
"""What marking one answer may take: it may be asked once more if the reply does not parse."""


def judge_answers(
    corpus: Corpus,
    evaluation: Evaluation,
    model: LanguageModel,
    *,
    budget: Budget,
    at_once: int,
    progress: Callable[[Asked], None] | None = None,
) -> None:
    """Have every answer with known answers marked by `model`; the model is closed.

    An answer that could not be marked, for want of budget or by an outage, keeps the mark
    of the rule, and a notice says how many did.
    """
    work = _Judging(evaluation, model, Purse(budget), progress)
    corpus._loop.run(work.run(at_once))


class _Judging:
    """One go at the marks, on the corpus's own loop."""

    def __init__(
        self,
        evaluation: Evaluation,
        model: LanguageModel,
        purse: Purse,
        progress: Callable[[Asked], None] | None,
    ) -> None:
        self.evaluation, self.model, self.purse = evaluation, model, purse
        self.progress = progress
        self.template = load("grade", evaluation.settings.prompts)
        self.path = Path(evaluation.folder) / FILE
        self.usage = Usage()
        self.unmarked = self.done = 0
        self.began = time.monotonic()

    async def run(self, at_once: int) -> None:
        known = _read(self.path)
        open_places = []
        for strategy, column in self.evaluation.outcomes.items():
            for place, outcome in enumerate(column):
                question = self.evaluation.questions[place]
                if outcome is None or not _to_be_judged(question, outcome):
                    continue
                kept = known.get(self._key(question, outcome))
                if kept is None:
                    open_places.append((strategy, place))
                else:
                    self._mark(strategy, place, kept)
        self.total = len(open_places)
        try:
            gate = asyncio.Semaphore(at_once)
            async with asyncio.TaskGroup() as group:
                for strategy, place in open_places:
                    group.create_task(self._judge(strategy, place, gate))
        finally:
            await self.model.close()
        self.evaluation.notices += self._told()

    async def _judge(self, strategy: str, place: int, gate: asyncio.Semaphore) -> None:
        question = self.evaluation.questions[place]
        outcome = self.evaluation.outcomes[strategy][place]
        assert outcome is not None
        async with gate:
            granted = await self.purse.grant(CALL)
            if granted is None:
                self.unmarked += 1
                return
            used = Usage()
            try:
                mark, used = await self._asked(question, outcome, granted)
                self._keep(self._key(question, outcome), mark)
                self._mark(strategy, place, mark == "right")
            except (CallFailed, BudgetExceeded) as error:
                used = error.usage or used
                self.unmarked += 1
            finally:
                self.usage += used
                await self.purse.settle(granted, used)
            self._tell()

    async def _asked(
        self, question: EvalQuestion, outcome: Outcome, granted: Budget
    ) -> tuple[str, Usage]:
        prompt = self.template.fill(
            question=question.standing,
            answers=" | ".join(question.answers),
            answer=outcome.text[:MOST_CHARS],
        )
        reply = await self.model.reply(
            prompt,
            GradeReply,
            max_tokens=REPLY_TOKENS,
            deadline=time.monotonic() + (granted.seconds or 0.0),
            ask_again=granted.llm_calls is None or granted.llm_calls > 1,
        )
        return reply.value.mark, reply.usage

    def _key(self, question: EvalQuestion, outcome: Outcome) -> str:
        told = [self.model.name, self.template.system, question.standing, question.answers]
        return digest(json.dumps([*told, outcome.text]))

    def _mark(self, strategy: str, place: int, right: bool) -> None:
        outcome = self.evaluation.outcomes[strategy][place]
        assert outcome is not None
        judged = outcome.model_copy(update={"judged": right})
        question = self.evaluation.questions[place]
        self.evaluation.outcomes[strategy][place] = marked(question, judged)

    def _keep(self, key: str, mark: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "right": mark == "right"}) + "\n")
        except OSError as error:
            raise StoreUnavailable(
                f"marks cannot be kept in {self.path}: {error.strerror}"
            ) from error

    def _tell(self) -> None:
        self.done += 1
        if self.progress is not None:
            rate = self.done / max(time.monotonic() - self.began, 1e-9)
            self.progress(Asked(self.done, self.total, "marking", rate))

    def _told(self) -> list[str]:
        cost = self.usage.cost_usd
        money = "at a price not known" if cost is None else f"for ${cost:.4f}"
        told = [f"answers were marked by {self.model.name}: {self.usage.llm_calls} calls {money}"]
        if self.unmarked:
            told.append(
                f"{self.unmarked} answers could not be marked by the model and are marked by rule"
            )
        return told


def _to_be_judged(question: EvalQuestion, outcome: Outcome) -> bool:
    return outcome.given and question.answerable and bool(question.answers)


def _read(path: Path) -> dict[str, bool]:
    """Return the marks that were kept; a line cut short is none."""
    found: dict[str, bool] = {}
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for line in lines:
        try:
            row = json.loads(line)
            found[row["key"]] = row["right"]
        except (ValueError, KeyError, TypeError):
            continue
    return found
