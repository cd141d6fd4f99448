"""The numbers, dates and names of a claim, and whether its quotes hold them.

What a sentence is about may be reworded; a number, a date or a name may not. A date
counts as the same in another notation, "12" as "twelve", "1,500" as "1500".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_WORDS = {word: value for value, word in enumerate(_UNITS.split())}
_WORDS |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_WORDS |= {word: value for value, word in enumerate(_ORDINALS.split(), 1)} | {"dozen": 12}
_SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_MONTHS = "january february march april may june july august september october november december"
_MONTH = {name: number for number, name in enumerate(_MONTHS.split(), 1)}
_MONTH |= {name[:3]: number for name, number in _MONTH.items()} | {"sept": 9}

_MONTH_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_DAYS = r"\d{1,2}(?:st|nd|rd|th)?(?:\s*(?:-|to|and|,)\s*\d{1,2}(?:st|nd|rd|th)?)*"
_DATE = re.compile(
    r"\b(?P<iso_year>\d{4})-(?P<iso_month>\d{2})(?:-(?P<iso_day>\d{2}))?\b"
    rf"|\b(?P<days>{_DAYS})\s+(?:of\s+)?(?P<month>{_MONTH_NAME})\b\.?,?(?:\s+(?P<year>\d{{4}})\b)?"
    rf"|\b(?P<month2>{_MONTH_NAME})\b\.?\s+(?P<days2>{_DAYS})\b(?!\d)(?:,?\s+(?P<year2>\d{{4}})\b)?"
    rf"|\b(?P<month3>{_MONTH_NAME})\b\.?,?\s+(?P<year3>\d{{4}})\b"
)
_NUMBER = re.compile(
    rf"(?P<digits>(?<![\w.,])\d+(?:[.,]\d+)*|(?<=[a-z])\d+(?:[.,]\d+)*|(?<=[.,])\d+)"
    rf"|\b(?P<tens>{'|'.join(_TENS.split())})[- ](?P<unit>{'|'.join(_UNITS.split()[1:10])})\b"
    rf"|\b(?P<word>{'|'.join(_WORDS)})\b"
)
_SCALE = re.compile(rf"[\s-]*({'|'.join(_SCALES)})s?\b")
_UNCOUNTED = re.compile(r"\bone\b|\b(?:the|these|those|both|between)\s+two\b|\b(?:first|second)\b,")
"""Words that look like numbers in a claim and seldom are: "one", "the two", "first,"."""

_NAME_WORD = re.compile(r"[^\W_][\w'\u2019]*")
_STARTS = re.compile(r"(?:^|[.!?:;\n]|[\"\u201c\u201e(\[*\u2022-])\s*$")
_OPENING_WORDS = (
    "a about according accordingly additionally after all also although an and another any "
    "are as at based because before being besides between both but by can consequently could "
    "currently despite did do does during each either evidence every finally first following "
    "for former formerly from further furthermore given had has have he hence her here his "
    "how however i if in indeed instead into is it its last later like many may meanwhile "
    "more moreover most much must neither no nobody none nor not note nothing now of on once "
    "one only or originally other others otherwise our over overall per previously rather "
    "second several she should similarly since so some such than that the their then there "
    "therefore these they this those though through thus to today together two under unlike "
    "until up upon was we were what when where whereas whether which while who whoever whose "
    "why will with within without would yes yet you your mr mrs ms dr prof sir"
)
OPENERS = frozenset(_OPENING_WORDS.split())


@dataclass(frozen=True, slots=True)
class Date:
    """A date as far as it is told: any part may be None."""

    year: int | None
    month: int
    day: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that may not be reworded; `names` are its words, folded."""

    numbers: frozenset[Decimal]
    dates: tuple[Date, ...]
    names: frozenset[str]


def plain(text: str) -> str:
    """Fold case, accents, and typographic quotes and dashes."""
    if text.isascii():
        return text.casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.sub(
        "[\u2018\u2019\u02bc]", "'", re.sub("[\u2010-\u2015\u2212]", "-", bare)
    ).casefold()


def unsupported(
    claim: str, quotes: Iterable[str], names: Iterable[str], common: Callable[[], frozenset[str]]
) -> str:
    """Return the first number, date or name of `claim` that its support does not hold, or "".

    `quotes` support numbers, dates and names (the question is to be among them), `names`
    only names; `common` gives the words the evidence writes in lower case somewhere, and
    is called only where a word is not held, as it reads all of the evidence.
    """
    held = facts(" \n ".join(quotes))
    named = held.names | frozenset(words(" \n ".join(names)))
    rest, dates = _take_dates(_UNCOUNTED.sub(" ", plain(claim)))
    for date in dates:
        if not _dated(date, held):
            return f"date {_written(date)}"
    for text, value in _numbers(rest):
        if value not in held.numbers and not _in_date(value, held):
            return f"number {text}"
    for name, opens in _names(claim):
        if _named(name, named) or _month_held(name, held):
            continue
        if not (opens and _bare(name) in common()):
            return f"name {name}"
    return ""


def facts(text: str) -> Facts:
    """Read the numbers, dates and words of a supporting text."""
    rest, dates = _take_dates(plain(text))
    return Facts(
        frozenset(value for _, value in _numbers(rest)), tuple(dates), frozenset(words(text))
    )


def words(text: str) -> Iterator[str]:
    """Return the words of a text, folded, without a possessive s."""
    for match in _NAME_WORD.finditer(text):
        yield _bare(match.group())


def common_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words that the texts write in lower case: not names, even to open a sentence."""
    return frozenset(
        _bare(match.group())
        for text in texts
        for match in _NAME_WORD.finditer(text)
        if match.group().islower()
    )


@lru_cache(maxsize=32_768)
def _bare(word: str) -> str:
    return plain(word).removesuffix("'s").rstrip("'")


def _take_dates(text: str) -> tuple[str, list[Date]]:
    """Return the text without its dates, and the dates."""
    dates: list[Date] = []
    for match in _DATE.finditer(text):
        dates.extend(_read_date(match))
    return _DATE.sub(" ", text), dates


def _read_date(match: re.Match[str]) -> Iterator[Date]:
    part = match.groupdict()
    if part["iso_year"]:
        day = part["iso_day"]
        yield Date(int(part["iso_year"]), int(part["iso_month"]), int(day) if day else None)
        return
    month = _MONTH[part["month"] or part["month2"] or part["month3"]]
    told = part["year"] or part["year2"] or part["year3"]
    days = re.findall(r"\d+", part["days"] or part["days2"] or "")
    for day in days or [None]:
        yield Date(int(told) if told else None, month, int(day) if day else None)


def _dated(date: Date, held: Facts) -> bool:
    return any(
        date.month == other.month
        and date.day in (None, other.day)
        and (date.year in (None, other.year) or (other.year is None and _year_held(date, held)))
        for other in held.dates
    )


def _year_held(date: Date, held: Facts) -> bool:
    years = {other.year for other in held.dates}
    return date.year in years or Decimal(date.year or 0) in held.numbers


def _month_held(name: str, held: Facts) -> bool:
    """Tell whether a month, in whatever notation, stands in the support."""
    number = _MONTH.get(_bare(name))
    other = {_MONTH[word] for word in held.names & set(_MONTH)}
    return number is not None and number in other | {date.month for date in held.dates}


def _in_date(value: Decimal, held: Facts) -> bool:
    """Tell whether a bare number is the year or the day of a date in the support."""
    return any(value in (date.year, date.day) for date in held.dates)


def _written(date: Date) -> str:
    return "-".join(f"{part:02d}" for part in (date.year, date.month, date.day) if part is not None)


def _numbers(text: str) -> Iterator[tuple[str, Decimal]]:
    """Read numbers in digits and in words, with their scale; each as written and as a value."""
    for match in _NUMBER.finditer(text):
        scale = _SCALE.match(text, match.end())
        factor = _SCALES[scale.group(1)] if scale else 1
        written = match.group() + (scale.group() if scale else "")
        for value in _values(match):
            yield written, value * factor


def _values(match: re.Match[str]) -> list[Decimal]:
    if match["digits"]:
        return _read_digits(match["digits"])
    if match["tens"]:
        return [Decimal(_WORDS[match["tens"]] + _WORDS[match["unit"]])]
    return [Decimal(_WORDS[match["word"]])]


def _read_digits(digits: str) -> list[Decimal]:
    """Read "1,500" as 1500 and "1.500,50" as 1500.5; parts of a version stand alone."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        return [Decimal(digits.replace(",", "")).normalize()]
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}", digits):
        return [Decimal(digits.replace(".", "").replace(",", ".")).normalize()]
    if re.fullmatch(r"\d+([.,]\d+)?", digits):
        return [Decimal(digits.replace(",", ".")).normalize()]
    return [Decimal(part).normalize() for part in re.split(r"[.,]", digits)]


def _names(claim: str) -> Iterator[tuple[str, bool]]:
    """Return the words of a claim written as names are, and whether each opens a sentence.

    A capital that opens a sentence tells nothing: such a word is a name unless it is a
    plain opening word, or the evidence writes it small somewhere.
    """
    for match in _NAME_WORD.finditer(claim):
        word = match.group()
        if word == word.lower() or _is_counted(word):
            continue
        opens = _STARTS.search(claim[: match.start()]) is not None
        if _bare(word) in OPENERS and (opens or len(word) == 1 or word.istitle()):
            continue
        yield word, opens


def _is_counted(word: str) -> bool:
    """Tell whether the numbers have looked at the word already."""
    return plain(word) in _WORDS or plain(word) in _SCALES


def _named(name: str, held: frozenset[str]) -> bool:
    bare = _bare(name)
    forms = {bare, bare.removesuffix("s"), bare + "s", bare.removesuffix("es")}
    return not forms.isdisjoint(held)
