"""What reads the files of a type: the seam for further ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..types import Document, Failure
from .scan import SourceFile

LARGEST_FILE = 20_000_000
"""Bytes. A text longer than a few thousand pages is most often a dump or a log."""


class Loader(Protocol):
    """Reads files of some types. A class with two constants and two methods will do."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Return the suffixes of those files, with a dot and in lower case."""

    @property
    def largest(self) -> int:
        """Return the number of bytes above which a file is not read."""

    def count(self, data: bytes) -> int:
        """Tell, for the progress bar, about how many Documents `load` will yield."""

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document | Failure]:
        """Yield the file's Documents, and a Failure for each part that had to be left out.

        `Document.text` is the text that offsets refer to. Raises `ValueError` with the
        reason where the file as a whole cannot be read.
        """
