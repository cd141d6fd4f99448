"""A reasoner without a language model: it splits, follows mentions, and quotes."""

from .reasoner import ExtractiveReasoner

__all__ = ["ExtractiveReasoner"]
