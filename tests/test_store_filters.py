"""A `where` is checked before anything is searched, and its errors help."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import FilterError, InputError
from suffice.tools.store.filters import Among, Within, conditions

KNOWN = {
    "year": ["integer"],
    "team": ["keyword"],
    "day": ["datetime", "keyword"],
    "ok": ["bool"],
    "ratio": ["float", "integer"],
}


def test_no_filter_is_no_condition() -> None:
    assert conditions(None, KNOWN) == conditions({}, KNOWN) == []


def test_all_that_is_asked_must_hold() -> None:
    where = {"year": {"gte": 2021, "lte": 2024, "not_in": [2022]}, "document_id": "a"}
    assert conditions(where, KNOWN) == [
        Among("terms", ("year=2022",), negated=True),
        Within("numbers.year", 2021.0, 2024.0),
        Among("document_id", ("a",)),
    ]


def test_a_date_is_a_whole_day() -> None:
    whole = Within("times.day", "2024-03-05T00:00:00.000000Z", "2024-03-05T23:59:59.999999Z")
    for day in ("2024-03-05", date(2024, 3, 5)):
        assert conditions({"day": {"gte": day, "lte": day}}, KNOWN) == [whole]


REFUSED: list[tuple[Any, list[str]]] = [
    ("year=2020", ["mapping", "text"]),
    ([("year", 2020)], ["mapping", "a list"]),
    ({"yer": 1}, ['"yer"', 'Did you mean "year"', "year, team, day, ok, ratio", "document_id"]),
    ({3: 1}, ["3", "Known fields"]),
    ({"": 1}, ["Known fields"]),
    ({"year": {"gt": 1}}, ['"year"', '"gt"', 'Did you mean "gte"', "eq, in, not_in, gte, lte"]),
    ({"year": {"$in": [1]}}, ["Operators"]),
    ({"year": {}}, ["no operator", "Operators"]),
    ({"year": None}, ["None"]),
    ({"year": [2020, 2021]}, ['{"in": [2020, 2021]}']),
    ({"year": {"in": 2020}}, ["needs a list", "2020"]),
    ({"team": {"in": "pilots"}}, ["needs a list", "pilots"]),
    ({"team": {"not_in": {"a": 1}}}, ["needs a list"]),
    ({"year": "2020"}, ["holds numbers", "'2020' is text"]),
    ({"team": 3}, ["holds text", "3 is a number"]),
    ({"ok": 1}, ["true or false", "a number"]),
    ({"year": True}, ["holds numbers", "true or false"]),
    ({"year": {"in": [2020, "2021"]}}, ["'2021' is text"]),
    ({"document_id": 7}, ["holds text"]),
    ({"team": {"gte": "a"}}, ["number or an ISO date", "'a'"]),
    ({"team": {"gte": "2024-01-01"}}, ["holds text, not dates"]),
    ({"day": {"gte": "2024-13-45"}}, ["ISO date"]),
    ({"day": {"gte": "2024"}}, ["ISO date such as 2021-03-05"]),
    ({"day": {"gte": 2024}}, ["holds dates"]),
    ({"ratio": {"gte": 1, "lte": "2024-01-01"}}, ["not dates"]),
    ({"year": {"gte": float("nan")}}, ["nan"]),
    ({"year": {"gte": True}}, ["ISO date"]),
    ({"title": {"gte": "a"}}, ["gte and lte cannot compare"]),
    ({"team": b"pilots"}, ["b'pilots'"]),
]


@pytest.mark.parametrize(("where", "said"), REFUSED, ids=[str(where) for where, _ in REFUSED])
def test_what_makes_no_sense_is_refused_in_words_that_help(where: Any, said: list[str]) -> None:
    with pytest.raises(FilterError) as error:
        conditions(where, KNOWN)
    for words in said:
        assert words in str(error.value)
    assert isinstance(error.value, InputError)


def test_mixed_bounds_are_refused_where_types_are_unknown() -> None:
    with pytest.raises(FilterError, match="both"):
        conditions({"x": {"gte": 1, "lte": "2024-01-01"}}, None)


def test_equal_values_have_one_spelling_and_others_have_others() -> None:
    def spelt(value: Any) -> str:
        [condition] = conditions({"x": value}, None)
        assert isinstance(condition, Among)
        return condition.values[0]

    assert spelt(1) == spelt(1.0) != spelt(True)
    assert spelt("1") != spelt(1)
    assert spelt("true") != spelt(True)
    assert spelt("a" * 1000) != spelt("a" * 1001)
    assert len(spelt("a" * 100_000)) < 100


@given(
    st.one_of(
        st.none(),
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
                lambda inner: st.one_of(
                    st.lists(inner, max_size=3),
                    st.dictionaries(
                        st.sampled_from(["eq", "in", "not_in", "gte", "lte", "x"]),
                        inner,
                        max_size=3,
                    ),
                ),
            ),
            max_size=3,
        ),
    )
)
def test_any_filter_gives_conditions_or_a_filter_error(where: Any) -> None:
    for known in (None, KNOWN):
        try:
            found = conditions(where, known)
        except FilterError:
            continue
        assert all(isinstance(one, Among | Within) for one in found)
