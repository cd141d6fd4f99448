"""Holds an answer against what is known: exact match and F1 by SQuAD's rules, gold in a quote.

SQuAD's rules (Rajpurkar et al., 2016): small letters, no punctuation, no articles; the
best of the spellings counts. What is compared is the short answer where there is one.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from .outcome import Outcome, first_ranks
from .questions import EvalQuestion

LONG = 80
"""Characters from which a gold answer is a text, of which an answer may tell a part."""

TOLD = 0.6
"""The share of quoted words that must be words of a long gold answer for it to be told."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(r"\s*\[\d+\]")


def marked(question: EvalQuestion, outcome: Outcome) -> Outcome:
    """Return the outcome with the ranks of the question's gold, and whether it is right."""
    return outcome.model_copy(
        update={
            "question_id": question.id,
            "gold_ranks": first_ranks(question.gold, outcome.ranked),
            "right": is_right(question, outcome),
        }
    )


def is_right(question: EvalQuestion, outcome: Outcome) -> bool | None:
    """Tell whether the answer given is right; None where none was given, or nobody knows.

    Any answer to a question that cannot be answered is wrong. Otherwise a model's word
    counts where one was asked. Without it, a gold answer must stand in the answer or its
    quotes; a yes or no must lead the answer.
    """
    if not outcome.given:
        return None
    if not question.answerable:
        return False
    if outcome.judged is not None:
        return outcome.judged
    if not question.answers:
        return None
    truth = _yes_or_no(question)
    if truth:
        return folded(outcome.text).split(" ")[0] == truth
    said = folded(" | ".join((outcome.text, *(c.quote for c in outcome.citations))))
    return any(_stands_in(gold, said) for gold in question.answers) or gold_in_quote(
        question, outcome
    )


def gold_in_quote(question: EvalQuestion, outcome: Outcome) -> bool:
    """Tell whether a gold answer stands in what is quoted.

    Of a gold answer of sentences, most of what is quoted must be its words.
    """
    quoted = folded(" | ".join(citation.quote for citation in outcome.citations))
    return any(_stands_in(gold, quoted) or _told(gold, quoted) for gold in question.answers)


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """Return 1 where the answer is one of the golds after SQuAD's normalisation, else 0."""
    return float(any(normalised(answer) == normalised(gold) for gold in golds))


def f1(answer: str, golds: Sequence[str]) -> float:
    """Return the best harmonic mean of the precision and recall of words, 0 to 1."""
    return max((_f1(normalised(answer).split(), normalised(g).split()) for g in golds), default=0.0)


def normalised(text: str) -> str:
    """Return a text as SQuAD compares it."""
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def short_answer(text: str) -> str:
    """Return the span that answers shortly, where an answer has one; else all it says."""
    lead, parted, rest = text.partition("\n\n")
    if parted and rest and "\n" not in lead:
        return lead.strip()
    return _NUMBER.sub("", text).strip()


def folded(text: str) -> str:
    """Return a text in small letters, without accents and marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", " ", letters).strip()


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    shared = sum((Counter(said) & Counter(gold)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(said), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def _yes_or_no(question: EvalQuestion) -> str:
    first = folded(question.answers[0])
    return first if first in ("yes", "no") else ""


def _stands_in(gold: str, text: str) -> bool:
    wanted = folded(gold)
    return bool(wanted) and f" {wanted} " in f" {text} "


def _told(gold: str, quoted: str) -> bool:
    wanted, words = folded(gold), quoted.split()
    if len(wanted) < LONG or not words:
        return False
    theirs = set(wanted.split())
    return sum(word in theirs for word in words) >= TOLD * len(words)
