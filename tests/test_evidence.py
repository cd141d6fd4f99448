"""The evidence reranker: what a user relies on, and what must never happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.testing import HashEmbedder
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.rerank import open_reranker
from suffice.tools.rerank.evidence import EvidenceReranker, shipped_model
from suffice.tools.rerank.evidence_trees import read_forest
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.store.protocol import Vector
from suffice.tools.types import Passage

SPARSE = Bm25()


def candidate(number: int, title: str, text: str, *, vectors: bool = True) -> Candidate:
    passage = Passage(id=f"p{number}", document_id=f"d{number}", title=title, text=text)
    both = f"{title}\n{text}"
    dense = asyncio.run(HashEmbedder().embed_documents([both]))[0] if vectors else None
    sparse = SPARSE.embed_document(both) if vectors else None
    return Candidate(passage=passage, dense=dense, sparse=sparse)


def rank(question: str, candidates: Sequence[Candidate], *, lexical: bool = False) -> list[float]:
    reranker = EvidenceReranker(None if lexical else HashEmbedder(), SPARSE)
    return asyncio.run(reranker.rank(question, candidates))


def harbour(*, vectors: bool = True) -> list[Candidate]:
    """A film, its director, and a crowd that shares words with the question."""
    texts = [
        ("The Quiet Harbour", "The Quiet Harbour is a 1961 film directed by Ines Valdez."),
        ("Ines Valdez", "Ines Valdez was born in Porto in 1920 and moved to Lima."),
        *(
            (f"Film {i}", f"Film {i} was directed and born out of quiet days {i}.")
            for i in range(9)
        ),
        *((f"Port {i}", f"A harbour with {i} cranes and a tariff.") for i in range(9)),
    ]
    return [candidate(i, *pair, vectors=vectors) for i, pair in enumerate(texts)]


QUESTION = "Where was the director of The Quiet Harbour born?"


@pytest.mark.parametrize("lexical", [False, True])
@pytest.mark.parametrize("vectors", [False, True])
def test_both_passages_of_a_trail_come_first(lexical: bool, vectors: bool) -> None:
    scores = rank(QUESTION, harbour(vectors=vectors), lexical=lexical)
    assert set(np.argsort(scores)[-2:]) == {0, 1}


def test_scores_are_probabilities_and_do_not_depend_on_the_order() -> None:
    candidates = harbour()
    scores = rank(QUESTION, candidates)
    assert all(0 <= score <= 1 for score in scores)
    turned = rank(QUESTION, candidates[::-1])[::-1]
    assert np.allclose(scores, turned, atol=1e-3)


def test_what_a_search_knows_of_words_is_used() -> None:
    candidates = harbour()
    token = SPARSE.embed_query("harbour").indices[0]
    told = [replace(c, signals={f"idf:{token}": 9.0}) for c in candidates]
    assert rank(QUESTION, told) != rank(QUESTION, candidates)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_few_candidates_are_ranked(size: int) -> None:
    scores = rank(QUESTION, harbour()[:size])
    assert len(scores) == size
    assert all(np.isfinite(scores))


def test_equal_titles_do_not_hide_the_answer() -> None:
    pages = [
        candidate(i, "Handbook", f"Handbook page {i} about parking, mail and desks.")
        for i in range(20)
    ]
    answer = candidate(20, "Handbook", "Night berthing is signed off by the port captain.")
    scores = rank("Who signs off night berthing?", [*pages, answer])
    assert int(np.argmax(scores)) == 20


def test_a_page_that_mentions_everything_does_not_come_first() -> None:
    candidates = harbour()
    titles = ", ".join(c.passage.title for c in candidates)
    scores = rank(QUESTION, [*candidates, candidate(99, "Index", titles)])
    assert set(np.argsort(scores)[-2:]) == {0, 1}


@pytest.mark.parametrize(
    ("question", "pair", "answer"),
    [
        ("Wer leitet die Nachtschicht im Hafen?", ("Hafen", "Die Nachtschicht leitet Frau Ö."), 0),
        ("何が東京にありますか", ("東京", "東京にはタワーがあります。"), 0),
        ("What does moor_ship return?", ("ships.py", "def moor_ship(x):\n    return x + 1"), 0),
        ("кто капитан порта", ("Порт", "Капитан порта — Иванов."), 0),
    ],
)
def test_other_languages_scripts_and_code(
    question: str, pair: tuple[str, str], answer: int
) -> None:
    others = [candidate(i, f"Note {i}", f"Nothing of the kind, note {i}.") for i in range(1, 9)]
    scores = rank(question, [candidate(0, *pair), *others])
    assert int(np.argmax(scores)) == answer


ODD = (
    "",
    " \n\t ",
    "the",
    "\x00\x1b[31m",
    "\u202e\u200b\ufeff",
    "e" + "\u0301" * 200,
    "x" * 3000,
    "Ada Lovelace " * 400,
    "((((((((" * 200,
    "| a | b |\n|---|---|\n" * 50,
    'class Übung<T>: // """ \';--',
    "Ответ 答え جواب answer",
    "👩‍👩‍👧‍👦 1e999 NaN -0",
    "? ! . 。 ؟",
    QUESTION,
    QUESTION.upper(),
)
"""Texts of which each has once broken some program."""

odd_texts = st.one_of(st.sampled_from(ODD), st.text(max_size=60))


@st.composite
def odd_candidates(draw: st.DrawFn) -> Candidate:
    """A passage of odd texts, perhaps one of several of the same id, title and document."""
    number = draw(st.integers(0, 5))
    made = candidate(number, draw(odd_texts), draw(odd_texts), vectors=draw(st.booleans()))
    headings = tuple(draw(st.lists(odd_texts, max_size=2)))
    weight = draw(st.sampled_from((0.0, 1e-30, 9.0, 40.0)))
    told = {f"idf:{token}": weight for token in SPARSE.embed_query(QUESTION).indices}
    return replace(
        made,
        passage=made.passage.model_copy(update={"headings": headings}),
        dense=made.dense * 0 if made.dense is not None and draw(st.booleans()) else made.dense,
        signals=told if draw(st.booleans()) else {},
    )


@settings(max_examples=80, deadline=None)
@given(odd_texts, st.lists(odd_candidates(), max_size=12), st.booleans())
def test_whatever_the_texts_each_gets_a_probability(
    question: str, candidates: list[Candidate], lexical: bool
) -> None:
    scores = rank(question, candidates, lexical=lexical)
    assert len(scores) == len(candidates)
    assert all(np.isfinite(score) and 0 <= score <= 1 for score in scores)


def test_candidates_with_and_without_vectors_mix() -> None:
    mixed = [*harbour()[:10], *harbour(vectors=False)[10:]]
    assert set(np.argsort(rank(QUESTION, mixed))[-2:]) == {0, 1}


def test_the_last_sentence_says_what_is_asked() -> None:
    told = "Which cranes lift 90 tons? Which tugs are red? Where was Ines Valdez born?"
    crowd = [
        candidate(i, f"Crane {i}", f"Cranes and red tugs: crane {i} lifts {i} tons.")
        for i in range(2, 12)
    ]
    wanted = candidate(1, "Ines Valdez", "Ines Valdez was born in Porto.")
    assert int(np.argmax(rank(told, [*crowd, wanted]))) == len(crowd)


def test_a_question_of_one_sentence_is_embedded_once() -> None:
    class Counting(HashEmbedder):
        asked: ClassVar[list[str]] = []

        async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
            self.asked.extend(texts)
            return await super().embed_queries(texts)

    asyncio.run(EvidenceReranker(Counting(), SPARSE).rank(QUESTION, harbour()))
    assert Counting.asked == [QUESTION]


def test_evidence_is_the_default_and_its_file_is_small() -> None:
    reranker = open_reranker(embedder=HashEmbedder(), sparse=SPARSE)
    assert reranker is not None
    assert reranker.name == "evidence"
    assert len(files("suffice.tools.rerank").joinpath("evidence.json").read_bytes()) < 1_000_000
    assert shipped_model() is shipped_model()


def test_trees_follow_thresholds_blanks_and_depth() -> None:
    stored = {
        "depth": 2,
        "trees": [
            {
                "feature": [0, 0, 1, 0, 0],
                "threshold": [0.5, 0, 2.0, 0, 0],
                "blank_left": [0, 0, 1, 0, 0],
                "left": [1, 1, 3, 3, 4],
                "right": [2, 1, 4, 3, 4],
                "value": [0, 1.0, 0, 10.0, 100.0],
            },
            {
                "feature": [0],
                "threshold": [0],
                "blank_left": [0],
                "left": [0],
                "right": [0],
                "value": [0.25],
            },
        ],
    }
    forest = read_forest(json.loads(json.dumps(stored)))
    rows = np.array([[0.5, 9.0], [0.6, 2.0], [0.6, 2.1], [np.nan, np.nan]])
    assert forest.score(rows).tolist() == [1.25, 10.25, 100.25, 10.25]
