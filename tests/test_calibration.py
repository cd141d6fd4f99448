"""What `suffice calibrate` promises: exact bounds, and promises that are kept."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice import Settings
from suffice.agent.evaluation.binomial import at_most, upper_bound
from suffice.agent.evaluation.calibration import Calibration, Given, calibrate, ranks
from suffice.agent.settings_file import write_settings
from suffice.errors import SettingsError

SHARES = st.floats(0.001, 0.999)


def drawn(seed: int, count: int, wrong: float = 1.0) -> list[Given]:
    """Answers of which those of confidence c are wrong with a probability of (1 - c) `wrong`."""
    chance = random.Random(seed)
    sure = [chance.random() for _ in range(count)]
    return [Given(c, chance.random() >= (1 - c) * wrong) for c in sure]


def promised(answers: list[Given], max_error: float, confidence: float = 0.9) -> Calibration:
    return calibrate(answers, asked=len(answers), max_error=max_error, confidence=confidence)


# Exact bounds


@given(of=st.integers(1, 60), rate=SHARES, data=st.data())
def test_the_binomial_tail_is_the_sum_of_its_terms(of: int, rate: float, data: st.DataObject):
    from math import comb

    seen = data.draw(st.integers(0, of))
    terms = [comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(seen + 1)]
    assert at_most(seen, of, rate) == pytest.approx(sum(terms), abs=1e-12)


def test_without_a_mistake_the_bound_is_in_closed_form() -> None:
    assert upper_bound(0, 40, 0.9) == pytest.approx(1 - 0.1 ** (1 / 40))


@given(of=st.integers(1, 2000), level=st.floats(0.5, 0.999), data=st.data())
@settings(max_examples=50)
def test_at_its_bound_a_rate_is_just_not_refuted(of: int, level: float, data: st.DataObject):
    seen = data.draw(st.integers(0, of - 1))
    bound = upper_bound(seen, of, level)
    assert seen / of < bound <= 1.0
    assert at_most(seen, of, bound) == pytest.approx(1 - level, rel=1e-6)


def test_nothing_is_promised_of_no_trials_or_of_none_right() -> None:
    assert upper_bound(0, 0, 0.9) == upper_bound(7, 7, 0.9) == 1.0


# The threshold


def test_what_is_tried_depends_on_the_number_of_answers_alone() -> None:
    assert ranks(0) == ()
    assert ranks(12) == (12,)
    assert ranks(100) == (100, 70, 49, 34, 23)
    assert len(ranks(100_000)) == 6


def test_where_every_answer_is_right_nothing_is_refused() -> None:
    found = promised([Given(c / 200, True) for c in range(200)], 0.05)
    assert found.chosen is not None
    assert (found.chosen.threshold, found.chosen.kept, found.chosen.wrong) == (0.0, 200, 0)


def test_the_unsure_are_refused_where_they_are_wrong() -> None:
    answers = [Given(0.9, True)] * 150 + [Given(0.3, False)] * 50
    found = promised(answers, 0.05)
    assert found.chosen is not None
    assert 0.3 < found.chosen.threshold <= 0.9
    assert (found.chosen.kept, found.chosen.wrong) == (150, 0)
    assert found.chosen.bound <= 0.05


def test_a_small_sample_is_told_the_best_it_can_bear() -> None:
    found = promised([Given(0.5, True)] * 40, 0.05)
    assert found.chosen is None
    assert found.best is not None
    assert 0.05 < found.best.bound < 0.12
    assert found.needed is not None
    assert 40 < found.needed < 120
    enough = promised([Given(0.5, True)] * found.needed, 0.05)
    assert enough.chosen is not None


def test_where_all_are_wrong_no_number_of_questions_would_do() -> None:
    found = promised([Given(0.5, False)] * 100, 0.05)
    assert (found.chosen, found.needed) == (None, None)


def test_of_no_answers_nothing_can_be_said() -> None:
    found = calibrate([], asked=30, max_error=0.05, confidence=0.9)
    assert (found.chosen, found.best, found.cuts) == (None, None, ())


@given(
    sure=st.lists(st.sampled_from([0.0, 0.28, 0.2877, 0.5, 0.7, 0.9999, 1.0]), max_size=120),
    seed=st.integers(0, 99),
)
def test_a_threshold_keeps_just_the_answers_it_was_tried_on(sure: list[float], seed: int) -> None:
    chance = random.Random(seed)
    answers = [Given(c, chance.random() < 0.9) for c in sure]
    for cut in promised(answers, 0.2).cuts:
        kept = [one for one in answers if not one.confidence < cut.threshold]
        assert (len(kept), sum(not one.right for one in kept)) == (cut.kept, cut.wrong)
        assert 0.0 <= cut.threshold <= 1.0


def test_a_stricter_promise_keeps_fewer_answers() -> None:
    answers = drawn(3, 2000)
    kept = [promised(answers, error).chosen for error in (0.3, 0.2, 0.1)]
    counts = [cut.kept if cut else 0 for cut in kept]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


# The promise


@pytest.mark.parametrize("wrong", [0.4, 1.0])
def test_promises_are_broken_no_more_often_than_was_said(wrong: float) -> None:
    """400 samples of a population whose error above each threshold is known."""
    population = drawn(0, 20_000, wrong)
    broken = best_broken = naively_broken = 0
    for seed in range(400):
        sample = random.Random(seed).choices(population, k=150)
        found = promised(sample, 0.1)
        broken += found.chosen is not None and error(population, found.chosen.threshold) > 0.1
        assert found.best is not None
        best_broken += error(population, found.best.threshold) > found.best.bound
        naively_broken += error(population, naive(sample, 0.1)) > 0.1
    assert broken / 400 <= 0.1
    assert best_broken / 400 <= 0.1
    assert naively_broken > broken


def test_a_lower_confidence_promises_more() -> None:
    answers = drawn(5, 150, 0.3)
    sure, daring = (promised(answers, 0.1, confidence).best for confidence in (0.99, 0.5))
    assert sure is not None
    assert daring is not None
    assert daring.bound < sure.bound


_ERRORS: dict[tuple[int, float], float] = {}


def error(population: list[Given], threshold: float) -> float:
    key = (id(population), threshold)
    if key not in _ERRORS:
        told = [one for one in population if one.confidence >= threshold]
        _ERRORS[key] = sum(not one.right for one in told) / len(told) if told else 0.0
    return _ERRORS[key]


def naive(sample: list[Given], max_error: float) -> float:
    """The lowest threshold that keeps the error on the sample itself."""
    chosen, wrong = 1.0, 0
    for place, one in enumerate(sorted(sample, key=lambda one: -one.confidence), 1):
        wrong += not one.right
        chosen = one.confidence if wrong <= max_error * place else chosen
    return chosen


# Writing it down


def test_the_settings_file_keeps_all_but_the_threshold(tmp_path: Path) -> None:
    file = tmp_path / "suffice.toml"
    before = (
        '# ours\nsmall = "none"  # no key here\nthreshold = 0.1 # by eye\n\n[budget]\nrounds = 2\n'
    )
    file.write_text(before)
    write_settings(file, {"threshold": 0.4321})
    assert file.read_text() == before.replace("0.1 ", "0.4321 ")
    assert Settings.load(file).threshold == 0.4321


def test_a_threshold_is_put_before_the_tables(tmp_path: Path) -> None:
    file = tmp_path / "suffice.toml"
    file.write_bytes(b"# ours\r\n[budget]\r\nrounds = 2\r\n")
    write_settings(file, {"threshold": 0.5})
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert b"# ours" in file.read_bytes()
    loaded = Settings.load(file)
    assert (loaded.threshold, loaded.budget.rounds) == (0.5, 2)


def test_a_settings_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    write_settings(tmp_path / "suffice.toml", {"threshold": 0.5})
    assert Settings.load(tmp_path / "suffice.toml").threshold == 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["suffice.toml"]


def test_a_broken_settings_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "suffice.toml"
    file.write_text("small = = 1")
    with pytest.raises(SettingsError, match="cannot be changed"):
        write_settings(file, {"threshold": 0.5})
    assert file.read_text() == "small = = 1"
