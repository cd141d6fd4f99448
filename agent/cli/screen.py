"""What is printed where: a console for people, and text that is fit for it."""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.text import Text

UNWRAPPED = 100_000
"""Columns of a pipe: a line stays one line for whoever reads it."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def screen(*, errors: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    It wraps lines on a terminal only, and reads no markup: what it prints comes from
    documents.
    """
    watched = (sys.stderr if errors else sys.stdout).isatty()
    return Console(
        stderr=errors,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if watched else UNWRAPPED,
    )


def line(*parts: str | tuple[str, str], style: str = "") -> Text:
    """Return text from strings and (string, style) pairs, without control characters.

    An escape sequence in a document must not reach the terminal.
    """
    cleaned = [
        _CONTROL.sub("\N{REPLACEMENT CHARACTER}", part)
        if isinstance(part, str)
        else (_CONTROL.sub("\N{REPLACEMENT CHARACTER}", part[0]), part[1])
        for part in parts
    ]
    return Text.assemble(*cleaned, style=style)
