"""Which of two statements holds now: what passages say of their own age."""

from __future__ import annotations

import re
from functools import lru_cache

from ...types import Passage
from .values import Date, date_of

_DATE_FIELDS = ("effective", "valid_from", "date", "updated", "modified", "published", "year")
_OLD_STATUS = re.compile(
    r"supersed|obsolete|withdrawn|archiv|outdated|replaced|expired|deprecated|historic|retired",
    re.IGNORECASE,
)
_OLD_TEXT = re.compile(
    r"\b(?:this (?:document|page|circular|notice|policy|version|edition|memo|rule|tariff|list) "
    r"(?:is|has been|was) (?:now )?(?:superseded|withdrawn|replaced|obsolete|no longer)"
    r"|superseded by|has been replaced by|no longer (?:valid|in force|applies|apply|current)"
    r"|\(superseded\)|\[superseded\]|status: (?:superseded|withdrawn|obsolete)|out of date"
    r"|kept for (?:reference|the record))",
    re.IGNORECASE,
)


def is_superseded(passage: Passage) -> bool:
    """Say whether a passage, by its metadata or its own words, no longer holds."""
    status = passage.metadata.get("status")
    if isinstance(status, str) and _OLD_STATUS.search(status):
        return True
    if passage.metadata.get("superseded_by") or passage.metadata.get("superseded") is True:
        return True
    return bool(_old_text(passage.text)) or bool(_OLD_STATUS.search(passage.title))


@lru_cache(maxsize=4096)
def _old_text(text: str) -> bool:
    return bool(_OLD_TEXT.search(text[:600]))


def dated(passage: Passage) -> Date | None:
    """Return when a passage is from: by its metadata, else by a year in its title or path."""
    for field in _DATE_FIELDS:
        value = passage.metadata.get(field)
        found = date_of(str(value)) if value is not None else None
        if found:
            return found
    return date_of(passage.title) or date_of(passage.source.rsplit("/", 1)[-1])


def newer(one: Passage, other: Passage) -> bool | None:
    """Say whether `one` holds rather than `other`; None where it cannot be told."""
    old_one, old_other = is_superseded(one), is_superseded(other)
    if old_one != old_other:
        return old_other
    first, second = dated(one), dated(other)
    if first is None or second is None or first == second:
        return None
    return first > second
