"""How near the evidence comes to a question in meaning, compared word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays import product
from ...embed.protocol import Tokens
from ...types import Passage
from .question import Part
from .sentences import Unit, units
from .tables import spoken
from .words import STOP, stem, words_of

WINDOW = 900
"""Characters of a passage that are read at once; more would be cut off by the model."""

TITLE = 0.95
"""What a likeness to the title counts for beside one to the piece itself."""

QUESTION_WORDS = words_of("who whom whose what which when where why how")
ASKING = 0.3
"""What the question word counts for beside a word of content."""

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]

_RULE = re.compile(r"^[\s:|=+-]*[-=]{2,}[\s:|=+-]*$", re.MULTILINE)


@dataclass(frozen=True)
class Meaning:
    """Pieces of the evidence against the Q word pieces of the question that mean something.

    U are the quotable pieces, N the passages read, B those of the background. `words` (U, Q)
    is the best cosine of a piece's words to each, `whole` (N, Q) that of a passage's, `usual`
    (B, Q) that of the background's. `names` and `asking` (Q,) mark the word pieces of names and
    of the question word. `passages` (N,), `background` (B,) and `pieces` (U,) are cosines of
    whole texts to the question, `relation` (U,) to what it asks without its names; `vectors`
    (U, dimensions) are those of the pieces, each as its passage makes it mean.
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
    vectors: NDArray[np.float32]

    @property
    def weights(self) -> Array:
        """What each word piece counts for: little where any passage has the like. Sum 1."""
        weights = np.where(self.asking, ASKING, 1.0)
        if len(self.usual):
            weights = weights * np.clip(1.15 - self.usual.mean(axis=0), 0.1, 1.0)
        return np.asarray(weights / weights.sum())

    @property
    def content(self) -> Marks:
        """The word pieces that are no question word; all where the question has no other."""
        return ~self.asking if not self.asking.all() else np.ones_like(self.asking)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a passage under its title, as it is read; `title` is the length of that.

    `pieces` are the quotable pieces in it: which of the passage's, and where it stands in
    `text`. The row of a table stands as a sentence. The same text may be another window of
    another passage, with other pieces.
    """

    text: str
    title: int
    pieces: tuple[tuple[int, int, int], ...]


def windows(passage: Passage) -> list[Window]:
    """Cut a passage into stretches of whole pieces that a model can read at once."""
    title = " ".join((passage.title, *passage.headings)).strip()[:160]
    head = f"{title}\n" if title else ""
    found = units(passage, 0)
    if not found:
        text = head + passage.text[:WINDOW]
        return [Window(text, len(head), ())] if text.strip() else []
    made: list[Window] = []
    for stretch in _stretches(passage.text, found):
        text, pieces = head, []
        for unit, said, between in stretch:
            text += between
            pieces.append((unit.order, len(text), len(text) + len(said)))
            text += said
        made.append(Window(text, len(head), tuple(pieces)))
    return made


_Said = tuple[Unit, str, str]


def _stretches(text: str, found: Sequence[Unit]) -> list[list[_Said]]:
    """The pieces with how each reads and what stands before it, as many as go together."""
    cuts: list[list[_Said]] = []
    size, last = 0, 0
    for unit in found:
        said = spoken(unit) if unit.kind == "row" else unit.text
        between = _RULE.sub("", text[last : unit.start])[-200:]
        last = unit.end
        if not cuts or size + len(between) + len(said) > WINDOW:
            cuts.append([])
            size, between = 0, between.lstrip()
        cuts[-1].append((unit, said, between))
        size += len(between) + len(said)
    return cuts


@dataclass(frozen=True)
class Read:
    """A window after reading: `states` (T, D) of length 1, the first `title` of them its title's.

    `pieces` gives for each quotable piece which it is and where its states begin and end;
    `vectors` (one each, D) and `vector` (D,) are the means.
    """

    states: NDArray[np.float32]
    title: int
    pieces: tuple[tuple[int, int, int], ...]
    vectors: NDArray[np.float32]
    vector: NDArray[np.float32]


def read(window: Window, tokens: Tokens) -> Read:
    """Keep of a window's word pieces what is compared; of no pieces at all, nothing is like."""
    if not len(tokens.places):
        tokens = Tokens(
            np.zeros((1, tokens.states.shape[1]), np.float32), np.zeros((1, 2), np.int32)
        )
    starts, ends = tokens.places[:, 0], tokens.places[:, 1]
    real = np.flatnonzero(ends > starts)
    if not len(real):
        real = np.arange(len(starts))  # marks alone, of an empty text
    orders, begin, stop = np.array(window.pieces, dtype=np.intp).reshape(-1, 3).T
    first = real[0] + np.searchsorted(starts[real], begin)
    last = real[0] + np.searchsorted(starts[real], stop)
    held = last > first  # what the model cut off has none
    # Which states each piece holds, and last of all every one: the sums are one product.
    at = np.arange(len(starts))
    holds = (at >= first[held, None]) & (at < last[held, None])
    sums = product(np.vstack([holds, np.ones_like(at)]).astype(np.float32), tokens.states.T)
    means = _of_length_one(sums)
    return Read(
        states=_of_length_one(tokens.states),
        title=int(real[0] + np.searchsorted(ends[real], window.title, side="right"))
        if window.title
        else 0,
        pieces=tuple(
            zip(orders[held].tolist(), first[held].tolist(), last[held].tolist(), strict=True)
        ),
        vectors=means[:-1],
        vector=means[-1],
    )


@dataclass(frozen=True)
class Asked:
    """The question's own word pieces: states (Q, dimensions) of length 1, and what they are."""

    states: NDArray[np.float32]
    names: Marks
    asking: Marks
    vector: NDArray[np.float32]
    relation: NDArray[np.float32]


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
    near: Sequence[tuple[int, Read]],
    background: Sequence[Read],
    rows: dict[tuple[int, int], int],
    count: int,
) -> Meaning:
    """Compare the question with what was read of `count` passages.

    `near` gives each window with its passage, and `rows` the row of each piece, by its passage
    and its order in it.
    """
    size, half = len(asked.states), len(asked.vector)
    words, whole = np.zeros((len(rows), size)), np.zeros((count, size))
    passages, vectors = np.zeros(count), np.zeros((len(rows), half), dtype=np.float32)
    for i, window in near:
        cosines = product(window.states, asked.states)
        title = TITLE * cosines[: window.title].max(axis=0) if window.title else np.zeros(size)
        whole[i] = np.maximum(whole[i], cosines.max(axis=0))
        passages[i] = max(passages[i], float(window.vector @ asked.vector))
        for (order, start, end), vector in zip(window.pieces, window.vectors, strict=True):
            row = rows[i, order]
            words[row] = np.maximum(cosines[start:end].max(axis=0), title)
            vectors[row] = vector
    far = [product(one.states, asked.states).max(axis=0) for one in background]
    both = product(vectors, np.stack([asked.vector, asked.relation])).astype(np.float64)
    return Meaning(
        words=words,
        whole=whole,
        usual=np.array(far, dtype=np.float64).reshape(len(far), size),
        names=asked.names,
        asking=asked.asking,
        passages=passages,
        background=np.array([float(one.vector @ asked.vector) for one in background]),
        pieces=both[:, 0],
        relation=both[:, 1],
        vectors=vectors,
    )


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


def _of_length_one(states: NDArray[np.floating]) -> NDArray[np.float32]:
    length = np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-9)
    return np.asarray(states / length, dtype=np.float32)


def _mean(states: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = _of_length_one(states.mean(axis=0, keepdims=True))[0]
    return mean
