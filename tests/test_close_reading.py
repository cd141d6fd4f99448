"""The best passages read word by word: how they are cut, what is compared, what is kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.testing import HashEmbedder
from suffice.tools.embed.protocol import Tokens
from suffice.tools.reason.extractive.assess import Reader, open_reader, weigh
from suffice.tools.reason.extractive.close import FIRST, FURTHER
from suffice.tools.reason.extractive.meaning import WINDOW, windows
from suffice.tools.reason.extractive.question import part
from suffice.tools.reason.extractive.sentences import units
from suffice.tools.reason.extractive.support import Sheet, read_units
from suffice.tools.reason.extractive.tables import spoken
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.store.protocol import Vector
from suffice.tools.types import Passage

MOST_WORDS = 300
"""Words that the fake reads of one text: like a real model, it cuts off what is too long."""


class WordEmbedder(HashEmbedder):
    """Shows one piece a word between two marks, and counts the texts it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    async def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        self.shown += texts
        return [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> Tokens:
        words = [*re.finditer(r"\w+", text)][:MOST_WORDS]
        places = [(0, 0), *((w.start(), w.end()) for w in words), (0, 0)]
        said = ["mark", *(w[0].lower() for w in words), "mark"]
        states = np.array([self._embed(word) for word in said], np.float32)
        return Tokens(states, np.array(places, np.int32))


class UnmarkedEmbedder(WordEmbedder):
    """One that sets no marks: an empty text has no pieces at all."""

    def _tokens(self, text: str) -> Tokens:
        found = super()._tokens(text)
        return Tokens(found.states[1:-1], found.places[1:-1])


def passage(text: str, title: str = "", score: float = 0.5, name: str = "p") -> Passage:
    return Passage(id=name, document_id=name, title=title, text=text, score=score)


def weighed(question: str, evidence: Sequence[Passage], reader: Reader | None) -> Sheet:
    return asyncio.run(weigh(part(question), evidence, read_units(evidence), reader))


SENTENCES = st.text(
    st.sampled_from("abc DEF 12 .\n|-#*>éß🙂"),
    max_size=1200,
)


@settings(max_examples=150, deadline=None)
@given(SENTENCES, st.text(st.sampled_from("Tug 7|#"), max_size=30))
def test_every_piece_stands_in_one_window_as_it_reads(text: str, title: str) -> None:
    cut = passage(text, title)
    found = [
        (order, window.text[start:end])
        for window in windows(cut)
        for order, start, end in window.pieces
    ]
    said = [(u.order, spoken(u) if u.kind == "row" else u.text) for u in units(cut, 0)]
    assert found == said
    longest = max((len(text) for _, text in said), default=0)
    for window in windows(cut):
        assert len(window.text) <= window.title + WINDOW + longest + 200


def test_the_row_of_a_table_reads_as_a_sentence_under_its_title() -> None:
    table = "| Code | Guest | Fee |\n|---|---|---|\n| K10 | Dog, small | £21 |"
    (window,) = windows(passage(table, "Prices"))
    assert window.text == "Prices\n| Code | Guest | Fee |\nCode: K10; Guest: Dog, small; Fee: £21"


def test_what_the_model_cuts_off_is_not_compared() -> None:
    text = f"{'a ' * (MOST_WORDS + 10)}. The pier was opened in 1911."
    made = weighed("When was the pier opened?", [passage(text)], reader())
    assert not made.near.all()
    assert np.isfinite(made.scores).all()


def reader() -> Reader:
    found = open_reader(WordEmbedder())
    assert found is not None
    return found


def test_the_same_passages_are_read_once() -> None:
    embedder = WordEmbedder()
    kept = open_reader(embedder)
    evidence = [passage(f"The pier of town {n} was opened in 19{n:02}.") for n in range(20)]
    first = weighed("When was the pier opened?", evidence, kept)
    seen = len(embedder.shown)
    again = weighed("When was the pier opened?", evidence, kept)
    assert len(embedder.shown) == seen
    assert np.array_equal(first.scores, again.scores)
    weighed("Who opened the pier?", evidence, kept)
    new = embedder.shown[seen:]
    assert new
    assert not any("town" in text for text in new)


PIER = "The pier, which is made of oak and is painted green every spring, was opened in 1911."
LONG = " ".join(f"The {n} crane of the yard lifts {n} tonnes at a reach of ten." for n in range(14))


@pytest.mark.parametrize(
    "texts",
    [
        [PIER, f"{LONG}\n\n{PIER}"],
        [f"{LONG}\n\n{PIER}", PIER],
        [f"{LONG}\n\n{LONG}\n\n{PIER}", f"{PIER}\n\n{LONG}"],
    ],
)
def test_the_same_words_in_two_passages_are_read_for_each(texts: list[str]) -> None:
    evidence = [passage(text, "Notes", name=str(n)) for n, text in enumerate(texts)]
    made = weighed("When was the pier opened?", evidence, reader())
    assert made.near.all()
    said = [made.similarity[row] for row, u in enumerate(made.units) if u.text.endswith("1911.")]
    assert min(said) == pytest.approx(max(said), abs=1e-6)


def test_a_passage_that_was_edited_is_read_like_a_new_one() -> None:
    kept = reader()
    for text in (
        f"{LONG}\n\n{PIER}",
        f"A new crane came. {LONG}\n\n{PIER}",
        PIER,
        f"{PIER}\n\n{LONG}",
    ):
        evidence = [passage(text, "Notes")]
        old = weighed("When was the pier opened?", evidence, kept)
        new = weighed("When was the pier opened?", evidence, reader())
        assert np.array_equal(old.scores, new.scores)
        assert old.near.all()


def test_the_same_title_and_text_cut_otherwise_is_another_text() -> None:
    kept = reader()
    for title, text in (("Pier", "Opened in 1911."), ("", "Pier\nOpened in 1911.")):
        evidence = [passage(text, title)]
        old = weighed("When was the pier opened?", evidence, kept)
        assert np.array_equal(
            old.scores, weighed("When was the pier opened?", evidence, reader()).scores
        )


@pytest.mark.parametrize("text", ["", " \n\t", "🙂", "|---|---|", "#"])
@pytest.mark.parametrize("marked", [True, False])
def test_empty_passages_are_weighed(text: str, marked: bool) -> None:
    embedder = WordEmbedder() if marked else UnmarkedEmbedder()
    evidence = [passage(text), passage("The pier was opened in 1911.", name="q")]
    made = weighed("When was the pier opened?", evidence, open_reader(embedder))
    assert np.isfinite(made.scores).all()


def test_an_embedder_of_whole_texts_is_not_asked_for_the_estimate() -> None:
    class Counting(HashEmbedder):
        asked = 0

        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            self.asked += len(texts)
            return await super().embed_documents(texts)

        async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
            self.asked += len(texts)
            return await super().embed_queries(texts)

    embedder = Counting()
    evidence = [passage("The pier was opened in 1911.", score=0.9)]
    found = asyncio.run(Sufficiency(embedder).of("When was the pier opened?", evidence))
    assert 0 < found < 1
    assert embedder.asked == 0


def test_the_first_passages_are_read_and_those_below_that_hold_what_is_asked() -> None:
    rest = [passage(f"Nothing of note in year {n}.", name=f"n{n}") for n in range(25)]
    told = passage("The Skar pier was opened in 1911.", name="told")
    made = weighed("When was the Skar pier opened?", [*rest[:24], told, rest[24]], reader())
    near = {made.units[row].passage for row in np.flatnonzero(made.near)}
    assert set(range(FIRST)) <= near
    assert 24 in near
    assert len(near) == FIRST + FURTHER


@pytest.mark.parametrize("question", ["", "?", "the", "When was the pier opened?" * 50])
def test_odd_questions_are_weighed(question: str) -> None:
    made = weighed(question, [passage("The pier was opened in 1911.")], reader())
    assert np.isfinite(made.scores).all()


def test_nothing_compared_and_nothing_read_go_together() -> None:
    made = weighed("When was the pier opened?", [passage("The pier was opened in 1911.")], None)
    assert made.close.meaning is None
    assert not made.compared
    assert made.along is None
