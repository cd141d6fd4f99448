"""A follow-up made into a question that stands alone by a model, or by rules where it fails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import BudgetExceeded, ReplyInvalid
from ...prompts import Template
from ...prompts.contextualize import ContextualizeReply
from ..llm.budget import afford, deadline, may_ask_again
from ..llm.evidence import one_line
from ..llm.protocol import LanguageModel
from ..types import Usage
from .followup import standalone
from .followup.subject import content, proper
from .protocol import Followup, Standalone, Turn

_EXPECTED = 60
_MOST_TOKENS = 400
_SHOWN = 6
"""Turns of the conversation that the model sees."""


async def contextualized(
    model: LanguageModel, template: Template, followup: Followup
) -> Standalone:
    """Return what the model makes of a follow-up, in one call; by rules, and saying so,
    where its reply cannot be used or the budget does not allow for it.

    Raises `CallFailed` or `CallRefused` on an outage.
    """
    prompt = template.fill(
        history=_shown(followup.turns[-_SHOWN:]), question=one_line(followup.asked, 8000)
    )
    left = followup.remaining
    try:
        afford(model, prompt, _EXPECTED, left)
        reply = await model.reply(
            prompt,
            ContextualizeReply,
            max_tokens=_MOST_TOKENS,
            deadline=deadline(left),
            ask_again=may_ask_again(prompt, _EXPECTED, left),
        )
    except BudgetExceeded as error:
        return _by_rules(followup, "the budget did not allow a model call", error.usage)
    except ReplyInvalid as error:
        return _by_rules(followup, "the model’s reply could not be used", error.usage)
    question = " ".join(reply.value.question.split())
    if question == " ".join(followup.asked.split()):
        return Standalone(question=followup.asked, usage=reply.usage)
    if added := invented(question, followup):
        return _by_rules(followup, f"the model added “{added}”", reply.usage)
    return Standalone(question=question, by="model", usage=reply.usage)


def invented(question: str, followup: Followup) -> str:
    """Return a name or a number of `question` that does not stand in the conversation, or ""."""
    told = [followup.asked]
    for turn in followup.turns:
        told += (turn.asked, turn.question, turn.lead, turn.text)
    known, figures = set(content(" ".join(told))), set(re.findall(r"\d+", " ".join(told)))
    if added := [figure for figure in re.findall(r"\d+", question) if figure not in figures]:
        return str(added[0])
    for name in proper(question):
        if not set(content(name.text)) <= known:
            return name.text
    return ""


def _by_rules(followup: Followup, why: str, usage: Usage | None) -> Standalone:
    made = standalone(followup.asked, followup.turns)
    return made.model_copy(update={"note": f"by rules: {why}", "usage": usage or Usage()})


def _shown(turns: Sequence[Turn]) -> str:
    lines = []
    for turn in turns:
        lines.append(f"Question: {one_line(turn.question, 500)}")
        said = turn.lead or turn.text or "(not answered)"
        lines.append(f"Answer: {one_line(said, 300)}")
    return "\n".join(lines)
