"""Suffice searches your documents until the evidence suffices, and says so when it does not.

from suffice import Agent, Corpus

corpus = Corpus.open("notes")
corpus.add("handbook/")
answer = Agent(corpus).ask("Who signs off night berthing for tankers?")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .agent.corpus import Corpus as Corpus
    from .agent.sdk import Agent as Agent
    from .agent.settings import Settings as Settings
    from .errors import BudgetExceeded as BudgetExceeded
    from .errors import CallFailed as CallFailed
    from .errors import CallRefused as CallRefused
    from .errors import FilterError as FilterError
    from .errors import IngestError as IngestError
    from .errors import InputError as InputError
    from .errors import ModelError as ModelError
    from .errors import PromptError as PromptError
    from .errors import ProviderMissing as ProviderMissing
    from .errors import QuestionError as QuestionError
    from .errors import ReplyInvalid as ReplyInvalid
    from .errors import SettingsError as SettingsError
    from .errors import StoreError as StoreError
    from .errors import StoreLocked as StoreLocked
    from .errors import StoreMismatch as StoreMismatch
    from .errors import StoreMissing as StoreMissing
    from .errors import StoreUnavailable as StoreUnavailable
    from .errors import SufficeError as SufficeError
    from .errors import WeightsError as WeightsError
    from .tools.types import AddReport as AddReport
    from .tools.types import Answer as Answer
    from .tools.types import Budget as Budget
    from .tools.types import Citation as Citation
    from .tools.types import Claim as Claim
    from .tools.types import Document as Document
    from .tools.types import Passage as Passage
    from .tools.types import Query as Query
    from .tools.types import Usage as Usage

# Loaded when first used: importing suffice stays instant.
_HOMES = {
    "agent.corpus": ["Corpus"],
    "agent.sdk": ["Agent"],
    "agent.settings": ["Settings"],
    "errors": [
        "BudgetExceeded",
        "CallFailed",
        "CallRefused",
        "FilterError",
        "IngestError",
        "InputError",
        "ModelError",
        "PromptError",
        "ProviderMissing",
        "QuestionError",
        "ReplyInvalid",
        "SettingsError",
        "StoreError",
        "StoreLocked",
        "StoreMismatch",
        "StoreMissing",
        "StoreUnavailable",
        "SufficeError",
        "WeightsError",
    ],
    "tools.types": [
        "AddReport",
        "Answer",
        "Budget",
        "Citation",
        "Claim",
        "Document",
        "Passage",
        "Query",
        "Usage",
    ],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604 - names only


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
