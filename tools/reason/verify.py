"""Believes of a draft what its quotes carry, and names what it drops.

A quote counts when it is found in the passage it is said to come from, or letter for
letter in another passage of the evidence. A claim counts when a quote is left to it
and its numbers, dates and names stand in its quotes or in the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from ..types import Citation, Claim, Noun, Passage
from .protocol import Draft, DraftClaim, Quote
from .verify_facts import common_words, unsupported, words
from .verify_quotes import Folded, find_quote, fold, says_something


class Dropped(Noun):
    """A claim that was not believed, and why."""

    claim: str
    reason: str


class Verified(Noun):
    """What is left of a draft. `lead` is empty unless the quotes that are left hold it."""

    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    lead: str = ""


_COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
    r"\b(?:instructions?|prompts?|rules|guidelines|(?:everything|all|anything)\s+(?:above|before))\b"
    r"|\b(?:system|assistant|developer)\s*(?:message|prompt|instructions?)\s*:"
    r"|\b(?:system|assistant|developer)\s*:[^.!?\n]{0,80}"
    r"\b(?:you|ignore|disregard|answer|reply|respond|say|output)\b|(?-i:\bSYSTEM\s*:)"
    r"|<\|?\/?(?:im_start|im_end|system|assistant|evidence|passage)\b|\[/?INST\]|<</?SYS>>"
    r"|\byou\s+(?:are\s+now|must\s+now|must\s+(?:answer|reply|respond))\b"
    r"|\bnew\s+instructions?\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""Words that speak to the model that reads, not to a person."""

_ABOUT_COMMANDS = re.compile(r"\b(?:prompt|injection|jailbreak)", re.IGNORECASE)


@dataclass(slots=True)
class _Desk:
    """The passages on the desk, folded once each, and the citations handed out so far."""

    passages: Sequence[Passage]
    question: str
    folded: dict[str, Folded] = field(default_factory=dict)
    numbers: dict[tuple[str, int, int], Citation] = field(default_factory=dict)

    def fold(self, passage: Passage) -> Folded:
        if passage.id not in self.folded:
            self.folded[passage.id] = fold(passage.text)
        return self.folded[passage.id]

    def number(self, passage: Passage, start: int, end: int) -> Citation:
        key = (passage.id, start, end)
        if key not in self.numbers:
            self.numbers[key] = _citation(passage, start, end, len(self.numbers) + 1)
        return self.numbers[key]


def verify(draft: Draft, passages: Sequence[Passage], question: str) -> Verified:
    """Check a draft against the passages it was written from.

    Returns the claims that hold with their citations, numbered from 1 in order of use,
    where `document.text[start:end] == quote`; and the claims that do not, with reasons.
    """
    desk = _Desk(passages, question)
    common = cache(lambda: common_words([question, *(passage.text for passage in passages)]))
    claims: list[Claim] = []
    dropped: list[Dropped] = []
    for claim in draft.claims:
        spans, reason = _spans(claim, desk)
        reason = reason or _unheld(claim.text, spans, desk, common)
        if reason:
            dropped.append(Dropped(claim=claim.text, reason=reason))
        else:
            cited = tuple(dict.fromkeys(desk.number(*span) for span in spans))
            claims.append(Claim(text=claim.text, citations=cited))
    citations = tuple(desk.numbers.values())
    lead = draft.lead if _holds(draft.lead, citations, question) else ""
    return Verified(claims=tuple(claims), citations=citations, dropped=tuple(dropped), lead=lead)


_Span = tuple[Passage, int, int]


def _spans(claim: DraftClaim, desk: _Desk) -> tuple[list[_Span], str]:
    """Return where the quotes of a claim stand, and why there are none if so."""
    if not claim.text.strip():
        return [], "the claim is empty"
    if not claim.quotes:
        return [], "no quote was given"
    telling = [quote for quote in claim.quotes if says_something(quote.text)]
    if not telling:
        return [], f"the quote is too short to carry a claim: {claim.quotes[0].text[:40]!r}"
    found = [span for quote in telling for span in _look_up(quote, desk)]
    if not found:
        return [], f"the quote was not found in the evidence: {telling[0].text[:80]!r}"
    meant = [span for span in found if not _commanded(*span, desk.question)]
    if not meant:
        return [], "the quote is an instruction to the reader, not a statement"
    return meant, ""


def _look_up(quote: Quote, desk: _Desk) -> Iterator[_Span]:
    """Yield where a quote stands: in its own passage if it can, else in the first that has it."""
    own = [passage for passage in desk.passages if passage.id == quote.passage_id]
    others = [passage for passage in desk.passages if passage.id != quote.passage_id]
    for passage in own + others:
        span = find_quote(quote.text, desk.fold(passage))
        if span:
            yield passage, *span
            return


def _commanded(passage: Passage, start: int, end: int, question: str) -> bool:
    """Tell whether a span lies in an instruction to the model, up to its paragraph's end.

    A question about such instructions may quote them.
    """
    inside = any(start < close and end > opening for opening, close in _commands(passage.text))
    return inside and not (_COMMAND.search(question) or _ABOUT_COMMANDS.search(question))


@lru_cache(maxsize=1024)
def _commands(text: str) -> tuple[tuple[int, int], ...]:
    """Return from where to where a text speaks to the model: whole sentences, to the paragraph."""
    found = []
    for match in _COMMAND.finditer(text):
        opening = max(text.rfind(mark, 0, match.start()) for mark in ".!?\n") + 1
        paragraph = text.find("\n\n", match.end())
        found.append((opening, len(text) if paragraph < 0 else paragraph))
    return tuple(found)


def _unheld(
    claim: str, spans: Sequence[_Span], desk: _Desk, common: Callable[[], frozenset[str]]
) -> str:
    quotes = [passage.text[start:end] for passage, start, end in spans]
    titles = [text for passage, _, _ in spans for text in (passage.title, *passage.headings)]
    missing = unsupported(claim, [*quotes, desk.question], titles, common)
    return f"{missing} stands neither in its quotes nor in the question" if missing else ""


def _holds(lead: str, citations: Sequence[Citation], question: str) -> bool:
    """Tell whether the words of a lead stand in the quotes, their titles or the question."""
    said = set(words(lead))
    if not citations or not said:
        return False
    held = [text for citation in citations for text in (citation.quote, citation.title)]
    if unsupported(lead, [*held, question], (), frozenset):
        return False
    return said <= {"yes", "no"} or said <= set(words(" \n ".join([*held, question])))


def _citation(passage: Passage, start: int, end: int, number: int) -> Citation:
    return Citation(
        number=number,
        passage_id=passage.id,
        document_id=passage.document_id,
        title=passage.title,
        source=passage.source,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
    )
