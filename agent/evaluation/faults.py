"""What is wrong with an outcome, in two words."""

from __future__ import annotations

from .outcome import Outcome
from .questions import EvalQuestion


def fault(question: EvalQuestion, outcome: Outcome) -> str:
    """Say what is wrong with an outcome; "" where nothing is, or nobody knows."""
    if outcome.status == "failed":
        return "broken off"
    if outcome.given:
        return "wrong answer" if outcome.right is False else ""
    return "needless refusal" if question.answerable else ""


def state(question: EvalQuestion, outcome: Outcome) -> str:
    """Say what came of a question: its fault, or what went well."""
    if found := fault(question, outcome):
        return found
    if outcome.refused:
        return "rightly refused"
    return "answered" if outcome.right is None else "right answer"
