"""The rules: pronouns, "what about …?", "and …?", bare question words, definite references.

They carry words over from the conversation and add none of their own but the smallest
("what is … for …"). What already stands alone is left exactly as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..extractive.spans import DATE
from ..extractive.words import words_of
from ..protocol import Standalone, Turn
from .subject import carries, content, proper, subject_of

_OPENING = re.compile(
    r"^(?:(?:and|but|so|then|also|or|ok|okay|yes|no|well|i see|thanks|thank you|now)\b[,.!]?\s+)+",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^(?:what|how)\s+about\s+(?P<thing>.+?)[?.!\s]*$", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could"
    r"|may|must|should|shall|will|would|has|have|had|tell|show|give|explain|describe|list|find)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(rf"\s*(?:what about|{_ASKS.pattern})", re.IGNORECASE)
_BARE = re.compile(
    r"^(?:(?:since|until|by|from|to|for|in|on|at|with|of)\s+)?"
    r"(?:who|whom|whose|what|which|when|where|why|why not|how|how (?:much|many|long|often|far|old"
    r"|come|so|high))(?:\s+(?:exactly|else|then|one|ones))?[?.!\s]*$",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?P<own>his|her(?=\s+[a-z]))\b|\b(?:he|she|him|her|hers)\b", re.IGNORECASE)
_THING = re.compile(
    r"\b(?P<own>its|their)\b|\b(?:it|they|them|theirs)\b"
    r"|\b(?:this|that|these|those)\b(?=\s*(?:[?.!,]|$)|\s+(?:is|are|was|were|does|do|did|apply"
    r"|applies|mean|means|happen|work|works|cost|costs|take|takes|change|changed)\b)",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\b(?:is|was|would|will|does|do|has|did)\s+(?:it|that)\s+(?:be\s+)?(?:\w+\s+)?(?:true|possible"
    r"|necessary|required|better|best|safe|legal|worth|allowed|ok|okay|mean|take|matter|important)\b"
    r"|\bwhat time is it\b|\bit\s+(?:is|was)\s+(?:not\s+)?\w+\s+(?:to|that)\b"
    r"|\b(?:is|was)\s+it\s+\w+\s+(?:to|that|for|if)\b|\b(?:how|as)\s+long\s+does\s+it\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.?!]|\b(?:and|if|when|that|because|while|since|or)\b", re.IGNORECASE)
_THAT_THING = re.compile(
    r"\b(?:this|these|those|such|that|the same|the (?:former|latter|other|others|first|second|last"
    r"|next|previous))\b(?:\s+(?:one|ones))?",
    re.IGNORECASE,
)
_AFTER = r"(?:of|for|in|at|on|to|with|that|who|which|between|from|by)\b"
_DEFINITE = re.compile(rf"\bthe\s+(?:(?!{_AFTER})\w+\s+)?(?!{_AFTER})[a-z]+\b(?!\s+{_AFTER})")
_PREPOSITION = words_of("in for at on with from to by during under after before since until of")
_DEFINES = re.compile(r"^(?:what|who)\s+(?:is|are|was|were|does|do)\s+(?!the\b)\w", re.IGNORECASE)
_SHORT = 8
"""Words up to which a question may leave its subject to the one before."""


def standalone(asked: str, turns: Sequence[Turn]) -> Standalone:
    """Return `asked` as a question that stands alone after the earlier `turns`."""
    if not turns:
        return Standalone(question=asked)
    text = " ".join(asked.split())
    text = _OPENING.sub("", text) or text
    followed = text != " ".join(asked.split())
    rewritten = _bare(text, turns) or _elliptic(text, turns, followed=followed)
    asks = text.endswith("?") or bool(_OPENS.match(text))
    # A remark that says next to nothing is left alone: "That is fine."
    if not rewritten and (asks or len(content(text)) > 1):
        rewritten = _pronoun(text, turns)
    if not rewritten and asks:
        rewritten = _definite(text, turns, followed=followed)
    if not rewritten:
        return Standalone(question=asked)
    return Standalone(question=rewritten[0].upper() + rewritten[1:], by="rules")


def _bare(text: str, turns: Sequence[Turn]) -> str:
    """ "Why?": the question before, asked so."""
    if not _BARE.match(text):
        return ""
    return f"{_open(turns[-1].question)}, and {text[0].lower()}{_open(text)[1:]}?"


def _elliptic(text: str, turns: Sequence[Turn], *, followed: bool) -> str:
    """ "What about X?", "and in 2025?": the question before with X in the place of its like."""
    about = _ABOUT.match(text)
    if about is None and (
        not followed or _ASKS.search(text) or len(text.split()) > _SHORT or not content(text)
    ):
        return ""
    thing = _open(about["thing"] if about else text)
    if _THING.search(thing) or _PERSON.search(thing):
        return _pronoun(text, turns)
    if not content(thing) and not DATE.search(thing):
        return ""
    before = turns[-1].question
    swapped = _swapped(before, thing)
    return swapped if swapped else _of_subject(thing, turns)


def _swapped(before: str, thing: str) -> str:
    """Put `thing` where the question before has something of its kind; "" if nowhere."""
    first = thing.split(maxsplit=1)[0].lower()
    bare = thing.split(None, 1)[1] if first in _PREPOSITION and " " in thing else thing
    there, here = list(DATE.finditer(before)), DATE.search(bare)
    if here and there:
        spot = there[-1]
        return before[: spot.start()] + here[0] + before[spot.end() :]
    if named := _renamed(before, bare):
        return named
    if first in _PREPOSITION:
        held = list(re.finditer(rf"\b{re.escape(first)}\s+[^,?.!]+(?=[?.!]*$)", before))
        if held:
            return f"{before[: held[-1].start()]}{thing}?"
        return f"{_open(before)} {thing}?"
    return _plural_swapped(before, bare)


def _renamed(before: str, thing: str) -> str:
    """Put a name in the place of the last name of the question before; "" without either."""
    old = proper(before)
    # A leading word keeps the thing from being taken for the first word of a sentence.
    new = proper(f"the {thing}")
    if not old or not new:
        return ""
    lead = thing[: new[0].start - len("the ")] if new[0].start else ""
    head = before[: old[-1].start]
    said = thing[len(lead) :] if lead and head.lower().endswith(lead.lower()) else thing
    return head + said + before[old[-1].end :]


def _plural_swapped(before: str, thing: str) -> str:
    """Swap plurals after a last preposition: "… for ferries?", "what about tankers?"."""
    held = re.search(r"\b(?:for|to|with|of|on|by|in)\s+([a-z]+s)[?.!]*$", before)
    if held is None or not re.fullmatch(r"(?:[a-z]+ )?[a-z]+s", thing):
        return ""
    return f"{before[: held.start(1)]}{thing}?"


def _of_subject(thing: str, turns: Sequence[Turn]) -> str:
    subject = _lacking(thing, turns)
    if not subject:
        return ""
    verb = "are" if re.search(r"[^s]s$", thing) and not proper(f"the {thing}") else "is"
    return f"what {verb} {_lowered(thing)} for {subject}?"


def _pronoun(text: str, turns: Sequence[Turn]) -> str:
    """Put the subject in the place of the first pronoun that has none in its own question."""
    expletive = [m.span() for m in _EXPLETIVE.finditer(text)]
    for pattern, person in ((_PERSON, True), (_THING, False)):
        for match in pattern.finditer(text):
            if any(a <= match.start() < b for a, b in expletive) or _has_own(text, match.start()):
                continue
            subject = subject_of(turns, person=person)
            if not subject:
                return ""
            own = match.groupdict().get("own")
            said = f"{subject}{'’' if subject.endswith('s') else '’s'}" if own else subject
            return text[: match.start()] + said + text[match.end() :]
    return ""


def _has_own(text: str, at: int) -> bool:
    """Whether a pronoun has what it stands for in its own sentence: a name, or a clause before."""
    if any(name.end <= at for name in proper(text)):
        return True
    clauses = _CLAUSE.split(text[:at])
    return len(clauses) > 1 and any(len(content(clause)) >= 2 for clause in clauses[:-1])


def _definite(text: str, turns: Sequence[Turn], *, followed: bool) -> str:
    """Add the subject to a short question that speaks of "the fee" or of nothing at all."""
    if proper(text) or len(text.split()) > _SHORT or not _ASKS.search(text):
        return ""
    said, earlier = content(text), set(content(" ".join(turn.question for turn in turns)))
    points = _THAT_THING.search(text) or _DEFINITE.search(text)
    empty = len(said) <= 1 and not _DEFINES.match(text)
    if not (points or empty or followed) or (len(said) > 2 and not _THAT_THING.search(text)):
        return ""
    if said and set(said) <= earlier and len(said) > 1:
        return ""
    subject = _lacking(text, turns)
    return f"{_open(text)} for {subject}?" if subject else ""


def _lacking(text: str, turns: Sequence[Turn]) -> str:
    """Return the subject, unless `text` says it already."""
    subject = subject_of(turns)
    return "" if set(content(subject)) <= set(content(text)) else subject


def _open(text: str) -> str:
    return text.rstrip(" ?.!")


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:] if not carries(text.split(maxsplit=1)[0]) else text
