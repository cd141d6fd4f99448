"""A follow-up made into a question that stands alone, by rules and without a model."""

from .rules import standalone

__all__ = ["standalone"]
