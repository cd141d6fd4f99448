"""How near the evidence comes to a question in meaning, compared word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays import product
from ...embed.protocol import Tokens
from ...types import Passage
from ..extractive.question import Part
from ..extractive.sentences import Unit, units
from ..extractive.words import STOP, stem, words_of

WINDOW = 900
"""Characters of a passage that are read at once; more would be cut off by the model."""

TITLE = 0.95
"""What a likeness to the title counts for beside one to the piece itself."""

QUESTION_WORDS = words_of("who whom whose what which when where why how")
ASKING = 0.3
"""What the question word counts for beside a word of content."""

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Meaning:
    """The evidence against the Q word pieces of the question that mean something.

    U are the quotable pieces, N the passages read, B those of the background. `words` (U, Q)
    is the best cosine of a piece's words to each, `whole` (N, Q) that of a passage's, `usual`
    (B, Q) that of the background's. `names` and `asking` (Q,) mark the word pieces of names and
    of the question word. `passages` (N,), `background` (B,) and `pieces` (U,) are cosines of
    whole texts to the question, `relation` (U,) to what it asks without its names; `vectors`
    (U, dimensions) are those of the pieces.
    """

    words: Array
    whole: Array
    usual: Array
    names: Marks
    asking: Marks
    passages: Array
    background: Array
    pieces: Array
    relation: Array
    vectors: Array

    @property
    def weights(self) -> Array:
        """What each word piece counts for: little where any passage has the like. Sum 1."""
        weights = np.where(self.asking, ASKING, 1.0)
        if len(self.usual):
            weights = weights * np.clip(1.15 - self.usual.mean(axis=0), 0.1, 1.0)
        return np.asarray(weights / weights.sum())


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a passage under its title: where `text` stands, and how long the title is."""

    passage: int
    text: str
    shift: int
    title: int


def windows(passage: Passage, index: int) -> list[Window]:
    """Cut a passage into stretches of whole pieces that a model can read at once."""
    title = " ".join((passage.title, *passage.headings)).strip()[:160]
    head = f"{title}\n" if title else ""
    cuts: list[list[int]] = []
    for unit in units(passage, index):
        if cuts and unit.end - cuts[-1][0] <= WINDOW:
            cuts[-1][1] = unit.end
        else:
            cuts.append([unit.start, unit.end])
    spans = cuts or [[0, min(WINDOW, len(passage.text))]]
    return [
        Window(index, head + passage.text[start:end], start - len(head), len(head))
        for start, end in spans
    ]


@dataclass(frozen=True)
class Asked:
    """The question's own word pieces: states (Q, dimensions) of length 1, and what they are."""

    states: Array
    names: Marks
    asking: Marks
    vector: Array
    relation: Array


def read_asked(part: Part, tokens: Tokens, relation: Tokens) -> Asked:
    """Keep the word pieces that mean something; `relation` is the part without its names."""
    named = {t.stem for t in part.terms if t.name >= 0}
    spoken = _words_at(part.text, tokens)
    kept = [i for i, w in enumerate(spoken) if w and (w.lower() not in STOP or _asks(w))]
    kept = kept or [i for i, w in enumerate(spoken) if w] or [0]
    return Asked(
        states=_of_length_one(tokens.states)[kept],
        names=np.array([stem(spoken[i]) in named for i in kept], dtype=np.bool_),
        asking=np.array([_asks(spoken[i]) for i in kept], dtype=np.bool_),
        vector=_mean(tokens.states),
        relation=_mean(relation.states),
    )


def compare(
    asked: Asked,
    read: Sequence[tuple[Window, Tokens]],
    background: Sequence[Tokens],
    found: Sequence[Unit],
    count: int,
) -> Meaning:
    """Compare the question with the windows of `count` passages and their pieces."""
    size = len(asked.states)
    words, whole = np.zeros((len(found), size)), np.zeros((count, size))
    passages, vectors = np.zeros(count), np.zeros((len(found), len(asked.vector)))
    for window, tokens in read:
        near, i = product(_of_length_one(tokens.states), asked.states), window.passage
        titled = tokens.places[:, 1] <= window.title
        title = TITLE * near[titled].max(axis=0) if window.title else np.zeros(size)
        whole[i] = np.maximum(whole[i], near.max(axis=0))
        passages[i] = max(passages[i], float(_mean(tokens.states) @ asked.vector))
        for row, mine in _pieces_in(window, tokens, found):
            words[row] = np.maximum(near[mine].max(axis=0), title)
            vectors[row] = _mean(tokens.states[mine])
    far = [product(_of_length_one(t.states), asked.states).max(axis=0) for t in background]
    return Meaning(
        words=words,
        whole=whole,
        usual=np.array(far, dtype=np.float64).reshape(len(far), size),
        names=asked.names,
        asking=asked.asking,
        passages=passages,
        background=np.array([float(_mean(t.states) @ asked.vector) for t in background]),
        pieces=vectors @ asked.vector,
        relation=vectors @ asked.relation,
        vectors=vectors,
    )


def _pieces_in(
    window: Window, tokens: Tokens, found: Sequence[Unit]
) -> list[tuple[int, NDArray[np.intp]]]:
    """The quotable pieces that a window holds, each with the places of its tokens."""
    middle = tokens.places.mean(axis=1) + window.shift
    own = (tokens.places[:, 1] > tokens.places[:, 0]) & (tokens.places[:, 0] >= window.title)
    held = []
    for row, unit in enumerate(found):
        if unit.passage == window.passage:
            mine = np.flatnonzero(own & (middle >= unit.start) & (middle < unit.end))
            if len(mine):
                held.append((row, mine))
    return held


def _asks(word: str) -> bool:
    return word.lower() in QUESTION_WORDS


def _words_at(text: str, tokens: Tokens) -> list[str]:
    """The whole word that each word piece stands in, "" for none."""
    found = []
    for start, end in tokens.places.tolist():
        if end <= start or not text[start:end].strip().isalnum():
            found.append("")
            continue
        while start > 0 and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
        found.append(text[start:end])
    return found


def _of_length_one(states: NDArray[np.float32]) -> Array:
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True), dtype=np.float64)


def _mean(states: NDArray[np.float32]) -> Array:
    mean = states.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / np.linalg.norm(mean))
