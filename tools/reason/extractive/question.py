"""What a question asks: its parts, the kind of answer, and the words that must be met."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from .spans import DATE, Kind, Span, names
from .words import CLOSED, FRAME_STEMS, STOP, SYNONYMS, is_identifier, stem, words, words_of

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"how (?:high|big|large) (?:is|was|are|were) (?:the )?(?:\w+ )?(?:fee|fine|price|cost|charge"
     r"|rent|salary|budget|tariff)", "money"),
    (r"(?:on |in |by |until |since |at )?(?:what|which) (?:\w+ )?(?:date|year|day|month|time"
     r"|century|decade|season)\b|when\b|(?:date|year|time) of\b|(?:what|whats|what's)"
     r" (?:is|was|are|were)? ?the (?:\w+ ){0,2}(?:date|year|deadline|day)\b", "date"),
    (r"how long\b|(?:what|which) (?:is|was) the (?:\w+ ){0,3}(?:duration|notice period|period"
     r"|time ?out)\b", "duration"),
    (r"(?:at |until |from )?(?:what|which) (?:age|speed|percentage|share|number)\b|how many\b"
     r"|(?:what|which) (?:is|was|are|were)? ?(?:the )?(?:\w+ ){0,2}(?:number|population"
     r"|percentage|share|count)\b|how (?:old|often|tall|high|deep|far|fast|big|large|wide|heavy"
     r"|hot|cold|thick)\b(?! (?:is|was|are|were) (?:the )?(?:\w+ )?(?:fee|fine|price|cost|charge"
     r"|rent|salary|budget|tariff))", "number"),
    (r"how much\b(?=.*\b(?:cost|pay|price|charge|fee|rent|salary|earn|spend|spent|money|paid)\b)"
     r"|(?:what|which) (?:is|was|are|does|did)? ?(?:the )?(?:[\w'’-]+ ){0,3}(?:price|cost|fee"
     r"|salary|wages?|tariff)\b", "money"),
    (r"how much\b|(?:what|which) (?:is|was|are|were) (?:the )?(?:[\w-]+ ){0,3}(?:limit|rate|height"
     r"|length|depth|width|weight|speed|draught|draft|capacity|temperature|distance|size|area"
     r"|minimum|maximum|budget)\b", "number"),
    (r"(?:what|which|whats|what's) (?:[\w'’]+ ){0,3}(?:phone|telephone|extension|e-?mail|url"
     r"|web(?:site)? address|code|port|version|id|identifier|number|channel)\b", "identifier"),
    (r"(?:by |to |with |from |for |under |of )?(?:who|whom|whose)\b|(?:which|what) (?:\w+ ){0,2}(?:"
     r"person|man|woman|director|author|writer|actor|actress|singer|player|president|king|queen"
     r"|composer|producer|artist|manager|officer|politician|role|team)\b", "person"),
    (r"(?:from |in |at |to )?where\b|(?:in |at |from )?(?:which|what) (?:\w+ )?(?:city|country"
     r"|place|town|state|location|building|room|village|county|region|province|continent)\b|(?:what|which)"
     r" (?:is|was) the (?:\w+ )?(?:place|country|location|city|nationality)\b|what nationality\b",
     "place"),
    (r"(?:is|are|was|were|do|does|did|can|could|has|have|had|must|should|will|would|may|am)\b",
     "yesno"),
    (r"why\b|how\b", "text"),
    (r"which\b|what \w+ (?:is|was|did|does|has|had)\b", "name"),
)  # fmt: skip
_PATTERNS = [(re.compile(p, re.IGNORECASE), kind) for p, kind in _KINDS]
_WH = (
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|can|must"
    r"|should|has|have)"
)
_ASKS = re.compile(rf"\b{_WH}\b", re.IGNORECASE)
_BY_NAME = re.compile(
    r",? by name\b,?|,? ?name,? please\b|[.?!,]?\s*\b(?:I need|give me|I want|tell me)"
    r" (?:a|the|his|her) (?:name|person)\b[^.?!]*|(?<=[?.!]) *Names?\b|\bpersonally\b",
    re.IGNORECASE,
)
_NAME_OF = re.compile(
    r"\bname of (?:the |a )?(?:[\w-]+ )?(?:person|colleague|officer|man|woman|manager|master|head"
    r"|engineer|lead|director|employee|member|contact)\b",
    re.IGNORECASE,
)
_OF_WHAT = r"\b(?:what|which)(?:'s| is| are| was| were)? (?:the |its |her |his )?(?:[\w-]+ ){0,2}"
_MEASURES = (
    (
        "length",
        re.compile(
            r"\bhow (?:tall|high|deep|wide|far|thick)\b"
            rf"|{_OF_WHAT}(?:depth|height|width|draught|distance|thickness)\b",
            re.IGNORECASE,
        ),
    ),
    ("speed", re.compile(rf"\bhow fast\b|\bspeed limit\b|{_OF_WHAT}speed\b", re.IGNORECASE)),
    ("age", re.compile(r"\b(?:how old|what age|which age)\b", re.IGNORECASE)),
    (
        "weight",
        re.compile(
            rf"\bhow heavy\b|{_OF_WHAT}(?:weight|mass)\b|\bhow much (?:\w+ ){{1,6}}weigh\b",
            re.IGNORECASE,
        ),
    ),
    (
        "e-mail",
        re.compile(
            r"\be-?mail add?ress|^(?:(?!\bport\b|phone|extension|channel).)*\be-?mail\W*$",
            re.IGNORECASE,
        ),
    ),
    ("web", re.compile(r"\b(?:url|web ?(?:page|site)? address)\b", re.IGNORECASE)),
)
_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
ADDRESSES = ("e-mail", "web")

ORIGIN = "born, founded or built"
"""How the beginning of a thing is asked for where it may be a person, a firm or a house."""

_ORIGINS = frozenset(
    stem(word) for word in words_of("born found establish form create build construct open launch")
)
# "Who is the port chaplain?" is not answered by who else is at the port.
_POST = re.compile(
    r"^who(?: is|'s| was| are) (?:the|our|your) (?:[\w-]+ ){0,3}?(?!(?:person|man|woman|one)\b)"
    r"([\w-]+)(?= (?:of|at|for|in|on|before|after|to|from|that|who)\b|\W*$)",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"\bwhat (?:do|does|did) (?:the )?(?:(?:letters|abbreviation|acronym|word|term) )?(.{2,60}?)"
    r" (?:stand for|mean)\b"
    r"|\b(?:meaning|definition) of (?:the )?(?:(?:word|term) )?(.{2,60}?)\W*$"
    r"|^what(?:'s| is) (?:an? )?((?-i:[A-Z][A-Z0-9-]{0,30}[A-Z0-9]))\W*$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r" \d{1,6}[A-Za-z]?(?![\w/.-]{0,12}\d|[\w%])")
_BRACKETS = re.compile(r"\([^()]*\)")

NAME_WEIGHT = 1.6
WORD_WEIGHT = 1.0
FRAME_WEIGHT = 0.35
BRACKET_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a question that evidence should meet, and how much it matters.

    `name` numbers the proper name it belongs to, -1 for none. A `required` term has
    no substitute but its synonyms: names, identifiers, numbers, years, and relations for
    which there are few words (born, mother, salary).
    """

    stem: str
    text: str
    weight: float
    required: bool = False
    name: int = -1
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is asked: the text, the kind of answer, and its terms in order.

    `by_name` is set where the asker wants a person's name and not a title; `measure` is
    "length", "speed", "age" or "weight" where a number of that sort is asked for, "e-mail" or
    "web" where an address is; `defines` is the word whose meaning is asked for.
    """

    id: str
    text: str
    kind: Kind
    terms: tuple[Term, ...]
    names: tuple[str, ...] = ()
    by_name: bool = False
    measure: str = ""
    defines: str = ""

    @property
    def wants_value(self) -> bool:
        """Whether nothing answers without a span of the kind: a value, or a person's name."""
        values = ("date", "duration", "number", "money", "identifier")
        return self.by_name or self.kind in values

    @property
    def weight(self) -> float:
        """The weight of all terms together."""
        return sum(term.weight for term in self.terms) or 1.0


def kind_of(question: str) -> Kind:
    """Return the kind of answer that `question` asks for, by its question word.

    The earliest question word decides; "text" is anything that needs a sentence.
    """
    found = []
    for rank, (pattern, kind) in enumerate(_PATTERNS):
        match = pattern.match(question) if kind == "yesno" else _search(pattern, question)
        if match:
            found.append(
                (match.start(), match.end() if kind not in ("name", "text") else 999, rank, kind)
            )
    return min(found)[3] if found else "text"


def _search(pattern: re.Pattern[str], question: str) -> re.Match[str] | None:
    for match in pattern.finditer(question):
        if match.start() == 0 or not question[match.start() - 1].isalnum():
            return match
    return None


@lru_cache(maxsize=1024)
def part(text: str, id_: str = "1") -> Part:
    """Read one question: which kind, which names, which terms."""
    said = _BY_NAME.sub(" ", text).strip() or text
    by_name = said != text.strip() or bool(_NAME_OF.search(text))
    found = _names(said)
    terms = _terms(said, found)
    if post := _POST.search(said):
        terms = tuple(replace(t, required=True) if t.text == post[1] else t for t in terms)
    kind: Kind = "person" if by_name and kind_of(said) == "text" else kind_of(said)
    counted = _HOW_MANY.search(said)
    measure = "" if counted else next((n for n, asks in _MEASURES if asks.search(said)), "")
    return Part(
        id_, text, kind, terms, tuple(n for n, _, _ in found), by_name,
        measure if kind == ("identifier" if measure in ADDRESSES else "number") else "",
        _defined(said),
    )  # fmt: skip


def _defined(text: str) -> str:
    match = _DEFINES.search(text)
    found = next((one for one in match.groups() if one), "") if match else ""
    word = found.strip("\"'“”‘’ ")
    return "" if {piece.lower() for piece in word.split()} <= STOP else word


def _names(text: str) -> list[tuple[str, int, int]]:
    """The proper names of a question, unless its letters say nothing (ALL CAPS, Title Case)."""
    alphabetic = [w for w in words(text) if w.text[0].isalpha() and w.text.lower() not in STOP]
    capital = [w for w in alphabetic if w.text[0].isupper()]
    if len(alphabetic) > 5 and len(capital) > 0.85 * len(alphabetic):
        return []
    brackets = [m.span() for m in _BRACKETS.finditer(text)]
    found = []
    for span in names(text):
        if _within(span.start, brackets):
            continue
        only = [w for w in words(span.text) if w.text.lower() not in STOP]
        if only and not (len(only) == 1 and span.start == 0 and _ASKS.match(span.text)):
            end = _with_number(text, span)
            found.append((text[span.start : end], span.start, end))
    return found


def _with_number(text: str, span: Span) -> int:
    """Return where a name ends with the number behind it: "STS 4", but not "March 2025"."""
    number = _NUMBERED.match(text, span.end)
    return number.end() if number and not DATE.search(text[span.start : number.end()]) else span.end


def _terms(text: str, found: list[tuple[str, int, int]]) -> tuple[Term, ...]:
    brackets = [m.span() for m in _BRACKETS.finditer(text)]
    terms: dict[str, Term] = {}
    if ORIGIN in text:
        terms["origin"] = Term("origin", ORIGIN, WORD_WEIGHT, also=_ORIGINS)
        text = text.replace(ORIGIN, " " * len(ORIGIN))
    for word in words(text):
        name = next((i for i, (_, a, b) in enumerate(found) if a <= word.start < b), -1)
        for term in _word_terms(word.text, name, _within(word.start, brackets)):
            if term.stem not in terms or term.weight > terms[term.stem].weight:
                terms[term.stem] = term
    return tuple(terms.values())


def _within(at: int, ranges: list[tuple[int, int]]) -> bool:
    return any(a <= at < b for a, b in ranges)


def _word_terms(word: str, name: int, aside: bool) -> list[Term]:
    low = word.lower().removesuffix("'s").removesuffix("’s")
    if low in STOP or (len(low) == 1 and not low.isdigit() and name < 0):
        return []
    if is_identifier(word) or any(c.isdigit() for c in word):
        weight = BRACKET_WEIGHT if aside else NAME_WEIGHT
        return [Term(stem(word), word, weight, not aside, name)]
    if not word.isalnum() and len(word) > 3 and word != low and "-" not in word and "'" not in word:
        return [Term(stem(word), word, NAME_WEIGHT, not aside, name)]
    pieces = re.split(r"[^\w]+|_", word.removesuffix("'s").removesuffix("’s"))
    return [_plain(piece, name, aside) for piece in pieces if piece and piece.lower() not in STOP]


def _plain(word: str, name: int, aside: bool) -> Term:
    root = stem(word)
    also = SYNONYMS.get(root, frozenset()) - {root}
    if aside:
        return Term(root, word, BRACKET_WEIGHT, False, name, also)
    if name >= 0:
        return Term(root, word, NAME_WEIGHT, True, name)
    weight = FRAME_WEIGHT if root in FRAME_STEMS else WORD_WEIGHT
    return Term(root, word, weight, root in CLOSED, -1, also)


def relation_of(asked: Part) -> str:
    """Return what a part asks of the things it names, without their names."""
    text = asked.text
    for name in asked.names:
        text = text.replace(name, " ")
    return " ".join(text.split()) or asked.text


def years(text: str) -> set[str]:
    """Return the years that `text` names."""
    return {y for m in DATE.finditer(text) for y in re.findall(r"\b(?:1\d|20)\d\d\b", m[0])}
