"""The rules that make a follow-up stand alone: they carry words over, and never invent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.tools.reason.extractive.words import FRAME_STEMS, STOP, stem, words
from suffice.tools.reason.followup import standalone
from suffice.tools.reason.protocol import Turn


def turn(question: str, lead: str = "") -> Turn:
    return Turn(asked=question, question=question, lead=lead)


def after(question: str, asked: str, lead: str = "") -> str:
    return standalone(asked, [turn(question, lead)]).question


MOORED = "Where is the tug Anchor moored?"


@pytest.mark.parametrize(
    ("before", "asked", "expected"),
    [
        # pronouns
        (MOORED, "When was it built?", "When was the tug Anchor built?"),
        (MOORED, "and who signs it?", "Who signs the tug Anchor?"),
        (MOORED, "Who is its master?", "Who is the tug Anchor’s master?"),
        (MOORED, "And when was she built?", "When was the tug Anchor built?"),
        (
            "Is estate planning expensive?",
            "When should I do it?",
            "When should I do estate planning?",
        ),
        ("What is Medicaid?", "Who pays for that?", "Who pays for Medicaid?"),
        # what about …?, and …?
        ("What is the tariff in 2024?", "And in 2025?", "What is the tariff in 2025?"),
        ("What is the tariff in 2024?", "what about 2025?", "What is the tariff in 2025?"),
        (MOORED, "what about the tug Bittern?", "Where is the tug Bittern moored?"),
        (MOORED, "and Bittern?", "Where is the tug Bittern moored?"),
        (
            "Who signs off night berthing for ferries?",
            "what about tankers?",
            "Who signs off night berthing for tankers?",
        ),
        (
            "Who signs off night berthing for ferries?",
            "and for tankers?",
            "Who signs off night berthing for tankers?",
        ),
        (MOORED, "and the price?", "What is the price for the tug Anchor?"),
        # bare
        (MOORED, "Since when?", "Where is the tug Anchor moored, and since when?"),
        ("Is night berthing allowed?", "Why?", "Is night berthing allowed, and why?"),
        # definite
        (MOORED, "What is the fee?", "What is the fee for the tug Anchor?"),
        ("What is Medicaid?", "How can I apply?", "How can I apply for Medicaid?"),
    ],
)
def test_a_follow_up_takes_over_what_it_leaves_unsaid(
    before: str, asked: str, expected: str
) -> None:
    made = standalone(asked, [turn(before)])
    assert (made.question, made.by) == (expected, "rules")


@pytest.mark.parametrize(
    "asked",
    [
        "Where is the tug Bittern moored?",
        "What is the price of fish?",
        "Who invented radium?",
        "What are sandboxes?",
        "What does envelope encryption do?",
        "Is it true that tugs are moored at night?",
        "How long does it take to reach berth 3?",
        "When the tug Bittern arrives, who signs it off?",
        "Why did Captain Bitternsen leave her tug?",
        "Thank you!",
        "That is fine.",
        "  odd   spacing of a question on tides and tug crews ",
    ],
)
def test_what_stands_alone_is_left_exactly_as_it_is(asked: str) -> None:
    made = standalone(asked, [turn(MOORED)])
    assert (made.question, made.by, made.note) == (asked, "", "")


def test_who_was_found_is_who_is_meant() -> None:
    who = "Who is the harbour master?"
    assert after(who, "When was he appointed?", "Mara Lind") == "When was Mara Lind appointed?"
    assert (
        after(who, "What is her phone number?", "Mara Lind") == "What is Mara Lind’s phone number?"
    )
    assert after(who, "When was he appointed?") == "When was the harbour master appointed?"


def test_a_long_answer_is_no_subject() -> None:
    lead = "the one who was asked by the board to take over in the spring"
    assert "board" not in after("Who is the harbour master?", "When was he appointed?", lead)


def test_a_turn_without_a_subject_is_looked_past() -> None:
    turns = [turn(MOORED), turn("Thank you!")]
    assert standalone("When was it built?", turns).question == "When was the tug Anchor built?"


def test_the_first_question_of_a_conversation_has_nothing_to_take_over() -> None:
    assert standalone("When was it built?", []).question == "When was it built?"


# Whatever is said

TOPICS = ("the tug Anchor", "night berthing", "Medicaid", "the harbour master", "tariffs in 2024")
OPENINGS = ("", "and ", "what about ", "how about ", "who is ", "when was ", "what is ", "why ")
THINGS = ("it", "he", "its fee", "the fee", "them", "that", "2025", "for tankers", "Bittern", "?")
said = st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
typed = st.one_of(
    said,
    st.builds(
        lambda a, b: f"{a}{b}?", st.sampled_from(OPENINGS), st.one_of(st.sampled_from(THINGS), said)
    ),
)
questions = st.one_of(
    said.filter(str.strip),
    st.builds(
        lambda opening, topic: f"{opening}{topic}?",
        st.sampled_from(OPENINGS),
        st.sampled_from(TOPICS),
    ),
)
histories = st.lists(st.builds(turn, questions, st.one_of(st.just(""), said)), max_size=3)


def carrying(text: str) -> set[str]:
    return {w.stem for w in words(text) if w.text.lower() not in STOP and w.stem not in FRAME_STEMS}


@settings(max_examples=300, deadline=None)
@given(typed, histories)
def test_every_word_of_the_question_was_said_before(asked: str, turns: list[Turn]) -> None:
    made = standalone(asked, turns)
    told = [asked, *(one.question for one in turns), *(one.lead for one in turns)]
    known = set().union(*(carrying(text) for text in told))
    assert {word for word in carrying(made.question) if word not in known} == set()


@settings(max_examples=150, deadline=None)
@given(typed, histories)
def test_it_is_the_same_each_time_and_says_whether_it_changed_anything(
    asked: str, turns: list[Turn]
) -> None:
    made = standalone(asked, turns)
    assert standalone(asked, turns) == made
    assert (made.by == "") == (made.question == asked) or made.by == "rules"
    if not made.by:
        assert made.question == asked


def test_stems_are_what_is_compared() -> None:
    assert carrying("the tugs’ fees") == {stem("tugs"), stem("fees")}
