"""Which part lost a question: proven by putting the gold in at one point after another.

A question that came out wrong, or was refused needlessly, is run again with one part made
perfect and the rest as it was, from the first part to the last. The first part that, made
perfect, repairs the question is the one to blame.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from ...tools.types import Noun
from .gold import Group, find_gold, source
from .oracle import GoldJudge, GoldReader, GoldReranker, GoldSearcher
from .outcome import Outcome, narrowed
from .questions import EvalQuestion
from .trial import UNLIMITED, Trial, came_well, leg_rank, place

if TYPE_CHECKING:
    from ..sdk import Agent

Part = Literal[
    "outage", "budget", "corpus", "chunking", "dense", "sparse", "trail", "rerank", "packing",
    "judge", "read", "verify", "threshold", "chance", "unknown",
]  # fmt: skip

NEAR = 3
"""A leg of the search that has none of the gold among so many has not found the way in."""

WIDER = 2
"""How many times the passages a thinking step sees a wider limit would let through."""


__all__ = ["Blame", "Part", "aattribute", "attribute", "came_well"]


class Blame(Noun):
    """Why one question failed.

    Args:
        failed: what came of it: a "wrong" answer, "refused" needlessly, or "failed".
        part: the first part that, made perfect, repairs it; "chance" if it came out well when
            it was run again as it was; "unknown" if nothing repairs it.
        proven: whether a rerun, or the corpus itself, shows it.
        detail: what was seen, in a sentence.
        reruns: how many it took.
    """

    question_id: str
    failed: Literal["wrong", "refused", "failed"]
    part: Part
    proven: bool
    detail: str
    reruns: int = 0


Finding = tuple[Part, str] | None
"""The part to blame and what was seen, or None if this is not where it was lost."""


def attribute(agent: Agent, question: EvalQuestion, outcome: Outcome) -> Blame:
    """Say which part lost a question. See `aattribute`."""
    return agent.corpus._loop.run(aattribute(agent, question, outcome))


async def aattribute(agent: Agent, question: EvalQuestion, outcome: Outcome) -> Blame:
    """Say which part lost a question that came out wrong or was refused needlessly.

    The question is asked again, without a model some five to ten times; with one, each
    rerun makes only the calls that come after the point where something was changed.

    Args:
        agent: the agent that it was asked of.
        outcome: what came of it then.
    """
    parts = agent.corpus._parts
    records = await parts.store.documents()
    gold = await find_gold(parts.store, parts.sparse, records, question, agent.settings.max_chars)
    where = narrowed(question.where, question.exclude, [source(record) for record in records])
    trial = Trial(agent, question, where, gold)
    well = await trial.first()
    part, detail, proven = await _blamed(trial, outcome, well)
    return Blame(
        question_id=question.id,
        failed="failed" if outcome.status == "failed" else "wrong" if outcome.given else "refused",
        part=part,
        proven=proven,
        detail=detail,
        reruns=trial.reruns,
    )


async def _blamed(trial: Trial, outcome: Outcome, well: bool) -> tuple[Part, str, bool]:
    if outcome.status == "failed" or trial.run.get("outages"):
        said = outcome.error or outcome.text or "; ".join(trial.run.get("outages", ()))
        return "outage", said[:300], True
    if well:
        return "chance", "asked again, with nothing changed, it came out well", True
    for step in STEPS if trial.question.answerable else STEPS_UNANSWERABLE:
        found = await step(trial)
        if found is not None:
            return *found, True
    return await _unrepaired(trial)


async def _budget(trial: Trial) -> Finding:
    run = trial.run
    short = run.get("stopped") == "budget" or run["answer"].reason == "budget"
    if short and await trial.repaired(budget=UNLIMITED):
        return "budget", "it ran out of its budget; without a limit it comes out well"
    return None


async def _threshold(trial: Trial) -> Finding:
    if trial.tools.threshold and await trial.repaired(threshold=0.0):
        least = trial.tools.threshold
        return "threshold", f"its confidence was below the threshold of {least:g}"
    return None


async def _verify(trial: Trial) -> Finding:
    if trial.drafted():
        lost = "; ".join(trial.run.get("dropped", ())) or "it was refused all the same"
        return "verify", f"what was written was right, and was not let through: {lost}"[:300]
    return None


async def _corpus(trial: Trial) -> Finding:
    missing = [group.name for group in trial.gold.groups if not group.passages]
    return ("corpus", f"not in the corpus: {', '.join(missing)}") if missing else None


async def _chunking(trial: Trial) -> Finding:
    whole = tuple(passage for group in trial.gold.groups for passage in group.uncut)
    if whole and await trial.repaired(searcher=GoldSearcher(trial.tools.searcher, whole)):
        return "chunking", "a paragraph that answers is cut apart; in one piece it is answered"
    return None


async def _judged_too_early(trial: Trial) -> Finding:
    """The loop ended as sufficient, though it had not what is needed or nothing to say."""
    absent = trial.gold.absent(trial.ranked)
    if not trial.run.get("sufficient") or not (absent or trial.run["answer"].status == "abstained"):
        return None
    if await trial.repaired(reasoner=GoldJudge(trial.tools.reasoner, trial.gold)):
        return "judge", "the evidence was judged sufficient too early"
    return None


async def _satisfied(trial: Trial) -> Finding:
    """Let a judge who was satisfied with the survey look once more, for the gold by its name."""
    if not trial.run.get("sufficient") or trial.run["round"] > 1:
        return None
    judge = GoldJudge(trial.tools.reasoner, trial.gold, patient=True)
    if await trial.repaired(reasoner=judge):
        return "judge", "the first search was judged sufficient; another one would have helped"
    return None


async def _dense(trial: Trial) -> Finding:
    """Put the gold in at the embedder, if it did not see the likeness of what leads in."""
    entry = _entry(trial)
    if entry is None:
        return None
    rank = leg_rank(trial.run, entry.ids, "cosine")
    if rank is not None and rank < NEAR:
        return None
    for whole in (False, True):
        tools = trial.seeing(whole=whole)
        if tools and await trial.repaired(**tools):
            stands = "nowhere" if rank is None else f"at place {rank + 1}"
            return "dense", f"by meaning alone {entry.name} stands {stands}"
    return None


async def _not_retrieved(trial: Trial) -> Finding:
    """Put what no query found among the candidates."""
    missing = trial.gold.absent(trial.candidates)
    passages = tuple(p for group in missing for p in group.passages)
    if not passages:
        return None
    if not await trial.repaired(searcher=GoldSearcher(trial.tools.searcher, passages)):
        return None
    names = ", ".join(group.name for group in missing)
    if len(missing) < len(trial.gold.groups):
        return "trail", f"what was found did not lead on to {names}"
    return "sparse", f"no query found {names}, by meaning or by words"


async def _rerank(trial: Trial) -> Finding:
    """Put the gold that was found before all else, unless it stands there already."""
    groups, ranked = trial.gold.groups, trial.ranked
    places = [place(group.ids, ranked) for group in groups]
    if all(at is not None and at < len(groups) for at in places):
        return None
    if not await trial.repaired(reranker=GoldReranker(trial.tools.reranker, trial.gold.ids)):
        return None
    lost = [group.name for group, at in zip(groups, places, strict=True) if at is None]
    if lost and not _lowered(trial) and await trial.repaired(evidence=WIDER * trial.tools.evidence):
        limit = trial.tools.evidence
        return "packing", f"ranked beyond the {limit} passages that are read: {', '.join(lost)}"
    seen = ", ".join("beyond what is read" if at is None else f"place {at + 1}" for at in places)
    return "rerank", f"what answers was found, and ranked: {seen}"


async def _judge(trial: Trial) -> Finding:
    """Put the gold in at plan and judge, where the question was refused.

    Where they refused it, what they should have found is the answer; where they did not, it
    is for the last word to make something of it.
    """
    if trial.run["answer"].status != "abstained":
        return None
    oracle = GoldJudge if trial.run.get("sufficient") else GoldReader
    if await trial.repaired(reasoner=oracle(trial.tools.reasoner, trial.gold)):
        return "judge", "the evidence was there, and was judged insufficient"
    return None


async def _read(trial: Trial) -> Finding:
    """Put the gold in at the last word, quoting what was at hand."""
    if await trial.repaired(reasoner=GoldReader(trial.tools.reasoner, trial.gold)):
        return "read", "the evidence was there, and was read wrongly"
    return None


async def _judged_sufficient(trial: Trial) -> Finding:
    judge = GoldJudge(trial.tools.reasoner, trial.gold, answerable=False)
    if await trial.repaired(reasoner=judge):
        return "judge", "nothing answers it, and the evidence was judged sufficient"
    return None


async def _read_into(trial: Trial) -> Finding:
    reader = GoldReader(trial.tools.reasoner, trial.gold, answerable=False)
    if await trial.repaired(reasoner=reader):
        return "read", "nothing answers it, and something was read into it"
    return None


Step = Callable[[Trial], Awaitable[Finding]]

STEPS: tuple[Step, ...] = (
    _budget, _threshold, _corpus, _chunking, _verify, _judged_too_early, _dense,
    _satisfied, _not_retrieved, _rerank, _judge, _read,
)  # fmt: skip
STEPS_UNANSWERABLE: tuple[Step, ...] = (_judged_sufficient, _read_into)


async def _unrepaired(trial: Trial) -> tuple[Part, str, bool]:
    """Name the first part that lost something, where no part alone repairs it."""
    if any(group.uncut for group in trial.gold.groups):
        return (
            "chunking",
            "a paragraph that answers is cut apart; joining it alone does not help",
            False,
        )
    if trial.gold.absent(trial.candidates):
        return "trail", "not all of what answers was found; finding it alone does not help", False
    if trial.gold.absent(trial.ranked):
        return "rerank", "not all of what answers was read; reading it alone does not help", False
    return "unknown", "nothing is known of what answers it, or nothing repairs it", False


def _entry(trial: Trial) -> Group | None:
    """Return the group that the question leads to first: the nearest by words or meaning."""

    def nearest(group: Group) -> int:
        ranks = (leg_rank(trial.run, group.ids, leg) for leg in ("cosine", "bm25"))
        return min((rank for rank in ranks if rank is not None), default=len(trial.candidates))

    return min(trial.gold.groups, key=nearest, default=None)


def _lowered(trial: Trial) -> bool:
    """Whether the reranker put something of the gold lower than the search had it."""
    for group in trial.gold.absent(trial.ranked):
        for found in trial.run.get("found", ()):
            order = [c.passage.id for c in found.candidates]
            before = place(group.ids, order)
            scores = trial.run.get("scores", {})
            after = place(group.ids, sorted(order, key=lambda key: -scores.get(key, 0.0)))
            if before is not None and after is not None and after > before:
                return True
    return False
