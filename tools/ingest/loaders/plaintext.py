"""Plain text, and every file whose suffix says nothing but whose bytes are text."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ...types import Document
from ..decoding import decode
from ..metadata import path_metadata
from ..protocol import LARGEST_FILE
from ..scan import SourceFile


class PlainText:
    """The text as it stands; the title is the file name without its suffix."""

    suffixes = (".txt", ".text", ".log")
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document]:
        """Yield one Document."""
        yield Document(
            text=decode(data), title=stem(file), source=file.path, metadata=path_metadata(file)
        )


def stem(file: SourceFile) -> str:
    """Return the file name without its suffix, the title of last resort."""
    return posixpath.splitext(posixpath.basename(file.relative))[0]
