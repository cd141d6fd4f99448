"""Chooses what thinks: a language model where one is set or keyed, else none."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import SettingsError
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
    from ..tools.reason.sufficiency.estimate import Sufficiency

    model = model_opener(settings, cache)
    # A writer alone also plans and judges: some model has to.
    planner = model(small if small != NONE else writer)
    return LlmReasoner(
        planner,
        model(writer) if writer not in (NONE, small) and small != NONE else None,
        prompts=settings.prompts,
        second_opinion=settings.second_opinion,
        sufficiency=Sufficiency(embedder),
    )


def model_opener(settings: Settings, cache: Cache | None = None) -> Callable[[str], LanguageModel]:
    """Return what opens a model by its provider string; "" is the small one."""

    def opened(name: str) -> LanguageModel:
        name = name or chosen_models(settings)[0]
        model = open_model(name, prices=settings.prices)
        if model is None:
            raise SettingsError(
                'a language model is needed and none is set; set small = "openai:MODEL", '
                "or a key of OpenAI or Anthropic in the environment"
            )
        return CachedModel(model, cache) if cache is not None else model

    return opened
