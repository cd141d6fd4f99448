"""Source code and configuration, as text."""

from __future__ import annotations

from collections.abc import Iterator

from ...types import Document
from ..decoding import decode
from ..metadata import path_metadata
from ..protocol import LARGEST_FILE
from ..scan import SourceFile

_SUFFIXES = (
    ".py .pyi .js .mjs .cjs .jsx .ts .tsx .java .kt .kts .scala .groovy .go .rs .c .h .cc .cpp "
    ".cxx .hpp .hh .cs .m .mm .swift .rb .php .pl .pm .lua .r .jl .dart .ex .exs .erl .hs .ml .clj "
    ".sh .bash .zsh .fish .ps1 .bat .sql .graphql .proto .toml .yaml .yml .json .jsonc .json5 .xml "
    ".ini .cfg .conf .properties .tf .hcl .css .scss .less .vue .svelte .cmake .mk .gradle "
    ".dockerfile .csv .tsv"
)
CODE_SUFFIXES = tuple(_SUFFIXES.split())


class SourceCode:
    """The text as it stands; the title is the path below the added folder."""

    suffixes = CODE_SUFFIXES
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document]:
        """Yield one Document."""
        yield Document(
            text=decode(data), title=file.relative, source=file.path, metadata=path_metadata(file)
        )
