"""Ids that would collide: the passages of one document with another document."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..store.protocol import DocumentRecord

_NUMBERED = re.compile(r"(.+)#\d+", re.S)


class PassageIds:
    """Knows which documents have numbered passages (`d#2`), and which are called like one."""

    def __init__(self, stored: Iterable[DocumentRecord] = ()) -> None:
        self._cut: set[str] = set()
        self._called: set[str] = set()
        for record in stored:
            self._note(record.document.id, record.passages)

    def take(self, document_id: str, passages: int) -> str:
        """Note a document with its number of passages; return why it cannot go in, or ""."""
        base = _base(document_id)
        if base in self._cut:
            return f"has the id {document_id!r}, which may be that of a passage of {base!r}"
        if passages > 1 and document_id in self._called:
            return f"has passages called {document_id}#1, #2 …, and a document is called so too"
        self._note(document_id, passages)
        return ""

    def _note(self, document_id: str, passages: int) -> None:
        base = _base(document_id)
        if base:
            self._called.add(base)
        if passages > 1:
            self._cut.add(document_id)


def _base(document_id: str) -> str:
    match = _NUMBERED.fullmatch(document_id)
    return match[1] if match else ""
