"""What to put in a part's place, and what that would cost in time and money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from ...tools.llm.prices import AS_OF, price_of
from ...tools.types import Noun
from ..reasoner import NONE, chosen_models
from .attribution import Part
from .outcome import Outcome
from .wording import seconds

if TYPE_CHECKING:
    from ..settings import Settings

A_SMALL_MODEL = "openai:gpt-6-luna"
A_LARGE_MODEL = "openai:gpt-6-sol"
AN_EMBEDDER = "openai:text-embedding-3-small"
A_RERANKER = "voyage:rerank-2.5"

CALLS = 2
"""Model calls of an easy question: one to plan, one to write."""

PASSAGE_TOKENS = 0.25
"""Tokens of a character of English, about."""

SAID_TOKENS = 300
"""Tokens that a model writes in a call, about."""


class Swap(Noun):
    """One line of advice: `setting` is what to write in suffice.toml; empty if nothing fits.

    `time` and `money` say what it would cost, from what was measured and the price table.
    """

    part: Part
    advice: str
    setting: str
    time: str
    money: str

    @property
    def sentence(self) -> str:
        """The advice with its costs."""
        return f"{self.advice} Time: {self.time}. Money: {self.money}."


Adviser = Callable[[Sequence[Outcome], "Settings", str], Swap | None]


def swap_for(
    part: Part, outcomes: Sequence[Outcome], settings: Settings, reasoner: str
) -> Swap | None:
    """Return what to swap for a part, or None where it cannot be swapped.

    Args:
        outcomes: what was measured: times by node, and usage.
        reasoner: the name of what plans, judges and writes now.
    """
    adviser = ADVISERS.get(part)
    return adviser(outcomes, settings, reasoner) if adviser else None


def _embedder(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    now = _took(outcomes, "survey", "search")
    return Swap(
        part="dense",
        advice=f"Swap the embedder first ({settings.embedder} now), such as for {AN_EMBEDDER}.",
        setting=f'embedder = "{AN_EMBEDDER}"',
        time=f"searching takes {now} a question now, and one call more with a provider; "
        "all documents are embedded anew once (suffice add --reembed)",
        money="what the provider asks for embedding; nothing with an embedder of your own",
    )


def _trail(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap | None:
    if not settings.trail:
        return Swap(
            part="trail",
            advice="Let the search follow mentions from passage to passage.",
            setting="trail = true",
            time=f"searching takes {_took(outcomes, 'survey', 'search')} a question now, "
            "and about twice that with the trail",
            money="nothing",
        )
    found = _thinker("trail", outcomes, settings, reasoner)
    return found.model_copy(update={"advice": f"{found.advice} It asks for what is missing."})


def _reranker(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    searches = median(outcome.usage.searches for outcome in outcomes)
    return Swap(
        part="rerank",
        advice=f"Swap the reranker first ({settings.reranker} now), such as for {A_RERANKER}.",
        setting=f'reranker = "{A_RERANKER}"',
        time=f"search and reranking take {_took(outcomes, 'survey', 'search', 'rerank')} a "
        f"question now; a provider's adds one call a search, {searches:g} a question",
        money="what the provider asks for up to 120 passages a search",
    )


def _evidence(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    wider = min(2 * settings.evidence, 200)
    tokens = median(outcome.usage.input_tokens for outcome in outcomes)
    return Swap(
        part="packing",
        advice=f"Let {wider} passages be read instead of {settings.evidence}.",
        setting=f"evidence = {wider}",
        time=f"thinking takes {_took(outcomes, 'plan', 'judge', 'write')} a question now, "
        "and up to twice that",
        money=f"up to twice the {tokens:,.0f} tokens that are read of a question now"
        if tokens
        else "nothing",
    )


def _chunks(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    wider = min(2 * settings.max_chars, 20_000)
    return Swap(
        part="chunking",
        advice=f"Cut into longer passages: {wider:,} characters instead of {settings.max_chars:,}.",
        setting=f"max_chars = {wider}",
        time="all documents are cut and embedded anew once (suffice add --reembed)",
        money="twice the tokens where a model reads the passages; else nothing",
    )


def _judge(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    return _thinker("judge", outcomes, settings, reasoner)


def _reader(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    return _thinker("read", outcomes, settings, reasoner)


def _thinker(part: Part, outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    """A model in the place of none, or a larger one in the place of the one there is."""
    small, writer, _ = chosen_models(settings)
    role = "writer" if part == "read" and small != NONE else "small"
    now = writer if role == "writer" else small
    model = A_SMALL_MODEL if now == NONE else A_LARGE_MODEL
    what = "What thinks is" if now == NONE else f"Swap the {role} model first: it is"
    nodes = ("write",) if role == "writer" else ("plan", "judge", "write")
    calls = median(outcome.usage.llm_calls for outcome in outcomes)
    return Swap(
        part=part,
        advice=f"{what} {'no model' if now == NONE else now}; try {model}.",
        setting=f'{role} = "{model}"',
        time=f"thinking takes {_took(outcomes, *nodes)} a question now"
        + (f"; a model takes {CALLS} calls or more" if now == NONE else f", in {calls:g} calls"),
        money=_money(model, outcomes, settings),
    )


def _money(model: str, outcomes: Sequence[Outcome], settings: Settings) -> str:
    """Say what a question would cost with a model, by the tokens of a question now.

    Where no model reads now, it would read the passages that the rules read.
    """
    price = price_of(model, settings.prices)
    if price is None:
        return "its price is not known"
    told = [outcome.usage.input_tokens for outcome in outcomes]
    wrote = [outcome.usage.output_tokens for outcome in outcomes]
    if any(told):
        tokens, said = median(told), median(wrote)
    else:
        tokens = CALLS * settings.evidence * settings.max_chars * PASSAGE_TOKENS
        said = CALLS * SAID_TOKENS
    cost = price.of(round(tokens), round(said))
    least = "" if any(told) else "at most "
    return (
        f"{least}about ${cost:.4f} a question, ${1000 * cost:.2f} a thousand "
        f"({tokens:,.0f} tokens read; prices of {AS_OF})"
    )


def _budget(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    rounds = settings.budget.rounds
    more = 2 * rounds if rounds else None
    return Swap(
        part="budget",
        advice="Allow a question more"
        + (f": {more} rounds instead of {rounds}." if more else ", in time and calls."),
        setting=f"[budget] rounds = {more}" if more else "",
        time=f"a question takes {seconds(median(o.usage.seconds for o in outcomes))} now; "
        "only the hard ones would take longer",
        money=_more(outcomes),
    )


def _documents(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    return Swap(
        part="corpus",
        advice="Add the documents that are missing: suffice add. No other part helps there.",
        setting="",
        time="that of adding them",
        money="nothing",
    )


def _threshold(outcomes: Sequence[Outcome], settings: Settings, reasoner: str) -> Swap:
    return Swap(
        part="threshold",
        advice="What is refused is the price of the promise: allow more errors "
        "(suffice calibrate --max-error), or calibrate on more questions.",
        setting="",
        time="nothing",
        money="nothing",
    )


ADVISERS: dict[Part, Adviser] = {
    "budget": _budget,
    "corpus": _documents,
    "chunking": _chunks,
    "dense": _embedder,
    "trail": _trail,
    "rerank": _reranker,
    "packing": _evidence,
    "judge": _judge,
    "read": _reader,
    "threshold": _threshold,
}


def _took(outcomes: Sequence[Outcome], *nodes: str) -> str:
    """Return the median time of some nodes together, over the questions that reached any."""
    sums = [sum(outcome.seconds.get(node, 0.0) for node in nodes) for outcome in outcomes]
    took = [one for one in sums if one > 0]
    return seconds(median(took)) if took else "no time"


def _more(outcomes: Sequence[Outcome]) -> str:
    spent = [outcome.usage.cost_usd for outcome in outcomes]
    if any(cost is None for cost in spent):
        return "more calls of a model whose price is not known"
    most = max((cost or 0.0 for cost in spent), default=0.0)
    return f"a hard question costs ${most:.4f} now, and would cost more" if most else "nothing"
