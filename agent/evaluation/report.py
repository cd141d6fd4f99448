"""The report."""

from __future__ import annotations

from .summary import Summary


def to_html(summary: Summary) -> str:
    """Return the report."""
    return f"<!doctype html><title>{len(summary.questions)}</title>"
