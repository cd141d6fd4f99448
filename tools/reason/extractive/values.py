"""Spans as values that can be compared: dates, numbers, money, countries."""

from __future__ import annotations

import re

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_WORDS = _UNITS.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALE = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "k": 1e3,
    "m": 1e6,
    "bn": 1e9,
}
_PER = {
    "second": 1.0, "sec": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "hr": 3600.0,
    "day": 86400.0, "week": 604800.0, "month": 2629800.0, "year": 31557600.0, "decade": 315576000.0,
    "ms": 0.001, "millisecond": 0.001,
}  # fmt: skip
_LENGTH = {"km": 1000.0, "cm": 0.01, "mm": 0.001, "mile": 1609.3, "feet": 0.3048, "ft": 0.3048}
_NUMBER = re.compile(r"\d+(?:[,\u202f ]\d{3})*(?:\.\d+)?")

Date = tuple[int, int, int]


def date_of(text: str) -> Date | None:
    """Return (year, month, day) of a written date, with 0 for what it leaves out, or None."""
    iso = re.search(r"\b(\d{4})-(\d\d)(?:-(\d\d))?\b", text)
    if iso:
        return int(iso[1]), int(iso[2]), int(iso[3] or 0)
    year = re.search(r"\b(1\d{3}|20\d{2})\b", text)
    if not year:
        return None
    low = text.lower()
    months = [i for i, m in enumerate(_MONTHS, 1) if re.search(rf"\b{m}", low)]
    day = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", low) if months else None
    return int(year[1]), months[0] if months else 0, int(day[1]) if day else 0


def number_of(text: str) -> float | None:
    """Return the number a span stands for, in base units of time and length, or None.

    `text` is the span alone: "£3.1 million", "twenty minutes", "14.2 m".
    """
    low = text.lower()
    match = _NUMBER.search(low)
    value = float(re.sub(r"[,\u202f ]", "", match[0])) if match else _spelled(low)
    if value is None:
        return None
    rest = low[match.end() :] if match else low
    for word in re.findall(r"[a-z]+", rest):
        if word in _SCALE and not (word in ("k", "m") and not re.search(r"[$£€¥]", low)):
            value *= _SCALE[word]
        single = word.removesuffix("s")
        value *= _PER.get(word, _PER.get(single, _LENGTH.get(word, _LENGTH.get(single, 1.0))))
    return value


def _spelled(low: str) -> float | None:
    found = [w for w in re.findall(r"[a-z]+", low) if w in _WORDS or w in _TENS]
    if not found:
        return {"once": 1.0, "twice": 2.0, "half": 0.5, "dozen": 12.0}.get(
            low.split(" ", maxsplit=1)[0]
        )
    return float(sum(_WORDS.index(w) if w in _WORDS else 10 * (2 + _TENS.index(w)) for w in found))
