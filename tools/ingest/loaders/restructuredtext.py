"""reStructuredText, as it stands."""

from __future__ import annotations

from collections.abc import Iterator

from ...types import Document
from ..decoding import decode
from ..metadata import path_metadata
from ..outline import rst_headings
from ..protocol import LARGEST_FILE
from ..scan import SourceFile
from .plaintext import stem


class ReStructuredText:
    """The text as it stands; the title is its first section title."""

    suffixes = (".rst", ".rest")
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document]:
        """Yield one Document."""
        text = decode(data)
        first = next(iter(rst_headings(text)), None)
        yield Document(
            text=text,
            title=first.title if first else stem(file),
            source=file.path,
            metadata=path_metadata(file),
        )
