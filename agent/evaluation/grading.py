"""Whether an answer is right, without a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ...tools.reason.protocol import Draft
from ...tools.types import Answer, Passage
from .questions import EvalQuestion

LONG = 80


def right(question: EvalQuestion, answer: Answer) -> bool | None:
    if answer.status not in ("answered", "partial"):
        return None
    if not question.answerable:
        return False
    cited = {n for c in answer.citations for n in (c.passage_id, c.document_id, c.source)}
    return judged(question, answer.text, [c.quote for c in answer.citations], cited)


def judged(question: EvalQuestion, text: str, quotes: Sequence[str], cited: set[str]) -> bool:
    golds = [folded(gold) for gold in question.answers]
    if golds and golds[0] in ("yes", "no"):
        return folded(text).split(" ")[:1] == golds[:1]
    quoted = folded(" | ".join(quotes))
    if any(gold and f" {gold} " in f" {quoted} " for gold in golds):
        return True
    if not golds or all(len(gold) >= LONG for gold in golds):
        return any(name.endswith(gold) for gold in question.gold for name in cited)
    return False


def draft_right(question: EvalQuestion, draft: Draft, evidence: Sequence[Passage]) -> bool:
    known = {p.id: p for p in evidence}
    honest = [
        claim
        for claim in draft.claims
        if judged(question, claim.text, [claim.text], set())
        or any(claim.text == quote.text for quote in claim.quotes)
    ]
    quotes = [quote for claim in honest for quote in claim.quotes]
    cited = {
        name
        for quote in quotes
        if (p := known.get(quote.passage_id))
        for name in (p.id, p.document_id, p.source)
    }
    return judged(question, draft.lead, [quote.text for quote in quotes], cited)


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).strip()
