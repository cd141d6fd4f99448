"""A second opinion: does each quote say what its claim says? One call for all claims."""

from __future__ import annotations

from collections.abc import Sequence

from ...prompts import Template
from ...prompts.support import SupportReply
from ..llm.budget import afford, deadline, may_ask_again
from ..llm.evidence import one_line
from ..llm.protocol import LanguageModel
from ..types import Budget, Passage
from .protocol import Draft

_EXPECTED = 150


async def second_opinion(
    model: LanguageModel,
    template: Template,
    draft: Draft,
    passages: Sequence[Passage],
    question: str,
    left: Budget,
) -> Draft:
    """Return the draft without the claims that the model finds unsupported by their quotes.

    They are named in `doubted`. A claim it does not speak of is kept: its quotes are
    looked up all the same.
    """
    if not draft.claims:
        return draft
    prompt = template.fill(question=one_line(question, 2000), claims=_shown(draft, passages))
    afford(model, prompt, _EXPECTED, left)
    reply = await model.reply(
        prompt,
        SupportReply,
        max_tokens=100 + 60 * len(draft.claims),
        deadline=deadline(left),
        ask_again=may_ask_again(prompt, _EXPECTED, left),
    )
    against = {said.claim: said.why for said in reply.value.claims if not said.supported}
    kept = [claim for number, claim in enumerate(draft.claims, 1) if number not in against]
    doubted = [
        f"{claim.text}: a second opinion found it unsupported ({against[number] or 'no reason'})"
        for number, claim in enumerate(draft.claims, 1)
        if number in against
    ]
    return draft.model_copy(
        update={
            "claims": tuple(kept),
            "doubted": tuple(doubted),
            "usage": draft.usage + reply.usage,
        }
    )


def _shown(draft: Draft, passages: Sequence[Passage]) -> str:
    titles = {passage.id: passage.title for passage in passages}
    lines: list[str] = []
    for number, claim in enumerate(draft.claims, 1):
        lines.append(f"{number}. {one_line(claim.text, 600)}")
        for quote in claim.quotes:
            title = one_line(titles.get(quote.passage_id, ""), 100)
            lines.append(f'   quote from "{title}": "{one_line(quote.text, 800)}"')
    return "\n".join(lines)
