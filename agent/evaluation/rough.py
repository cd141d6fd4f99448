"""Questions made by rule: a sentence whose telling span is asked for.

They read like what they are, and most take one look to mend: `rough` says so. A question
without an answer names a thing of one document where another's was named, and is kept
only if no passage speaks of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...tools.reason.extractive.sentences import units
from ...tools.trail.names import mentioned, words
from ...tools.types import Passage
from .questions import EvalQuestion

SHORTEST, LONGEST = 5, 28
"""Words of a sentence that is asked about."""

_MARKS = re.compile(r"[*_`]+|^\s*(?:[-*+•]|\d+[.)])\s+")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_SPANS = (
    (re.compile(rf"\b(?:on |in |since )?(\d{{1,2}} (?:{_MONTH}) \d{{4}})\b"), "when"),
    (re.compile(rf"\b(?:in |since )((?:{_MONTH}) \d{{4}}|\d{{4}})\b"), "when"),
    (re.compile(r"\bat (\d{1,2}[:.]?\d{2}(?: hours| h)?)\b"), "at what time"),
    (re.compile(r"([€$£]\s?\d[\d,.]*\d|[€$£]\s?\d)"), "how much"),
    (re.compile(r"\b(\d[\d,.]*\d|\d)\s?%"), "what percentage"),
    (re.compile(r"\b(\d[\d,.]*\d|\d)(?= [a-z]{1,14}\b)"), "how many"),
    (re.compile(r"(?<=[a-z,] )((?:[A-Z][\w’'-]+ ){1,3}[A-Z][\w’'-]+)"), "who or what"),
)
"""What is asked for, the tellingest first, and the words that ask for it."""


def rough_answerable(passages: Sequence[Passage], count: int) -> list[EvalQuestion]:
    """Return up to `count` questions, one a passage, each with its answer in the sentence."""
    found: list[EvalQuestion] = []
    for passage in passages:
        if len(found) == count:
            break
        question = next(_questions(passage), None)
        if question is not None:
            found.append(question)
    return found


def rough_unanswerable(passages: Sequence[Passage], count: int) -> list[EvalQuestion]:
    """Return up to `count` questions that name another document's thing, and none answers."""
    texts = [" ".join(words(f"{p.title} {' '.join(p.headings)} {p.text}")) for p in passages]
    names = _names(passages)
    found: list[EvalQuestion] = []
    for place, passage in enumerate(passages):
        if len(found) == count:
            break
        swapped = next(_swapped(passage, names[place + 1 :] + names[:place], texts), None)
        if swapped is not None:
            found.append(swapped)
    return found


def _questions(passage: Passage) -> Iterator[EvalQuestion]:
    """Yield questions from the sentences of a passage, in their order."""
    for unit in units(passage, 0):
        sentence = _plain(unit.text)
        if unit.kind == "heading" or not SHORTEST <= len(sentence.split()) <= LONGEST:
            continue
        for pattern, asking in _SPANS:
            match = pattern.search(sentence)
            if match is None:
                continue
            yield EvalQuestion(
                question=_asked(passage, sentence, match, asking),
                answers=(match[1],),
                gold=(passage.document_id,),
                type="single-hop",
                rough=True,
            )
            break


def _asked(passage: Passage, sentence: str, match: re.Match[str], asking: str) -> str:
    """Put the asking words where the answer stood, and say what the talk is of."""
    start = match.start() if asking == "when" else match.start(1)
    start = match.start() if asking == "at what time" else start
    end = match.end() if asking == "what percentage" else match.end(1)
    asked = f"{sentence[:start]}{asking}{sentence[end:]}".rstrip(" .;:!")
    about = passage.headings[-1] if passage.headings else passage.title
    return f"{about}: {asked}?" if about else f"{asked[:1].upper()}{asked[1:]}?"


def _swapped(
    passage: Passage, names: Sequence[tuple[str, str]], texts: Sequence[str]
) -> Iterator[EvalQuestion]:
    """Yield questions of a passage in which a name is another document's."""
    for question in _questions(passage):
        own = _written_name(question.question)
        if own is None:
            continue
        rest = {w for w in words(question.question.replace(own, " ")) if len(w) > 4}
        for name, document in names:
            key = " ".join(words(name))
            alone = document != passage.document_id and name not in question.question
            if alone and not _told_together(key, rest, texts):
                yield EvalQuestion(
                    question=question.question.replace(own, name),
                    answerable=False,
                    type="unanswerable",
                    rough=True,
                )
                break


def _told_together(name: str, rest: set[str], texts: Sequence[str]) -> bool:
    """Tell whether a passage speaks of `name` and of most that is asked about it."""
    return any(
        f" {name} " in f" {text} " and sum(word in text for word in rest) > len(rest) / 2
        for text in texts
    )


def _names(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """Return names that the passages mention, as they are written, with their documents."""
    found: dict[str, str] = {}
    for passage in passages:
        for unit in units(passage, 0):
            name = _written_name(_plain(unit.text))
            if name is not None and unit.kind != "heading":
                found.setdefault(name, passage.document_id)
    return list(found.items())


def _written_name(text: str) -> str | None:
    """Return the first name of several words in a text that is no beginning of a sentence."""
    known = {key for key in mentioned(text) if " " in key}
    for match in re.finditer(r"(?<=[a-z,] )(?:[A-Z][\w’'-]+ )+[A-Z][\w’'-]+", text):
        if " ".join(words(match[0])) in known:
            return match[0]
    return None


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub("", text).split())
