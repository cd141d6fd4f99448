"""Spans that can answer: dates, names, places, numbers with units, money, identifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .places import DEMONYMS
from .words import FRAME_STEMS, STOP, WORD, is_identifier, stem, words_of

Kind = Literal[
    "date", "person", "place", "number", "money", "duration", "identifier", "name", "yesno", "text"
]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence that could be an answer by itself: `text[start:end]`."""

    text: str
    start: int
    end: int
    kind: Kind


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?:1[0-9]{3}|20[0-9]{2})"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
DATE = re.compile(
    rf"\b(?:{_YEAR}-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? {_YEAR}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?, {_YEAR}|{_MONTH},? {_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}\b|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b"
    rf"|\d{{1,2}}[./]\d{{1,2}}[./]{_YEAR}|{_YEAR}s?(?: ?(?:BC|AD|CE|BCE))?"
    rf"|\d{{1,2}}(?:st|nd|rd|th) century|\d{{1,4}} (?:BC|AD|CE|BCE))(?![\w-]|[.,]\d)",
    re.IGNORECASE,
)
CLOCK = re.compile(
    rf"\b(?:(?:every |each )?(?:(?:first|second|third|last) )?{_DAY}"
    rf"|[012]?\d[:.h][0-5]\d(?: ?[ap]\.?m\.?)?|\d{{1,2}} ?[ap]\.?m\b\.?|noon|midnight"
    rf"|(?:end|start|beginning|middle) of (?:the |each |every )?(?:day|week|month|quarter|year)"
    rf"|in {_MONTH}(?! \d)|(?:spring|summer|autumn|winter))\b",
    re.IGNORECASE,
)
_COUNT = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|thousand|million|billion|dozen|half)"
)
_FIGURE = r"\d+(?:[.,\u202f ]\d{3})*(?:[.,]\d+)?"
_TIME_UNIT = (
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|ms|milliseconds?|secs?"
    r"|mins?|hrs?)"
)
DURATION = re.compile(
    rf"\b(?:{_FIGURE}|{_COUNT}(?:[- ]{_COUNT})*)(?:\s?(?:to|or|-|–)\s?{_FIGURE})?"
    rf"(?: working| business| calendar| consecutive| full)?[ -]?{_TIME_UNIT}\b",
    re.IGNORECASE,
)
MONEY = re.compile(
    rf"(?:[$€£¥₹]\s?{_FIGURE}(?:\s?(?:million|billion|trillion|thousand|[kmb]n?)\b)?"
    rf"|\b(?:USD|EUR|GBP|CHF|NOK|SEK|DKK|JPY)\s?{_FIGURE}"
    rf"|\b{_FIGURE}(?:\s?(?:million|billion|thousand))?\s?"
    rf"(?:dollars?|euros?|pounds?|cents?|pence|francs?|kroner|yen|USD|EUR|GBP|CHF|€|£)(?!\w))",
    re.IGNORECASE,
)
NUMBER = re.compile(
    rf"(?<![\w.,-])(?:{_FIGURE}(?:\s?(?:to|-|–)\s?{_FIGURE})?|(?:{_COUNT})(?:[- ](?:{_COUNT}))*"
    rf"|once|twice)(?:\s?(?:million|billion|thousand|hundred|per cent|percent|%))?"
    rf"(?![\w]*\d)(?:[ -]?(?:km/h|m/s|mph|kn|knots?|km|cm|mm|m|metres?|meters?|miles?|feet|ft"
    rf"|inch(?:es)?|kg|tonnes?|tons?|g|mg|lbs?|pounds?|litres?|liters?|l|ml|kW|MW|GW|V|A|Hz|kHz"
    rf"|MHz|GHz|KB|MB|GB|TB|°C|°F|degrees|bar|people|persons|times|copies)(?!\w))?",
    re.IGNORECASE,
)
MEASURE = re.compile(
    rf"(?<![\w.,-]){_FIGURE} ?(?:km|cm|mm|m|metres?|meters?|miles?|feet|ft|inch(?:es)?)\b"
    rf"|(?<![\w.,-])(?:{_FIGURE}|{_COUNT}(?:[- ]{_COUNT})*) "
    rf"(?:characters?|letters?|digits?|words?|lines?|pages?|chapters?|bytes?|bits?)\b",
    re.IGNORECASE,
)
OFTEN = re.compile(
    r"\b(?:hourly|daily|weekly|fortnightly|monthly|quarterly|yearly|annually|once|twice"
    r"|every (?:other )?(?:\w+ )?(?:hour|day|week|fortnight|month|quarter|year)s?"
    r"|(?:per|a|each) (?:hour|day|week|month|year))\b",
    re.IGNORECASE,
)
IDENTIFIER = re.compile(
    r"https?://[^\s)>\]]+|[\w.+-]+@[\w-]+\.[\w.-]*\w|\+?\d[\d ()/-]{6,}\d|`[^`\n]+`"
    r"|(?<![\w-])--?[a-z][\w-]+|(?<![\w.])(?:/[\w.-]+){2,}"
)
_QUOTED = re.compile(r"[\"“«]\s?([^\"“”«»\n]{2,80}?)\s?[\"”»]")
_NAME = re.compile(r"[^\W\d_a-zà-öø-ÿ][\w'’&.\-]*[\w'’]|[^\W\d_a-zà-öø-ÿ]\b\.?")
_JOIN = re.compile(
    r"(?:[ ]|[ ]?-[ ]?|, (?=(?:Jr|Sr)\b)"
    r"|[ ](?:of|of the|the|de|de la|del|della|di|da|do|dos|van|van der|von|von der|der|den|du|la|le"
    r"|el|al|bin|ibn|y|and the|for the|in the|on the|&) )"
)
ROLE = re.compile(
    r"\b(?:(?:[a-z]+(?:-[a-z]+)?|[A-Z]{2,}) ){0,3}?(?:[a-z]+-)?(?:manager|officer"
    r"|master|engineer|director"
    r"|supervisor|coordinator|administrator|controller|assistant|lead|leader|captain|pilot|clerk"
    r"|secretary|treasurer|chair|chairman|president|head|foreman|inspector|technician|analyst"
    r"|developer|maintainer|owner|operator|agent|team|office|desk|committee|board|council|group"
    r"|department|crew|watch|warden|nurse|doctor|driver|teacher|editor|author|executive|lawyer"
    r"|accountant|steward|keeper|planner|reviewer|approver|custodian|superintendent|librarian"
    r"|curator|dispatcher|representative|specialist|auditor)\b"
)
_AT = re.compile(
    r"(?:\b(?:in|at|from|near|of|to|on|outside|around|via|between|towards?|inside|behind|opposite)"
    r"(?: (?:the|a|an|his|her|its|central|northern|southern|eastern|western))?|,|·|\|) ?$"
)
_PLACE = re.compile(
    r"\b(?:room|building|floor|berth|shed|gate|dock|office|hall|desk|cabinet|locker|warehouse|quay"
    r"|pier|store|bay|jetty|terminal|lane|street|platform|level|zone|shelf|rack|folder|directory)"
    r" (?:[A-Z]?\d+[A-Za-z]?|[A-Z])\b"
    r"|\b(?:in|at|from|to|on|beside|behind|inside|outside|opposite|under|near) the "
    r"(?:[a-z-]+ ){0,3}?(?:room|building|floor|shed|gate|dock|office|hall|desk|cabinet|locker"
    r"|warehouse|quay|pier|store|bay|jetty|terminal|workshop|kitchen|basement|canteen|library|lobby"
    r"|reception|yard|tower|station|lab|laboratory|archive|safe|drawer|cupboard|board|entrance)\b",
    re.IGNORECASE,
)
_DEMONYM = re.compile(r"\b(?:" + "|".join(sorted(DEMONYMS, key=len, reverse=True)) + r")\b")
_THING = re.compile(
    r"\d|(?-i:[A-Z]{2})|\b(?:jetty|quay|house|bank|point|light|street|road|lane|river|lake|sea|park|school"
    r"|university|college|county|city|town|district|province|island|islands|company|ltd|inc|corp"
    r"|corporation|party|award|awards|prize|records|studios?|pictures|church|museum|station|airport"
    r"|bridge|tower|hall|hospital|street|mountains?|valley|dock|harbour|port|festival|championship"
    r"|cup|league|war|battle|act|day|times|news|magazine|software|form)$|^(?:"
    + "|".join(sorted(DEMONYMS, key=len, reverse=True))
    + r")$",
    re.IGNORECASE,
)
_ROLE_STOP = STOP | {"new", "whole", "same", "old", "any", "approved", "called"}


_MEASURES = {
    "length": r"(?:km|cm|mm|m|metres?|meters?|kilomet(?:er|re)s?|miles?|feet|foot|ft|inch(?:es)?"
    r"|yards?|storeys?|floors?|pages?|LOA)",
    "speed": r"(?:km/h|mph|kn|knots?|m/s|miles an hour|\S+ (?:an?|per) (?:hour|second|minute|day)"
    r"|(?:an?|per) (?:hour|second|minute|day)|\S*bit/s|\S*bps)",
    "age": r"(?:years?(?: of age| old)?|yrs?|months? old)",
    "weight": r"(?:kg|kilos?|kilograms?|grams?|g|tonnes?|tons?|t|lbs?|pounds?)",
}
_MEASURED = {
    name: re.compile(rf"[\d\w][\d.,\s–-]*?[ -]?{unit}(?!\w)", re.IGNORECASE)
    for name, unit in _MEASURES.items()
} | {
    "e-mail": re.compile(r"[\w.+-]+@[\w-]+\.\w"),
    "web": re.compile(r"https?://|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w@])"),
}


_TITLE = re.compile(
    r"^(?:captain|mr|mrs|ms|miss|dr|prof(?:essor)?|sir|dame|rev)\.? ", re.IGNORECASE
)


def is_full_name(said: str) -> bool:
    """Say whether a span is a person's name in full, and no title or post."""
    bare = _TITLE.sub("", said)
    return bare[:1].isupper() and " " in bare and not ROLE.search(bare.lower())


def of_measure(measure: str, text: str, span: Span) -> bool:
    """Say whether a number or an address is of the sort that `Part.measure` names."""
    return bool(_MEASURED[measure].match(text, span.start))


@lru_cache(maxsize=16384)
def spans(text: str, kind: Kind) -> tuple[Span, ...]:
    """Return the spans of `text` that are of `kind`, in order of place."""
    return tuple(_spans(text, kind))


def _spans(text: str, kind: Kind) -> list[Span]:
    if kind == "date":
        return _merge(_all(DATE, text, "date"), _all(CLOCK, text, "date"))
    if kind == "duration":
        return _merge(_all(DURATION, text, "duration"), _all(MEASURE, text, "duration"))
    if kind == "money":
        return _all(MONEY, text, "money")
    if kind == "number":
        dates = [s for s in _all(DATE, text, "date") if not s.text.isdigit()]
        found = _merge(dates, _all(CLOCK, text, "date"), _all(MONEY, text, "number"),
                       _all(DURATION, text, "number"), _all(NUMBER, text, "number"),
                       _all(OFTEN, text, "number"))  # fmt: skip
        return [span for span in found if span.kind == "number"]
    if kind == "identifier":
        return _merge(_all(IDENTIFIER, text, "identifier"), _codes(text))
    if kind == "person":
        return _merge(_roles(text), [s for s in names(text) if not _THING.search(s.text)])
    if kind == "place":
        return _places(text)
    return list(names(text))


def _places(text: str) -> list[Span]:
    """Names behind a word of place or a comma, numbered places, and nationalities."""
    named = [s for s in names(text) if _AT.search(text[max(0, s.start - 24) : s.start])]
    numbered = _all(_PLACE, text, "place")
    return _merge(numbered, named, _all(_DEMONYM, text, "place"))


def _all(pattern: re.Pattern[str], text: str, kind: Kind) -> list[Span]:
    return [Span(m[0], m.start(), m.end(), kind) for m in pattern.finditer(text)]


def _merge(*groups: list[Span] | tuple[Span, ...]) -> list[Span]:
    """Join groups of spans, earlier groups first where they overlap."""
    kept: list[Span] = []
    for group in groups:
        kept += [s for s in group if all(s.end <= k.start or s.start >= k.end for k in kept)]
    return sorted(kept, key=lambda s: s.start)


def _codes(text: str) -> list[Span]:
    return [
        Span(m[0], m.start(), m.end(), "identifier")
        for m in WORD.finditer(text)
        if is_identifier(m[0]) or (m[0][0].isdigit() and len(m[0]) < 12)
    ]


def _roles(text: str) -> list[Span]:
    found = []
    for match in ROLE.finditer(text):
        start = match.start()
        for word in match[0].split(" ")[:-1]:
            if word in _ROLE_STOP or word.endswith("ly"):
                start = text.index(word, start) + len(word) + 1
        found.append(Span(text[start : match.end()], start, match.end(), "person"))
    return found


@lru_cache(maxsize=8192)
def names(text: str) -> tuple[Span, ...]:
    """Return the proper names and quoted titles of `text`.

    A capital at the start of a sentence is a name only where the word is not a common one.
    """
    quoted = [Span(m[1], m.start(1), m.end(1), "name") for m in _QUOTED.finditer(text)]
    return tuple(_merge(quoted, _capitals(text)))


def _capitals(text: str) -> list[Span]:
    found: list[Span] = []
    start = end = -1
    for match in _NAME.finditer(text):
        if match.start() and (text[match.start() - 1].isalnum() or text[match.start() - 1] == "_"):
            continue
        if start >= 0 and _JOIN.fullmatch(text, end, match.start()):
            end = match.end()
            continue
        found += _named(text, start, end)
        start, end = match.start(), match.end()
    return found + _named(text, start, end)


def _named(text: str, start: int, end: int) -> list[Span]:
    """The name at `start`, without common words that only begin a sentence."""
    if start < 0:
        return []
    while start < end and (first := WORD.match(text, start, end)):
        if not (_opens(text, start) and _common(first[0])) and first[0].lower() not in STOP:
            break
        rest = re.compile(r"[^\w]*").match(text, first.end(), end)
        start = rest.end() if rest else end
    said = text[start:end].rstrip(".")
    said = said[:-2] if said.endswith(("'s", "’s")) else said
    if len(said) < 2 or not WORD.match(said):
        return []
    return [Span(said, start, start + len(said), "name")]


def _opens(text: str, at: int) -> bool:
    """Say whether a sentence begins at `at`."""
    before = text[:at].rstrip(" \"'“‘(*_`")
    return not before or before[-1] in ".!?:;\n|•·-—"


def _common(word: str) -> bool:
    low = word.lower()
    return (
        low in STOP
        or stem(low) in FRAME_STEMS
        or low.endswith(("ing", "ly", "ed", "tion"))
        or low in _OPENERS
    )


_OPENERS = words_of(
    """however although since when after before during while according despite today yesterday
    there therefore thus hence moreover furthermore additionally finally later earlier meanwhile
    because given once unless instead note see if in on at by for from with without within under
    over between both several many most some all any each every no not only even still yet now
    then here how what which who why where as an a the this that these those it its he she they
    we you i his her their our your my born currently originally two three four five six seven
    eight nine ten employees members staff people visitors ships vessels night day"""
)
