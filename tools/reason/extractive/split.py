"""Questions with several parts: conjunctions, and comparisons of two things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .question import ORIGIN, Part, part

Order = Literal["least", "most", "same", "both", "none"]

MOST_PARTS = 4

_WH = (
    r"(?:(?:in|at|on|by|to|from|for|with|under|until|since) )?(?:who|whom|whose|what|which|when"
    r"|where|why|how)"
)
_AND = re.compile(
    rf"(?:,? and|;|,? as well as|,? but|\?)\s+(?:also )?(?={_WH}\b(?! (?:of|is also)\b))",
    re.IGNORECASE,
)
_OR = r"(?P<a>[^,?]+?(?:, [^,?]+?(?=,? or ))?),? or (?P<b>.+?)"
_CHOICE = [
    re.compile(rf"^(?P<ask>.+?)(?:[,:;?] | between |— ){_OR}\s*\??$", re.IGNORECASE),
    re.compile(
        rf"^(?:between )?{_OR}[,:;?] (?P<ask>(?:who|which|what)\b.+?)\s*\??$", re.IGNORECASE
    ),
    re.compile(
        rf"^(?P<ask>(?:which|who|what)\b.*?\b(?:first|last|earlier|later|older|younger|more"
        rf"|longer|larger|bigger|higher|taller|smaller|recently)),? {_OR}\s*\??$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^(?P<pre>is|are|was|were|did|do|does|has|have|had) {_OR}"
        rf" (?P<ask>(?:\w+ )?(?:first|last|earlier|later|older|younger|longer|larger|bigger"
        rf"|higher|taller|smaller|more|fewer|less|most).*?)\s*\??$",
        re.IGNORECASE,
    ),
]
_THAN = re.compile(
    r"^(?P<pre>is|are|was|were|did|do|does|has|have|had) (?P<a>.+?) (?P<ask>(?:\w+ )?(?:older"
    r"|younger|longer|larger|bigger|higher|taller|smaller|more|fewer|less|earlier|later|deeper|wider"
    r"|heavier|cheaper|faster|before|after)\b(?: \w+){0,3}?) than (?P<b>.+?)\s*\??$",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"^(?P<pre>are|were|do|did|does|is|was|have|has) (?:both )?(?P<a>.+?) and (?P<b>.+?)"
    r" (?P<ask>(?:both |all |each )?(?:(?:located |situated |based )?(?:in|from|of|on|have|share"
    r"|has|born in|come from|a part of|part of)\b.*\b(?:same|different)\b.*"
    r"|(?:have|share) the same .+|both .+|from the same .+))\s*\??$",
    re.IGNORECASE,
)
_BOTH_FIRST = re.compile(
    r"^(?P<pre>are|were|do|did|is|was) both (?P<a>.+?) and (?P<b>.+?)"
    r" (?P<ask>(?:located|from|based|in|an?|considered|used|made|[a-z]+ed)\b.+?)\s*\??$",
    re.IGNORECASE,
)

_LEAST = re.compile(
    r"\b(?:older|oldest|first|earlier|earliest|before|smaller|smallest|shorter|shortest|fewer"
    r"|fewest|less|least|lower|lowest|cheaper|cheapest|lighter|narrower|shallower|nearer|closer"
    r"|sooner|slower|stricter)\b",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\b(?:younger|youngest|later|latest|last|more|most|larger|largest|bigger|biggest|longer"
    r"|longest|taller|tallest|higher|highest|greater|greatest|newer|newest|recently|deeper|wider"
    r"|heavier|faster|after)\b",
    re.IGNORECASE,
)
_ATTRIBUTES = (
    (r"\b(?:died|death|dies|die)\b", "When did {} die?"),
    (r"\b(?:born|younger|youngest|birth)\b", "When was {} born?"),
    (r"\b(?:lived longer|live longer|longer life)\b", "When was {} born and when did it end?"),
    (r"\b(?:released|came out|come out|release|premiered|recently)\b", "When was {} released?"),
    (r"\b(?:published|publication)\b", "When was {} published?"),
    (r"\b(?:founded|established|formed|created|started|began|opened|built|completed|introduced)\b",
     "When was {} {verb}?"),
    (r"\b(?:older|oldest)\b", f"When was {{}} {ORIGIN}?"),
    (r"\b(?:newer|newest)\b", "When was {} built?"),
    (r"\b(?:came|come|happened?|was|is) (?:first|earlier|later)\b", "When was {}?"),
    (r"\b(?:deeper|deepest|shallower)\b", "How deep is {}, what depth?"),
    (r"\b(?:taller|tallest|higher|highest)\b(?! \w*(?:price|cost|fee|rate))",
     "How high is {}, what height?"),
    (r"\b(?:cheaper|cheapest|expensive|costs? (?:more|less))\b", "How much does {} cost?"),
    (r"\b(?:heavier|heaviest|lighter)\b", "How heavy is {}, what weight?"),
    (r"\b(?:faster|fastest|slower)\b", "How fast is {}, what speed?"),
    (r"\b(?:longer|longest|shorter|shortest)\b(?=\W*$)", "How long is {}?"),
    (r"\b(?:wider|widest|narrower)\b", "How wide is {}?"),
)  # fmt: skip
_SAME = (
    (r"\b(?:country|nationality)\b", "Which country is {} from?"),
    (r"\b(?:city|town|state|county|region|continent|place)\b", "Where is {}?"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two things and how their values decide: the entity with the least or most wins."""

    a: str
    b: str
    order: Order
    yesno: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart. `compare` joins the two parts; else each stands alone."""

    text: str
    whole: Part
    parts: tuple[Part, ...]
    compare: Comparison | None = None


@lru_cache(maxsize=256)
def read(text: str) -> Question:
    """Take a question apart. One that has no parts is its own only part."""
    text = " ".join(text.split())
    whole = part(text)
    compared = _comparison(text)
    if compared:
        asks, compare = compared
        return Question(text, whole, tuple(part(q, str(i)) for i, q in enumerate(asks, 1)), compare)
    asked = _conjunction(text)
    if len(asked) == 1:
        return Question(text, whole, (whole,))
    return Question(text, whole, tuple(part(q, str(i)) for i, q in enumerate(asked, 1)))


def _conjunction(text: str) -> list[str]:
    """Cut at "and" before a question word; a part that names nothing takes over the first name."""
    cut = [piece.strip(" ,;?") for piece in _AND.split(text)]
    cut = [piece for piece in cut if piece]
    if len(cut) < 2 or len(cut) > MOST_PARTS or not re.match(_WH + r"\b", cut[0], re.IGNORECASE):
        return [text]
    if any(len(piece.split()) < 3 for piece in cut):
        return [text]
    first = part(cut[0])
    return [cut[0] + "?"] + [_referring(piece, first) for piece in cut[1:]]


_PRONOUN = re.compile(r"\b(it|its|they|their|them|he|his|him|she|her|this|that)\b", re.IGNORECASE)


def _referring(piece: str, first: Part) -> str:
    """Put the first part's subject where a later part only says "it"."""
    pronoun = _PRONOUN.search(piece)
    if not pronoun or part(piece).names:
        return piece + "?"
    subject = first.names[-1] if first.names else _subject(first.text)
    if not subject:
        return piece + "?"
    if pronoun[1].lower() in ("its", "their", "his", "her"):
        subject += "'s"
    return piece[: pronoun.start()] + subject + piece[pronoun.end() :] + "?"


def _subject(text: str) -> str:
    match = re.search(r"\bthe ((?:[\w-]+ ?){1,4})\??$", text, re.IGNORECASE)
    return f"the {match[1].strip()}" if match else ""


def _comparison(text: str) -> tuple[list[str], Comparison] | None:
    for pattern in (_BOTH, _BOTH_FIRST):
        if match := pattern.match(text):
            return _same(match)
    if match := _THAN.match(text):
        return _ordered(match, yesno=True)
    for pattern in _CHOICE:
        match = pattern.match(text)
        if match and _ordering(match["ask"]) and _alike(match["a"], match["b"]):
            return _ordered(match, yesno=False)
    return None


def _alike(a: str, b: str) -> bool:
    """Both sides of an "or" must look like things, not like clauses."""
    return 0 < len(a.split()) <= 14 and 0 < len(b.split()) <= 14


def _ordering(ask: str) -> Order:
    least, most = _LEAST.search(ask), _MOST.search(ask)
    if least and (not most or most[0] != "more" or least.start() > most.start()):
        return "least"
    return "most" if most else "none"


def _ordered(match: re.Match[str], *, yesno: bool) -> tuple[list[str], Comparison]:
    ask, a, b = match["ask"], _thing(match["a"]), _thing(match["b"])
    order = _ordering(ask)
    compare = Comparison(a, b, order, yesno)
    return [_attribute(ask, side) for side in (a, b)], compare


_SORT = re.compile(
    r"^(?:(?:the |both )?(?:films?|movies?|songs?|villages?|magazines?|schools?)\b,? )"
)


def _thing(text: str) -> str:
    """The thing itself, without what only says of what sort it is."""
    return _SORT.sub("", text.strip(" ,;:?"))


def _attribute(ask: str, side: str) -> str:
    """Ask for the value that the comparison turns on, for one side.

    "Which film has the director born first" asks of the director of the film.
    """
    of = re.search(r"\b(director|author|writer|composer|performer|singer|producer)s?\b", ask)
    subject = f"the {of[1]} of {side}" if of else side
    for pattern, template in _ATTRIBUTES:
        if verb := re.search(pattern, ask, re.IGNORECASE):
            return template.replace("{verb}", verb[0].lower()).replace("{}", subject)
    rest = re.sub(r"^(?:which|who|what)\b(?: (?:of|one)\b)?", "", ask, flags=re.IGNORECASE).strip()
    return f"{subject}: {rest}?"


def _same(match: re.Match[str]) -> tuple[list[str], Comparison]:
    ask, a, b = match["ask"], match["a"], match["b"]
    a, b = _shared_head(a, b)
    order: Order = "same" if re.search(r"\b(?:same|share)\b", ask, re.IGNORECASE) else "both"
    return [_common(ask, side) for side in (a, b)], Comparison(a, b, order, True)


def _shared_head(a: str, b: str) -> tuple[str, str]:
    """ "the directors of films A and B": what stands before A belongs to B as well."""
    head = re.match(r"(?:the )?(director|author|composer|performer|singer)s? of (?:the )?"
                    r"(?:(?:film|movie|song|book)s? )?(?P<a>.+)", a, re.IGNORECASE)  # fmt: skip
    if not head:
        return _thing(a), _thing(b)
    same = re.match(rf"(?:the )?{head[1]} of ", b, re.IGNORECASE)
    second = re.sub(r"^(?:the )?\w+ of (?:the )?(?:film |movie |song )?", "", b) if same else b
    return f"the {head[1].lower()} of {_thing(head['a'])}", f"the {head[1].lower()} of {second}"


def _common(ask: str, side: str) -> str:
    for pattern, template in _SAME:
        if re.search(pattern, ask, re.IGNORECASE):
            return template.replace("{}", side)
    rest = re.sub(r"\b(?:both|same|have|share|the)\b", "", ask, flags=re.IGNORECASE)
    return f"{side}: {' '.join(rest.split())}?"
