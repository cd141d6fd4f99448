"""Where a corpus is answered badly: what each part costs, and which to swap first."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...tools.types import Noun
from ..corpus import Corpus
from ..sdk import Agent
from .attribution import Blame, Part, aattribute, came_well
from .outcome import Outcome
from .questions import EvalQuestion
from .runner import AT_ONCE, Evaluation
from .swaps import Swap, swap_for

if TYPE_CHECKING:
    from ...tools.reason.protocol import Reasoner
    from ..settings import Settings

WORDS: dict[Part, str] = {
    "outage": "outages",
    "budget": "the budget",
    "corpus": "the documents",
    "chunking": "chunking",
    "dense": "search by meaning",
    "sparse": "search by words",
    "trail": "following the trail",
    "rerank": "reranking",
    "packing": "how much is read",
    "judge": "judging what suffices",
    "read": "reading",
    "verify": "verification",
    "threshold": "the threshold",
    "chance": "chance",
    "unknown": "not known",
}
"""The parts as people are told of them, in the order in which a question passes them."""


class Gain(Noun):
    """What one part loses.

    Args:
        lost: questions put down to it, of which a rerun proved `proven`.
        points: what there would be to gain if it were perfect and all else as it is: the
            share of all questions, in hundredths, that this alone repairs.
    """

    part: Part
    name: str
    lost: int
    proven: int
    points: float


class Diagnosis(Noun):
    """Why questions failed, and what follows from it.

    `asked` are all questions that were asked, `gains` the parts that lost any, the worst
    first. `swap` is which part to swap first; None where there is nothing to gain.
    """

    strategy: str
    asked: int
    gains: tuple[Gain, ...]
    swap: Swap | None
    blames: tuple[Blame, ...]
    reruns: int
    seconds: float

    @property
    def sentence(self) -> str:
        """Say what there would be to gain, the most first."""
        told = [gain for gain in self.gains if gain.points > 0]
        if not told:
            return "No single part, made perfect, would repair a question."
        first, *others = told
        said = f"If {first.name} were perfect you would gain {first.points:.1f} points"
        more = [f"if {gain.name} were, {gain.points:.1f}" for gain in others[:2]]
        return "; ".join([said, *more]) + "."


def diagnose(
    corpus: Corpus,
    evaluation: Evaluation,
    *,
    at_once: int = AT_ONCE,
    reasoner: Reasoner | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Say of every question that failed which part lost it, and what to swap first.

    Only the first strategy of the evaluation is looked into. Each question is run again a
    few times, which takes as much of models and time as asking it that often, less what
    stays the same.

    Args:
        at_once: questions under way at a time.
        reasoner: what thought then, if not the one the settings name.
        progress: called with how many are done, and of how many.
    """
    began = time.monotonic()
    questions, columns = evaluation.asked()
    strategy, outcomes = next(iter(columns.items()))
    failing = [
        (q, o) for q, o in zip(questions, outcomes, strict=True) if _known(q, o)
        if not came_well(q, o)
    ]  # fmt: skip
    settings = evaluation.settings.changed(strategy=strategy)
    with Agent(corpus, settings=settings, reasoner=reasoner) as agent:
        work = _all(agent, failing, at_once, progress)
        blames = corpus._loop.run(work)
        name = agent._reasoner.name
    gains = weigh(blames, len(questions))
    return Diagnosis(
        strategy=strategy,
        asked=len(questions),
        gains=gains,
        swap=_first_swap(gains, outcomes, settings, name),
        blames=tuple(blames),
        reruns=sum(blame.reruns + 1 for blame in blames),
        seconds=time.monotonic() - began,
    )


def weigh(blames: Sequence[Blame], asked: int) -> tuple[Gain, ...]:
    """Return what each part loses, of so many questions asked; the most to gain first."""
    lost = Counter(blame.part for blame in blames)
    proven = Counter(blame.part for blame in blames if blame.proven)
    gains = [
        Gain(
            part=part,
            name=name,
            lost=lost[part],
            proven=proven[part],
            points=100 * proven[part] / asked if part not in ("chance", "unknown") else 0.0,
        )
        for part, name in WORDS.items()
        if lost[part]
    ]
    return tuple(sorted(gains, key=lambda gain: (-gain.points, -gain.lost)))


def _known(question: EvalQuestion, outcome: Outcome) -> bool:
    """Tell whether there is anything to hold an outcome against."""
    return outcome.right is not None or not outcome.given


async def _all(
    agent: Agent,
    failing: Sequence[tuple[EvalQuestion, Outcome]],
    at_once: int,
    progress: Callable[[int, int], None] | None,
) -> list[Blame]:
    gate, done = asyncio.Semaphore(at_once), 0

    async def one(question: EvalQuestion, outcome: Outcome) -> Blame:
        nonlocal done
        async with gate:
            blame = await aattribute(agent, question, outcome)
        done += 1
        if progress:
            progress(done, len(failing))
        return blame

    return await asyncio.gather(*(one(question, outcome) for question, outcome in failing))


def _first_swap(
    gains: Sequence[Gain], outcomes: Sequence[Outcome], settings: Settings, reasoner: str
) -> Swap | None:
    """Return what to swap for the part with most to gain, of those that can be swapped."""
    for gain in gains:
        swap = swap_for(gain.part, outcomes, settings, reasoner) if gain.points else None
        if swap is not None:
            return swap
    return None
