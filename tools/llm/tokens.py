"""How many tokens a text is likely to take, where no tokenizer is at hand."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Za-z]+|\d+|[^\x00-\x7f]|[^\w\s]|_")


def estimate(text: str) -> int:
    """Return an estimate of the tokens of `text`, rather too many than too few.

    A word takes one token for each six letters begun, a number one for each three
    digits, other signs and letters outside ASCII one each.
    """
    return sum(_weight(match.group()) for match in _WORD.finditer(text))


def _weight(piece: str) -> int:
    if piece.isascii() and piece.isalpha():
        return (len(piece) + 6) // 7 if len(piece) < 8 else (len(piece) + 5) // 6
    return (len(piece) + 2) // 3 if piece.isdigit() else 1
