"""Asks every question under every strategy: several at a time, within one budget, once.

What came of each is kept as it comes, so that an evaluation that was stopped goes on with
what is still to ask. Questions under way share the batches of embedder and store.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import CallFailed, SufficeError
from ...graphs.events import NodeFinished, RunFinished
from ...tools.types import Budget, Usage
from ..corpus import Corpus
from ..sdk import Agent
from ..settings import Settings
from .gold import source
from .marking import marked
from .outcome import Outcome, narrowed, outcome_of
from .purse import UNLIMITED, Purse
from .questions import EvalQuestion
from .results import Results, results_folder, results_key

if TYPE_CHECKING:
    from ...tools.reason.protocol import Reasoner

AT_ONCE = 4
"""Questions under way at a time, unless said otherwise."""

HOPELESS = 10
"""After so many failures and not one answer, asking on would only cost."""


@dataclass(frozen=True)
class Asked:
    """How far an evaluation is. `done` counts what was kept from before."""

    done: int
    total: int
    strategy: str
    rate: float
    """Questions a second, of those asked in this sitting; 0 before the first has ended."""

    @property
    def seconds_left(self) -> float | None:
        """The time that is left at this rate; None while there is none."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass
class Evaluation:
    """Questions and what came of them: `outcomes[strategy][i]` belongs to `questions[i]`.

    An outcome is None where the budget ended before the question was asked. `fresh` is how
    many were asked in this sitting, which took `seconds` and in all `spent`; the others had
    been kept.
    """

    questions: tuple[EvalQuestion, ...]
    outcomes: dict[str, list[Outcome | None]]
    settings: Settings
    place: str
    folder: str
    reasoner: str
    passages: int
    at_once: int
    fresh: int = 0
    seconds: float = 0.0
    spent: Usage = field(default_factory=Usage)
    notices: list[str] = field(default_factory=list)

    @property
    def unasked(self) -> int:
        """How many questions the budget did not reach, over all strategies."""
        return sum(one is None for outcomes in self.outcomes.values() for one in outcomes)

    def asked(self) -> tuple[tuple[EvalQuestion, ...], dict[str, list[Outcome]]]:
        """Return the questions that were asked under every strategy, with their outcomes."""
        columns = list(self.outcomes.values())
        rows = [i for i in range(len(self.questions)) if all(c[i] is not None for c in columns)]
        return tuple(self.questions[i] for i in rows), {
            strategy: [one for i in rows if (one := column[i]) is not None]
            for strategy, column in self.outcomes.items()
        }


def evaluate(
    corpus: Corpus,
    questions: Sequence[EvalQuestion],
    *,
    settings: Settings | None = None,
    strategies: Sequence[str] = (),
    budget: Budget | None = None,
    at_once: int = AT_ONCE,
    fresh: bool = False,
    results: Results | None = None,
    reasoner: Reasoner | None = None,
    progress: Callable[[Asked], None] | None = None,
) -> Evaluation:
    """Ask all questions under all strategies and return what came of them.

    Args:
        settings: default: the corpus's own.
        strategies: default: the one the settings name.
        budget: what all of this sitting may take; each question's own budget still holds.
        at_once: questions under way at a time.
        fresh: ask all anew, whatever was kept.
        results: where outcomes are kept; default: a folder in the corpus.
        reasoner: what thinks, instead of the one the settings name.
        progress: called after each question, on the corpus's own thread.

    Raises:
        StoreError, SettingsError: nothing can be asked.
        CallFailed: the first questions all failed.
    """
    settings = settings or corpus.settings
    names = tuple(dict.fromkeys(strategies or (settings.strategy,)))
    agents = {
        name: Agent(corpus, settings=settings.changed(strategy=name), reasoner=reasoner)
        for name in names
    }
    try:
        work = _Sitting(corpus, tuple(questions), agents, Purse(budget or UNLIMITED), progress)
        return corpus._loop.run(work.run(settings, at_once, results, fresh))
    finally:
        for agent in agents.values():
            agent.close()


class _Sitting:
    """One go at the questions, on the corpus's own loop."""

    def __init__(
        self,
        corpus: Corpus,
        questions: tuple[EvalQuestion, ...],
        agents: Mapping[str, Agent],
        purse: Purse,
        progress: Callable[[Asked], None] | None,
    ) -> None:
        self.corpus, self.questions, self.agents, self.purse = corpus, questions, agents, purse
        self.progress = progress
        self.began = time.monotonic()
        self.fresh = self.answered = 0
        self.spent_up = False

    async def run(
        self, settings: Settings, at_once: int, results: Results | None, fresh: bool
    ) -> Evaluation:
        parts = self.corpus._parts
        await parts.check(adding=False)
        self.sources = [source(record) for record in await parts.store.documents()]
        name = next(iter(self.agents.values()))._reasoner.name
        place = self.corpus.place
        if results is None:
            key = await results_key(parts.store, settings, name)
            results = Results(results_folder(place, key))
        self.results = results
        if fresh:
            results.forget(self.agents)
        self.evaluation = Evaluation(
            questions=self.questions,
            outcomes={strategy: [None] * len(self.questions) for strategy in self.agents},
            settings=settings,
            place=place,
            folder=str(results.folder),
            reasoner=name,
            passages=await parts.store.count(),
            at_once=at_once,
            notices=[*self.corpus.notices, *self._unknown_gold()],
        )
        await self._ask_all(at_once)
        self.evaluation.fresh = self.fresh
        self.evaluation.seconds = time.monotonic() - self.began
        took = {"seconds": self.evaluation.seconds}
        self.evaluation.spent = self.purse.spent.model_copy(update=took)
        return self.evaluation

    def _unknown_gold(self) -> list[str]:
        """Say which gold no document of the corpus goes by: a slip, or a gap."""
        names = dict.fromkeys(name for q in self.questions for name in q.gold)
        lost = [name for name in names if not any(place.named(name) for place in self.sources)]
        known = {place.document_id for place in self.sources}
        lost = [name for name in lost if name.rpartition("#")[0] not in known]
        if not lost:
            return []
        shown = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        return [f"no document of the corpus is named by this gold: {shown}"]

    async def _ask_all(self, at_once: int) -> None:
        waiting: deque[tuple[str, int]] = deque()
        for strategy, column in self.evaluation.outcomes.items():
            kept = self.results.read(strategy)
            for place, question in enumerate(self.questions):
                known = kept.get(question.asked)
                if known is None:
                    waiting.append((strategy, place))
                else:
                    column[place] = marked(question, known)
        self.left = len(waiting)
        self._tell("")
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, at_once)):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None

    async def _work(self, waiting: deque[tuple[str, int]]) -> None:
        while waiting and not self.spent_up:
            strategy, place = waiting.popleft()
            agent, question = self.agents[strategy], self.questions[place]
            own = agent.settings.budget
            granted = await self.purse.grant(own)
            if granted is None:
                self.spent_up = True
                return
            outcome = await self._ask(agent, question, granted)
            await self.purse.settle(granted, outcome.usage)
            if _cut_short(outcome, own, granted):
                continue  # an answer for want of money is none of this system's
            self._keep(strategy, place, marked(question, outcome))

    def _keep(self, strategy: str, place: int, outcome: Outcome) -> None:
        self.results.append(outcome)
        self.evaluation.outcomes[strategy][place] = outcome
        self.fresh += 1
        self.answered += outcome.status != "failed"
        self._tell(strategy)
        if self.fresh == HOPELESS and not self.answered:
            why = outcome.error or outcome.text
            raise CallFailed(f"the first {HOPELESS} questions all failed; the last: {why}")

    def _tell(self, strategy: str) -> None:
        if self.progress is not None:
            total = len(self.agents) * len(self.questions)
            rate = self.fresh / max(time.monotonic() - self.began, 1e-9)
            self.progress(Asked(total - self.left + self.fresh, total, strategy, rate))

    async def _ask(self, agent: Agent, question: EvalQuestion, granted: Budget) -> Outcome:
        """Ask one question. What is raised becomes a failed outcome: the others go on."""
        asked = {
            "question_id": question.id,
            "asked": question.asked,
            "strategy": agent.settings.strategy,
        }
        seconds: dict[str, float] = {}
        began = time.monotonic()
        where = narrowed(question.where, question.exclude, self.sources)
        run = agent._run(question.question, where, granted, None, "", question.turns)
        try:
            async with aclosing(run) as events:
                async for event in events:
                    if isinstance(event, NodeFinished):
                        seconds[event.node] = seconds.get(event.node, 0.0) + event.seconds
                    elif isinstance(event, RunFinished):
                        outcome = outcome_of(event.answer, **asked, seconds=seconds)
        except SufficeError as error:
            took = error.usage or Usage()
            took = took.model_copy(update={"seconds": time.monotonic() - began})
            return Outcome(**asked, status="failed", error=str(error), usage=took)
        return await self._looked_up(outcome)

    async def _looked_up(self, outcome: Outcome) -> Outcome:
        """Count the citations that stand, letter for letter, in the stored text.

        Where everything was put in the prompt nothing was ranked, and nothing is kept of it.
        """
        store, resolved = self.corpus._parts.store, 0
        texts: dict[str, str] = {}
        for cited in outcome.citations:
            if cited.document_id not in texts:
                record = await store.document(cited.document_id)
                texts[cited.document_id] = record.document.text if record else ""
            resolved += texts[cited.document_id][cited.start : cited.end] == cited.quote
        changed: dict[str, Any] = {"resolved": resolved}
        if outcome.strategy == "long_context":
            changed["ranked"] = ()
        return outcome.model_copy(update=changed)


def _cut_short(outcome: Outcome, own: Budget, granted: Budget) -> bool:
    """Tell whether a question ended because all of the budget did, not its own share."""
    less = any(
        getattr(granted, name) != getattr(own, name) for name in ("llm_calls", "tokens", "usd")
    )
    return outcome.reason == "budget" and (less or granted.seconds != own.seconds)
