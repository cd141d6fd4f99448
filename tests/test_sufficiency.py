"""Whether the evidence answers: the estimate, the head behind it, and a judge's word beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from suffice.prompts.judge import JudgedPart
from suffice.tools.embed import open_embedder
from suffice.tools.embed.protocol import Embedder, TokenEmbedder
from suffice.tools.reason.sufficiency.estimate import Sufficiency
from suffice.tools.reason.sufficiency.head import read_heads
from suffice.tools.reason.sufficiency.verdict import combined
from suffice.tools.types import Passage


def passage(name: str, title: str, text: str, score: float) -> Passage:
    return Passage(
        id=name,
        document_id=name,
        title=title,
        text=text,
        source=name,
        start=0,
        end=len(text),
        score=score,
    )


BRIDGE = passage(
    "bridge",
    "Halvard Bridge",
    "The Halvard Bridge was opened in 1931. It was designed by Signe Dahl and carries trams.",
    0.9,
)
DESIGNER = passage(
    "designer", "Signe Dahl", "Signe Dahl was born in Bergen and studied in Zurich.", 0.5
)
MARKET = passage("market", "Fish market", "The fish market sells cod and herring on Fridays.", 0.05)
WEATHER = passage("weather", "Weather", "Rain falls on two hundred days of the year.", 0.02)
EVIDENCE = (BRIDGE, DESIGNER, MARKET, WEATHER)


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    embedder = open_embedder("minilm")
    assert embedder is not None
    return embedder


def estimate(embedder: Embedder | None, asked: str, evidence: Sequence[Passage]) -> float:
    return asyncio.run(Sufficiency(embedder).of(asked, evidence))


def test_what_is_said_is_likelier_answered_than_what_is_not(minilm: Embedder) -> None:
    said = estimate(minilm, "Who designed the Halvard Bridge?", EVIDENCE)
    near = estimate(minilm, "Who paid for the painting of the Halvard Bridge?", EVIDENCE)
    other = estimate(minilm, "How deep is the Trondheim tunnel?", EVIDENCE)
    assert 1 >= said > near > 0
    assert said > other


def test_a_withheld_second_step_lowers_the_estimate(minilm: Embedder) -> None:
    asked = "Where was the designer of the Halvard Bridge born?"
    whole = estimate(minilm, asked, EVIDENCE)
    withheld = estimate(minilm, asked, (BRIDGE, MARKET, WEATHER))
    assert whole > withheld


def test_the_signs_show_what_leads_on(minilm: Embedder) -> None:
    asked = "Where was the designer of the Halvard Bridge born?"
    signs = asyncio.run(Sufficiency(minilm).signs(asked, EVIDENCE))
    assert signs["step"] > 0
    assert signs["handed_gain"] > 0


def test_words_alone_have_to_do_without_an_embedder() -> None:
    said = estimate(None, "Who designed the Halvard Bridge?", EVIDENCE)
    other = estimate(None, "How deep is the Trondheim tunnel?", (MARKET, WEATHER))
    assert said > other


@pytest.mark.parametrize("asked", ["", "?", "the", "Who designed the Halvard Bridge?" * 60])
def test_odd_questions_get_a_probability(minilm: Embedder, asked: str) -> None:
    assert 0 <= estimate(minilm, asked, EVIDENCE) <= 1


@pytest.mark.parametrize("text", ["", " \n", "🙂" * 300, "a" * 5000])
def test_odd_passages_get_a_probability(minilm: Embedder, text: str) -> None:
    odd = passage("odd", "", text, 0.4)
    assert 0 <= estimate(minilm, "Who designed the Halvard Bridge?", (odd, BRIDGE)) <= 1


def test_no_evidence_answers_nothing(minilm: Embedder) -> None:
    assert estimate(minilm, "Who designed the Halvard Bridge?", ()) == 0


def test_the_same_evidence_is_always_worth_the_same(minilm: Embedder) -> None:
    sufficiency = Sufficiency(minilm)

    async def twice() -> tuple[float, float]:
        asked = "Who designed the Halvard Bridge?"
        return await sufficiency.of(asked, EVIDENCE), await sufficiency.of(asked, EVIDENCE)

    first, second = asyncio.run(twice())
    assert first == second


def test_a_head_for_other_signs_is_refused() -> None:
    line = {
        "signs": ["moonlight"],
        "usual": [0],
        "mean": [0],
        "spread": [1],
        "weights": [1],
        "bias": 0,
    }
    head = {"gate": line, "plain": {"line": line}, "steps": {"line": line}}
    with pytest.raises(ValueError, match="fit_sufficiency"):
        read_heads({"by_meaning": head, "by_words": head})


def test_word_pieces_have_the_vector_of_their_text_as_mean(minilm: Embedder) -> None:
    assert isinstance(minilm, TokenEmbedder)
    tokens = asyncio.run(minilm.embed_tokens([BRIDGE.text]))[0]
    vector = asyncio.run(minilm.embed_documents([BRIDGE.text]))[0]
    mean = tokens.states.mean(axis=0)
    assert float(mean @ vector) == pytest.approx(float((mean @ mean) ** 0.5), rel=1e-4)
    start, end = tokens.places[2].tolist()
    assert BRIDGE.text[start:end] == "Hal"


def test_evidence_verdict_and_stated_confidence_all_count() -> None:
    assert combined(0.8, found=True, stated=0.9) > combined(0.8, found=True, stated=0.5)
    assert combined(0.8, found=True) > combined(0.3, found=True) > combined(0.3, found=False)
    # Sure of itself on evidence that does not suffice: it is not believed far.
    assert combined(0.05, found=True, stated=1.0) < 0.6
    assert 0 < combined(0.0, found=False, stated=0.0) < combined(1.0, found=True, stated=1.0) < 1


@pytest.mark.parametrize(
    ("given", "read"),
    [(0.8, 0.8), ("80 %", 0.8), (80, 0.8), ("very", None), (None, None), (-1, None), (1, 1.0)],
)
def test_a_stated_confidence_is_read_in_the_forms_that_models_give(
    given: object, read: float | None
) -> None:
    assert JudgedPart.model_validate({"part": 1, "sure": given}).sure == read
