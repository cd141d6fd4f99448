import string
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import ProviderMissing, SettingsError
from suffice.tools.embed import open_sparse
from suffice.tools.embed.bm25 import Bm25, Stemmer
from suffice.tools.store.protocol import SparseVector

BM25 = Bm25()
STEMMER = Stemmer()


def shared(query: str, document: str, bm25: Bm25 = BM25) -> int:
    """How many tokens of the query the document has."""
    wanted, there = bm25.embed_query(query), bm25.embed_document(document)
    return len(np.intersect1d(wanted.indices, there.indices))


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("allocating tugs", "The tug is allocated"),
        ("max_retries", "set max_retries to 3"),
        ("retries", "set max_retries to 3"),
        ("user name", "def getUserName(self)"),
        ("getusername", "def getUserName(self)"),
        ("HTTP2", "over http2 only"),
        ("3,000 tonnes", "up to 3,000 tonnes"),
        ("2021", "in 2021, the port"),
        ("v1.2", "since v1.2"),
        ("東京", "東京タワーは高い"),
        ("塔", "东京塔很高"),
        ("โรงแรม", "ผมพักที่โรงแรมในกรุงเทพ"),
        ("Москва", "столица России — москва"),
        ("Beyonce", "Beyoncé sang"),
        ("café", "cafe\u0301s of Paris"),
        ("ＦＵＬＬ", "full width"),
        ("ﬁle", "a file"),
        ("O'Neill", "O’Neill’s ship"),
        ("co\u00adoperate", "they cooperate"),
        ("हिन्दी", "हिन्दी भाषा"),
        ("بيت", "بيت كبير"),
    ],
)
def test_a_query_finds_its_words_in_other_dress(query: str, document: str) -> None:
    assert shared(query, document) >= 1


def test_a_pair_of_characters_tells_more_than_each_alone() -> None:
    assert shared("東京", "東京タワー") > shared("東京", "京東は会社")


def test_stop_words_count_only_where_there_is_nothing_else() -> None:
    assert shared("what is the tug for", "the what is for and of") == 0
    assert shared("The Who", "The Who is a band") == 2
    assert shared("to be or not to be", "To be, or not to be: that is the question") >= 3


def test_weights_grow_with_repetition_and_shrink_with_length() -> None:
    def weight(text: str) -> float:
        vector, token = BM25.embed_document(text), BM25.embed_query("tug").indices[0]
        return float(vector.values[vector.indices == token][0])

    once, twice, often = (weight("tug " * n + "pilot " * (9 - n)) for n in (1, 2, 9))
    assert once < twice < often < 2.2
    assert weight("tug " + "pilot " * 300) < once


def test_queries_weigh_each_token_once() -> None:
    vector = BM25.embed_query("tug tug tugs pilot")
    assert vector.values.tolist() == [1.0, 1.0]


@given(st.text())
def test_any_text_gives_a_well_formed_vector(text: str) -> None:
    for vector in (BM25.embed_document(text), BM25.embed_query(text)):
        assert isinstance(vector, SparseVector)
        assert vector.indices.dtype == np.int64
        assert vector.values.dtype == np.float32
        assert len(set(vector.indices.tolist())) == len(vector.indices) == len(vector.values)
        assert (vector.values > 0).all()


@given(st.text())
def test_a_text_finds_itself(text: str) -> None:
    wanted = BM25.embed_query(text).indices
    assert np.isin(wanted, BM25.embed_document(text).indices).all()


def test_letters_of_any_script_are_never_all_lost() -> None:
    for text in (
        "大",
        "ไทย",
        "한국어",
        "ქართული",
        "አማርኛ",
        "ελληνικά",
        "עברית",
        "தமிழ்",
        "𠀀",
        "x",
        "7",
    ):
        assert len(BM25.embed_document(text).indices) >= 1, text


def test_the_language_is_part_of_the_fingerprint_and_must_be_known() -> None:
    german = Bm25("german")
    assert german.fingerprint != BM25.fingerprint
    assert shared("Häuser", "das Haus", german) == 1
    with pytest.raises(SettingsError, match="klingon"):
        Bm25("klingon")


def test_sparse_embedders_are_opened_by_name() -> None:
    assert open_sparse().fingerprint == BM25.fingerprint
    assert open_sparse("bm25:german").fingerprint == Bm25("german").fingerprint
    with pytest.raises(ProviderMissing, match="bm25:LANGUAGE"):
        open_sparse("splade")


def test_stems_are_the_same_for_words_of_one_stem_and_in_order() -> None:
    assert STEMMER.stems("Running tugs") == STEMMER.stems("the run of a TUG")
    assert STEMMER.stems("pilot tug pilot") == [
        *STEMMER.stems("pilot tug"),
        *STEMMER.stems("pilots"),
    ]
    assert STEMMER.stems("the of and") == []


def test_stems_are_the_tokens_of_the_vectors() -> None:
    text = "The harbour master signs max_retries of 3 tankers in 東京"
    assert set(STEMMER.stems(text)) <= set(BM25.embed_document(text).indices.tolist())


@given(st.text(alphabet=string.printable + "éß東京ไทยहि", max_size=80))
def test_spans_say_where_each_stem_stands(text: str) -> None:
    spans = list(STEMMER.spans(text))
    assert [stem for _, _, stem in spans] == STEMMER.stems(text)
    assert all(0 <= start < end <= len(text) for start, end, _ in spans)
    assert [start for start, _, _ in spans] == sorted(start for start, _, _ in spans)


def test_it_serves_many_threads() -> None:
    texts = [f"word{n} tug pilots {n}" for n in range(200)]
    wanted = [BM25.embed_document(text).indices.tolist() for text in texts]
    found: list[bool] = []

    def work() -> None:
        stemmer = Stemmer()
        found.append(
            [BM25.embed_document(t).indices.tolist() for t in texts] == wanted
            and all(len(stemmer.stems(t)) >= 3 for t in texts)
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
