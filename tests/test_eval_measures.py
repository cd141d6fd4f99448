"""Measures of an evaluation: against values worked out by hand, and what must hold of any."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.agent.evaluation.catalogue import BY_NAME, MEASURES
from suffice.agent.evaluation.intervals import difference, draw, estimate, flips, mcnemar
from suffice.agent.evaluation.marking import exact_match, f1, is_right, marked, short_answer
from suffice.agent.evaluation.measures import reliability, risk_coverage
from suffice.agent.evaluation.outcome import Outcome, Place, first_ranks
from suffice.agent.evaluation.questions import EvalQuestion
from suffice.agent.evaluation.table import Table, ndcg, reciprocal_rank, tabulate
from suffice.tools.types import Citation


def question(name: str = "q", **known: Any) -> EvalQuestion:
    return EvalQuestion(id=name, question="Where is she moored?", **known)


def outcome(text: str = "", *, quotes: tuple[str, ...] = (), **told: Any) -> Outcome:
    cited = tuple(
        Citation(number=n, passage_id="p", document_id="d", quote=q, start=0, end=len(q))
        for n, q in enumerate(quotes, 1)
    )
    told = {"status": "answered", "strategy": "iterative", "citations": cited, **told}
    return Outcome(question_id="q", asked="", text=text, **told)


def table(*pairs: tuple[EvalQuestion, Outcome]) -> Table:
    questions = [q for q, _ in pairs]
    return tabulate(questions, [marked(q, o) for q, o in pairs])


def value(name: str, *pairs: tuple[EvalQuestion, Outcome]) -> float:
    return BY_NAME[name].value(table(*pairs))


GIVEN = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=40
)
"""Of each question: answered?, confidence, right?, answerable?"""


def world(rows: list[tuple[bool, float, bool, bool]]) -> Table:
    pairs = []
    for given_, confidence, right, answerable in rows:
        status = "answered" if given_ else "abstained"
        text = "at berth 3" if right else "at berth 9"
        known = question(answers=("berth 3",) if answerable else (), answerable=answerable)
        pairs.append((known, outcome(text, status=status, confidence=confidence)))
    return table(*pairs)


# answers


def test_exact_match_and_f1_follow_squads_rules() -> None:
    assert exact_match("The Duty Harbour-Master!", ["duty harbourmaster"]) == 1
    assert exact_match("master", ["duty master"]) == 0
    assert f1("the duty harbour master", ["harbour master"]) == pytest.approx(2 * (2 / 3) / (5 / 3))
    assert f1("tug", ["pilot", "a tug"]) == 1
    assert f1("", ["tug"]) == 0
    assert f1("tug tug", ["tug"]) == pytest.approx(2 / 3)


def test_the_short_answer_is_what_is_compared() -> None:
    assert short_answer("1998\n\n“She was built in 1998.” [1]") == "1998"
    assert short_answer("“She was built in 1998.” [1] [2]") == "“She was built in 1998.”"


@pytest.mark.parametrize(
    ("known", "given_", "right"),
    [
        ({"answers": ("berth 3",)}, outcome("x", quotes=("Moored at Berth 3.",)), True),
        ({"answers": ("berth 3",)}, outcome("x", quotes=("Moored at berth 33.",)), False),
        ({"answers": ("yes",)}, outcome("Yes, both are."), True),
        ({"answers": ("yes",)}, outcome("No. “Yes is what she said.”"), False),
        ({"answerable": False}, outcome("berth 3"), False),
        ({"answers": ("berth 3",)}, outcome(status="abstained"), None),
        ({"gold": ("d",)}, outcome("berth 3"), None),
        ({"answers": ("berth 3",)}, outcome("at the third", judged=True), True),
        ({"answerable": False}, outcome("at the third", judged=True), False),
    ],
)
def test_an_answer_is_right_wrong_or_not_known(
    known: dict[str, Any], given_: Outcome, right: bool | None
) -> None:
    assert is_right(question(**known), given_) is right


# retrieval


def test_gold_is_named_by_ids_by_source_and_by_the_end_of_a_source() -> None:
    place = Place(passage_id="d#2", document_id="d", source="/papers/harbour/pilots.md")
    named = ("d#2", "d", "/papers/harbour/pilots.md", "harbour/pilots.md", "./pilots.md")
    assert all(place.named(name) for name in named)
    assert not any(place.named(name) for name in ("", "d#1", "ilots.md", "pilots"))


def test_ranks_recall_ndcg_and_reciprocal_rank_by_hand() -> None:
    ranked = [Place(passage_id=str(n), document_id=f"d{n // 2}") for n in range(6)]
    assert first_ranks(("4", "d0", "none"), ranked) == (4, 0, None)
    ranks = (4, 0, None)
    best = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg(ranks, 10) == pytest.approx((1 + 1 / math.log2(6)) / best)
    assert ndcg((0, 1), 10) == 1
    assert ndcg((0, 0), 10) == 1
    assert reciprocal_rank((4, 1, None)) == 0.5
    known = question(answers=("x",), gold=("4", "d0"))
    given_ = outcome("x", ranked=tuple(ranked))
    assert value("recall@1", (known, given_)) == 0.5
    assert value("all_gold@3", (known, given_)) == 0
    assert value("all_gold@5", (known, given_)) == 1


def test_what_ranks_nothing_has_no_recall() -> None:
    known = question(answers=("x",), gold=("d",))
    assert math.isnan(value("recall@5", (known, outcome("x", strategy="long_context"))))


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=1, max_size=8))
def test_ndcg_lies_between_nothing_and_the_best_order(ranks: list[int | None]) -> None:
    assert 0 <= ndcg(ranks, 10) <= 1


# citations


def test_citations_are_held_against_the_gold() -> None:
    known = question(answers=("x",), gold=("d", "other"))
    given_ = outcome("x", quotes=("x", "y"), resolved=1)
    assert value("citation_precision", (known, given_)) == 1
    assert value("citation_recall", (known, given_)) == 0.5
    assert value("citations_found", (known, given_)) == 0.5


# refusal

RIGHT = (question(answers=("berth 3",)), outcome("at berth 3", confidence=0.9))
WRONG = (question(answers=("berth 3",)), outcome("at berth 9", confidence=0.6))
REFUSED = (question(answerable=False), outcome(status="abstained"))
NEEDLESS = (question(answers=("berth 3",)), outcome(status="abstained"))
BROKEN = (question(answerable=False), outcome(status="failed"))


def test_refusals_and_the_score_by_hand() -> None:
    rows = (RIGHT, RIGHT, WRONG, REFUSED, NEEDLESS, BROKEN)
    assert value("correct", *rows) == 0.5
    assert value("right", *rows) == 0.5
    assert value("wrong", *rows) == pytest.approx(1 / 3)
    assert value("answered", *rows) == 0.5
    assert value("refusal_precision", *rows) == 0.5
    assert value("refusal_recall", *rows) == 0.5  # what broke off was not refused
    assert value("crag_score", *rows) == pytest.approx(1 / 6)
    assert value("failed", *rows) == pytest.approx(1 / 6)


def test_the_risk_coverage_curve_by_hand() -> None:
    curve = risk_coverage(table(RIGHT, WRONG, REFUSED, NEEDLESS))
    assert curve.coverage.tolist() == [0.25, 0.5]
    assert curve.risk.tolist() == [0, 0.5]
    assert curve.area == 0.25
    assert curve.accuracy_at(0.2) == 1
    assert curve.accuracy_at(0.8) == 0.5  # all that was answered


def test_equal_confidences_are_taken_in_the_mean_over_their_orders() -> None:
    sure_but_wrong = (WRONG[0], WRONG[1].model_copy(update={"confidence": 0.9}))
    for rows in ((RIGHT, sure_but_wrong), (sure_but_wrong, RIGHT)):
        assert risk_coverage(table(*rows)).risk.tolist() == [0.5, 0.5]


def test_calibration_error_by_hand() -> None:
    rows = (RIGHT, RIGHT, WRONG)
    assert value("calibration_error", *rows) == pytest.approx((2 * 0.1 + 0.6) / 3)
    assert sum(one.count for one in reliability(table(*rows))) == 3


@given(GIVEN)
def test_of_any_outcomes_shares_stay_shares_and_curves_stay_within(
    rows: list[tuple[bool, float, bool, bool]],
) -> None:
    made = world(rows)
    for measure in MEASURES:
        found = measure.value(made)
        if measure.unit == "share" and not math.isnan(found):
            assert -1e-9 <= found <= 1 + 1e-9, measure.name
    curve = risk_coverage(made)
    assert all(0 <= risk <= 1 + 1e-9 for risk in curve.risk)
    answered = sum(row[0] for row in rows)
    assert len(curve.risk) == answered
    if answered:
        assert curve.coverage[-1] == pytest.approx(answered / len(rows))
        assert curve.risk[-1] == pytest.approx(BY_NAME["wrong"].value(made))


# how sure


def test_mcnemars_exact_test_by_hand() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(3, 1) == pytest.approx(2 * 5 / 16)
    assert mcnemar(10, 10) == 1


def test_an_interval_holds_its_figure_and_narrows_with_more_questions() -> None:
    few, many = table(*[RIGHT, WRONG] * 5), table(*[RIGHT, WRONG] * 100)
    correct = BY_NAME["correct"]
    wide, narrow = estimate(correct, few, draw(10)), estimate(correct, many, draw(200))
    for found in (wide, narrow):
        assert found.low is not None
        assert found.high is not None
        assert found.value == 0.5
        assert found.low < 0.5 < found.high
    assert narrow.high - narrow.low < wide.high - wide.low  # type: ignore[operator]
    # The standard error of a share of one half over 200 questions is 0.035.
    assert narrow.low == pytest.approx(0.5 - 1.96 * 0.0354, abs=0.015)


def test_a_measure_that_no_question_bears_on_is_not_told() -> None:
    found = estimate(BY_NAME["refusal_recall"], table(RIGHT, WRONG), draw(2))
    assert (found.value, found.low, found.questions) == (None, None, 0)


def test_a_paired_difference_sees_through_what_questions_are_like() -> None:
    first = table(*[RIGHT, WRONG] * 30)
    second = table(*[RIGHT, RIGHT] * 10, *[RIGHT, WRONG] * 20)
    found = difference(BY_NAME["correct"], first, second, draw(60))
    assert found.value == pytest.approx(10 / 60)
    assert found.beyond_noise
    assert found.p is not None
    assert found.p < 0.01
    same = difference(BY_NAME["correct"], first, first, draw(60))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.beyond_noise


def test_flips_name_what_was_gained_and_lost() -> None:
    first, second = table(RIGHT, WRONG, REFUSED), table(WRONG, RIGHT, REFUSED)
    found = flips(["a", "b", "c"], first, second)
    assert (found.gained, found.lost, found.p) == (("b",), ("a",), 1.0)
