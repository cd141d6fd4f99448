import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import ProviderMissing
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.rerank import open_reranker
from suffice.tools.rerank.asked import best_of, questions
from suffice.tools.rerank.plain import PlainReranker
from suffice.tools.rerank.protocol import Candidate
from suffice.tools.store.protocol import Vector
from suffice.tools.types import Passage

BM25 = Bm25()


class LetterEmbedder:
    """A real embedder of letters: alike are texts with the same ones."""

    fingerprint = "letters"
    dimensions = 26

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        counts = [[1e-3 + text.lower().count(chr(97 + n)) for n in range(26)] for text in texts]
        return [np.array(row, np.float32) / np.float32(np.linalg.norm(row)) for row in counts]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        return await self.embed_documents(texts)

    async def close(self) -> None:
        pass


def candidate(text: str, title: str = "", asked: tuple[str, ...] = ()) -> Candidate:
    return Candidate(Passage(id=text, document_id="d", title=title, text=text), asked)


def ranked(question: str, candidates: Sequence[Candidate], *, lexical: bool = False) -> list[float]:
    reranker = PlainReranker(None if lexical else LetterEmbedder(), BM25)
    return asyncio.run(reranker.rank(question, candidates))


def order(question: str, candidates: Sequence[Candidate], *, lexical: bool = False) -> list[str]:
    scores = ranked(question, candidates, lexical=lexical)
    return [candidates[i].passage.text for i in np.argsort([-score for score in scores])]


PORT = [
    candidate("Lunch is served at noon."),
    candidate("Tugs are allocated by the duty officer."),
    candidate("The duty officer wears a blue jacket."),
    candidate("Berths are numbered from the north."),
]


@pytest.mark.parametrize("lexical", [True, False])
def test_the_passage_with_the_words_and_the_meaning_comes_first(lexical: bool) -> None:
    assert order("Who allocates the tugs?", PORT, lexical=lexical)[0].startswith("Tugs")


def test_a_rare_word_outweighs_words_that_all_passages_have() -> None:
    texts = ["harbour rules harbour", "harbour rules for bunkering", "harbour rules again"]
    assert (
        order("harbour rules bunkering", [candidate(t) for t in texts], lexical=True)[0] == texts[1]
    )


def test_a_title_that_the_question_names_counts() -> None:
    pair = [candidate("It opened in 1932.", "East Basin"), candidate("It opened in 1932.", "Quay")]
    first, second = ranked("When did the east basin open?", pair, lexical=True)
    assert first > second


@pytest.mark.parametrize("title", ["", "The", "Handbook", "手册"])
def test_titles_that_are_all_the_same_change_nothing(title: str) -> None:
    bare = ranked("Who allocates the tugs?", PORT)
    titled = [candidate(c.passage.text, title) for c in PORT]
    assert (
        np.argsort(ranked("Who allocates the tugs?", titled)).tolist() == np.argsort(bare).tolist()
    )


def test_a_subquestion_lifts_the_passages_it_asked_for() -> None:
    question, part = "Who allocates the tugs?", "colour of the jacket"
    without = ranked(question, PORT)
    with_part = ranked(
        question,
        [
            *PORT[:2],
            candidate(PORT[2].passage.text, "", (part,)),
            candidate(PORT[3].passage.text, "", (part,)),
        ],
    )
    assert with_part[2] > without[2]
    assert with_part[:2] == without[:2]


def test_vectors_that_lack_are_made_from_the_text() -> None:
    async def vectors() -> list[Candidate]:
        texts = [c.passage.text for c in PORT]
        dense = await LetterEmbedder().embed_documents(texts)
        return [
            Candidate(c.passage, c.asked, d, BM25.embed_document(c.passage.text))
            for c, d in zip(PORT, dense, strict=True)
        ]

    stored = asyncio.run(vectors())
    mixed = [*stored[:2], *PORT[2:]]
    question = "Who allocates the tugs?"
    assert ranked(question, stored) == pytest.approx(ranked(question, PORT))
    assert ranked(question, mixed) == pytest.approx(ranked(question, PORT))


def test_few_alike_or_empty_passages_are_no_trouble() -> None:
    assert ranked("anything", []) == []
    assert ranked("anything", PORT[:1]) == [0.0]
    assert len(set(ranked("who?", [candidate("same")] * 5))) == 1
    assert np.isfinite(ranked("", PORT)).all()
    assert np.isfinite(ranked("the of and", [candidate(""), candidate(" ")])).all()


@given(st.lists(st.text(), max_size=8), st.text(), st.lists(st.text(), max_size=3))
def test_any_text_has_one_finite_score_a_candidate(
    texts: list[str], question: str, asked: list[str]
) -> None:
    scores = ranked(question, [candidate(t, t[:5], tuple(asked)) for t in texts])
    assert len(scores) == len(texts)
    assert np.isfinite(scores).all()


def test_the_order_of_the_candidates_does_not_matter() -> None:
    forward = ranked("Who allocates the tugs?", PORT)
    assert ranked("Who allocates the tugs?", PORT[::-1])[::-1] == pytest.approx(forward)


def test_each_candidate_meets_the_question_and_what_asked_for_it() -> None:
    asked = questions(
        "q", [candidate("a", "", ("q", "p")), candidate("b"), candidate("c", "", ("p",))]
    )
    assert asked == {"q": [0, 1, 2], "p": [0, 2]}
    assert best_of(3, [([0, 1, 2], [1.0, 2.0, 3.0]), ([0, 2], [4.0, 0.0])]) == [4.0, 2.0, 3.0]


def test_rerankers_are_opened_by_name() -> None:
    plain = open_reranker("plain", sparse=BM25)
    assert plain is not None
    assert plain.name == "plain"
    assert open_reranker("none") is None
    learned = open_reranker("evidence", sparse=BM25)
    assert learned is not None
    for name, way_out in {
        "bert": "evidence, plain",
        "cohere": "cohere:MODEL",
        "http:m": "http:MODEL @ http",
    }.items():
        with pytest.raises(ProviderMissing, match=way_out):
            open_reranker(name, api_key="k")
