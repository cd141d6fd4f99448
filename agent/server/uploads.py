"""Uploaded files to Documents: by the same loaders that read a folder.

An upload is known by its cleaned name: sent again, it replaces what it brought before.
Nothing of it stays on disk but what the corpus stores.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...errors import IngestError
from ...tools.ingest.load import load_bytes
from ...tools.ingest.scan import SourceFile
from ...tools.types import Document, Failure
from .rights import Caller

PREFIX = "upload:"
LONGEST_NAME = 120

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_UNFIT = re.compile(r'[\\/:*?"<>|]')


def clean_name(name: str) -> str:
    """Return the name of an upload without folders and without signs that deceive.

    Controls and signs that turn the direction of writing are dropped; signs that some file
    system forbids become "_". What begins with a dot, or is the name of a device, gets one
    before it. "" becomes "unnamed".
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    plain = " ".join(_UNFIT.sub("_", shown).split()).rstrip(". ")
    if plain.startswith(".") or _RESERVED.fullmatch(plain):
        plain = f"_{plain}"
    if len(plain) > LONGEST_NAME:
        stem, dot, suffix = plain.rpartition(".")
        end = f"{dot}{suffix}"[-16:] if stem else ""
        plain = plain[: LONGEST_NAME - len(end)] + end
    return plain or "unnamed"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was in some uploads: Documents to add, and what could not be read.

    `whole` are the sources of the files that were read without any trouble.
    """

    documents: tuple[Document, ...]
    failed: tuple[Failure, ...]
    whole: frozenset[str]


def take(files: Iterable[tuple[str, bytes]], caller: Caller) -> Taken:
    """Read uploads, given as names and bytes; a bad one is told of, and the others go in."""
    documents: list[Document] = []
    failed: list[Failure] = []
    whole: set[str] = set()
    for name, data in files:
        source = PREFIX + clean_name(name)
        read = list(_read(source, data))
        bad = [one for one in read if isinstance(one, Failure)]
        failed += bad
        documents += [_own(one, caller) for one in read if isinstance(one, Document)]
        if not bad:
            whole.add(source)
    return Taken(tuple(documents), tuple(failed), frozenset(whole))


def _read(source: str, data: bytes) -> Iterator[Document | Failure]:
    name = source.removeprefix(PREFIX)
    found = False
    try:
        for loaded in load_bytes(SourceFile(source, name, source, len(data), named=True), data):
            found = True
            yield loaded.document
    except IngestError as error:
        found = True
        yield Failure(source=source, reason=error.reason)
    if not found:
        yield Failure(source=source, reason="is empty")


def _own(document: Document, caller: Caller) -> Document:
    digest = hashlib.sha256(document.id.encode("utf-8", "surrogatepass")).hexdigest()
    marked = document.model_copy(update={"id": id_prefix(caller) + digest[:16]})
    return caller.stamped(marked)


def id_prefix(caller: Caller) -> str:
    """Return how the ids of uploads begin of all callers who see what this one sees.

    So an upload never replaces what its sender cannot see, whatever its name.
    """
    return f"upload-{caller.view}-" if caller.view else "upload-"
