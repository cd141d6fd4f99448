"""One module for each kind of file."""

from __future__ import annotations

from ..protocol import Loader
from .code import SourceCode
from .html import Html
from .jsonlines import JsonLines
from .markdown import Markdown
from .plaintext import PlainText
from .restructuredtext import ReStructuredText
from .unreadable import UNREADABLE


def builtin_loaders() -> tuple[Loader, ...]:
    """Return the loaders that ship with Suffice."""
    return (PlainText(), Markdown(), ReStructuredText(), Html(), SourceCode(), JsonLines())


__all__ = [
    "UNREADABLE",
    "Html",
    "JsonLines",
    "Markdown",
    "PlainText",
    "ReStructuredText",
    "SourceCode",
    "builtin_loaders",
]
