"""Chooses what thinks: a language model where one is set or keyed, else none."""

from __future__ import annotations

from collections.abc import Callable

from ..tools.cache import Cache, CachedModel
from ..tools.embed.protocol import Embedder
from ..tools.llm import default_model, open_model
from ..tools.llm.protocol import LanguageModel
from ..tools.reason.protocol import Reasoner
from .settings import Settings

NONE = "none"


def chosen_models(settings: Settings) -> tuple[str, str, str]:
    """Return the provider strings of the small model and the writer, and why these.

    Without a key and with nothing configured both are "none": the extractive reasoner.
    """
    small, why = settings.small, f"small = {settings.small!r}, {settings.origin('small')}"
    if small == "auto":
        small, reason = default_model()
        why += f": {reason}"
    return small, settings.writer or small, why


def open_reasoner(
    settings: Settings, embedder: Embedder | None, cache: Cache | None = None
) -> Reasoner:
    """Return the reasoner that the settings and the keys in the environment call for.

    Raises:
        ProviderMissing, SettingsError: a model is unknown, or needs a key and has none.
        PromptError: a prompt of one's own does not fit.
    """
    small, writer, _ = chosen_models(settings)
    if small == NONE and writer == NONE:
        from ..tools.reason.extractive import ExtractiveReasoner

        return ExtractiveReasoner(embedder)

    from ..tools.reason.llm import LlmReasoner

    model = _opener(settings, cache)
    # A writer alone also plans and judges: some model has to.
    planner = model(small if small != NONE else writer)
    return LlmReasoner(
        planner,
        model(writer) if writer not in (NONE, small) and small != NONE else None,
        prompts=settings.prompts,
        second_opinion=settings.second_opinion,
    )


def _opener(settings: Settings, cache: Cache | None) -> Callable[[str], LanguageModel]:
    def opened(name: str) -> LanguageModel:
        model = open_model(name, prices=settings.prices)
        if model is None:
            raise ValueError(f"{name} is no language model")
        return CachedModel(model, cache) if cache is not None else model

    return opened
