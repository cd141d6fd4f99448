"""Which stored documents have gone from where they were added."""

from __future__ import annotations

import hashlib
import os
from glob import has_magic

from ..store.protocol import DocumentRecord
from .reading import Reading


def vanished(record: DocumentRecord, reading: Reading) -> bool:
    """Tell whether a document's file has gone from one of the roots that were read.

    Never so for what was given as a Document, for what could not be read this time, and
    for what merely was not looked at: a hidden file that had been named by itself.
    """
    source = record.document.source
    if not record.root or record.document.id in reading.seen:
        return False
    if any(_within(source, path) or _within(record.root, path) for path in reading.troubled):
        return False
    return source in reading.whole or any(
        _gone_from(root, record, source, reading) for root in reading.found.roots
    )


def _gone_from(root: str, record: DocumentRecord, source: str, reading: Reading) -> bool:
    if record.root == root:
        # A line of a JSON Lines file may name another source than the file it stands in, and
        # that file may be one that had trouble.
        return _is_file_of_its_own(record) or not any(_within(p, root) for p in reading.troubled)
    if _within(source, root):
        return not os.path.lexists(source)
    return (
        _within(record.root, root)
        and not has_magic(record.root)
        and not os.path.lexists(record.root)
    )


def _is_file_of_its_own(record: DocumentRecord) -> bool:
    source = record.document.source
    return record.document.id == hashlib.sha256(source.encode("utf-8")).hexdigest()[:16]


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
