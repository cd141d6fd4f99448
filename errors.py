"""Every error Suffice raises on purpose, as one tree.

SufficeError
├── InputError            what the caller gave cannot be used (also a ValueError)
│   ├── QuestionError     an empty question, or one too long to be a question
│   ├── FilterError       a `where` with an unknown field, operator or value type
│   ├── SettingsError     suffice.toml, SUFFICE_* or an argument does not make sense
│   └── PromptError       a prompt file lacks a placeholder, or has one nobody fills
├── IngestError           one document could not be read; the others went in
├── StoreError            the vector store refused, or cannot be used
│   ├── StoreMissing      there is no corpus at that place
│   ├── StoreLocked       another process holds the folder
│   ├── StoreMismatch     built by another embedder, or by a newer version
│   └── StoreUnavailable  the disk is full, the folder read-only, the server away
├── ModelError            an embedder, reranker or language model cannot be used
│   ├── WeightsError      no weights, or weights that are not the pinned ones
│   ├── ProviderMissing   the provider's package is not installed, or the name is unknown
│   ├── CallFailed        a call was made and failed (an outage, never an absence)
│   │   └── ReplyInvalid  the reply could not be parsed, twice
│   └── CallRefused       the provider said no: key, quota of the account, bad request
└── BudgetExceeded        the next step would cost more than what is left

A message says what was tried, what was found, and what to do about it.
"""

from typing import Any


class SufficeError(Exception):
    """Anything Suffice raises on purpose.

    `usage` is what a model call took before it failed (a `Usage`), or None.
    """

    usage: Any = None


class InputError(SufficeError, ValueError):
    """What the caller gave cannot be used; nothing was changed."""


class QuestionError(InputError):
    """The question is empty or too long."""


class FilterError(InputError):
    """A `where` names an unknown field or operator, or a value of the wrong type."""


class SettingsError(InputError):
    """A setting is unknown, or its value does not make sense."""


class PromptError(InputError):
    """A prompt file lacks a placeholder that is filled, or has one that is not."""


class IngestError(SufficeError):
    """One document could not be read. `source` names it; the others went in."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class StoreError(SufficeError):
    """The vector store refused an operation, or cannot be used."""


class StoreMissing(StoreError):
    """There is no corpus at the place that was named."""


class StoreLocked(StoreError):
    """Another process holds the corpus folder."""


class StoreMismatch(StoreError):
    """The corpus was built by another embedder, or by a newer version of Suffice."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written: disk full, read-only, server away."""


class ModelError(SufficeError):
    """An embedder, a reranker or a language model cannot be used."""


class WeightsError(ModelError):
    """Model weights are missing, or are not the pinned ones."""


class ProviderMissing(ModelError):
    """The provider is unknown, or its package is not installed."""


class CallFailed(ModelError):
    """A call was made and failed: an outage, never an absence of evidence."""


class ReplyInvalid(CallFailed):
    """The reply could not be parsed, nor could the one asked for after it."""


class CallRefused(ModelError):
    """The provider refused the call: wrong key, no rights, or a bad request.

    `status` is the HTTP status, where there was one.
    """

    status: int | None = None


class BudgetExceeded(SufficeError):
    """The next step would cost more than is left. `limit` names which: rounds, usd, …"""

    def __init__(self, limit: str, message: str = "") -> None:
        super().__init__(message or f"the budget for {limit} is used up")
        self.limit = limit
