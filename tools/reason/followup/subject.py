"""What a conversation is about: the subject that a follow-up leaves unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..extractive.question import kind_of
from ..extractive.spans import names
from ..extractive.words import FRAME_STEMS, STOP, WORD, stem, words_of
from ..protocol import Turn

LONGEST_LEAD = 8
"""Words. A longer answer is a sentence, and no subject."""

JOINTS = words_of("of for in at on with from to by the a an and's")
DETERMINERS = words_of("the a an")
_PRONOUNS = words_of(
    "it its he him his she her hers they them their theirs this that these those one ones there"
)

_COURTESY = words_of("thank thanks ok okay sure great fine sorry hello hi hey wait oops")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a text, and how many of its words carry content."""

    text: str
    start: int
    end: int
    weight: int


def content(text: str) -> list[str]:
    """Return the stems of the words that carry a subject, in order."""
    found = (m[0] for m in WORD.finditer(text))
    return [stem(word) for word in found if carries(word)]


def carries(word: str) -> bool:
    """Say whether a word names something rather than asking or framing."""
    low = word.lower().removesuffix("'s").removesuffix("’s")
    return (
        low not in STOP
        and low not in _PRONOUNS
        and low not in _COURTESY
        and stem(low) not in FRAME_STEMS
    )


def proper(text: str) -> list[Phrase]:
    """Return the proper names in `text`; a first word counts only among others."""
    found = []
    for span in names(text):
        if span.text.lower().startswith(("i'", "i’")):
            continue
        if span.start == 0 and len(span.text.split()) == 1 and not any(c.isdigit() for c in text):
            continue
        found.append(Phrase(span.text, span.start, span.end, len(content(span.text))))
    return [phrase for phrase in found if phrase.weight]


_BE = re.compile(r"^(?:is|are|was|were)\s", re.IGNORECASE)


def subject_of(turns: Sequence[Turn], *, person: bool = False) -> str:
    """Return what the latest turn that has a subject was about, or "".

    The short answer to a who, which or where is the subject of what comes after it; of any
    other turn it is what the question named. `person` asks for somebody.
    """
    for turn in reversed(turns):
        if turn.lead and _names_something(turn, person):
            return turn.lead
        if phrase := topic(turn.question):
            return phrase
    return ""


def _names_something(turn: Turn, person: bool) -> bool:
    if len(turn.lead.split()) > LONGEST_LEAD or not content(turn.lead):
        return False
    kind = kind_of(turn.question)
    return kind == "person" or (kind == "name" and not person)


def topic(question: str) -> str:
    """Return what a question is about: the phrase around its name, else its longest phrase."""
    phrases = [phrase for phrase in _phrases(question) if phrase.weight]
    named = proper(question)
    if named:
        name = max(named, key=lambda phrase: phrase.weight)
        around = [p for p in phrases if p.start <= name.start and name.end <= p.end]
        start = around[0].start if around and _leads_in(around[0], name) else name.start
        return _with_article(question, start, name.end)
    if not phrases:
        return ""
    best = max(phrases, key=lambda phrase: phrase.weight)
    return _with_article(question, best.start, _before_predicate(question, best))


def _before_predicate(question: str, phrase: Phrase) -> int:
    """Return where a phrase ends without what is asked of it: "Is estate planning expensive?"."""
    if not _BE.match(question) or phrase.weight < 2 or question[phrase.end :].strip(" ?.!"):
        return phrase.end
    return phrase.start + len(phrase.text.rsplit(None, 1)[0])


def _leads_in(around: Phrase, name: Phrase) -> bool:
    """Whether what stands before a name in its phrase belongs to it: "tug Anchor"."""
    before = around.text[: name.start - around.start].split()
    return len(before) == 1 and before[0].islower() and not before[0].endswith(("s", "ed", "ing"))


def _with_article(text: str, start: int, end: int) -> str:
    before = text[:start].split()
    article = f"{before[-1].lower()} " if before and before[-1].lower() in DETERMINERS else ""
    return article + text[start:end]


def _phrases(text: str) -> Iterator[Phrase]:
    """Yield runs of words that carry content, also across "of" and its like."""
    run: list[re.Match[str]] = []
    last = -1
    for match in WORD.finditer(text):
        gap = text[last : match.start()] if last >= 0 else ""
        last = match.end()
        if run and gap.strip(" "):
            yield from _closed(text, run)
            run = []
        if match[0].lower() in STOP and not (run and match[0].lower() in JOINTS):
            yield from _closed(text, run)
            run = []
        else:
            run.append(match)
    yield from _closed(text, run)


def _closed(text: str, run: list[re.Match[str]]) -> Iterator[Phrase]:
    while run and not carries(run[-1][0]):
        run = run[:-1]
    while run and not carries(run[0][0]):
        run = run[1:]
    if run:
        start, end = run[0].start(), run[-1].end()
        yield Phrase(text[start:end], start, end, sum(carries(match[0]) for match in run))
