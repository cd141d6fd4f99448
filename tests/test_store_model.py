"""Random lives of a store, beside a plain dictionary that does the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import MANIFEST, entry, record, towards, words

from suffice.errors import FilterError
from suffice.tools.store import SearchRequest, Store, open_store

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
FIELDS = st.sampled_from(["year", "team", "a b"])
VALUES = st.one_of(
    st.integers(0, 4),
    st.sampled_from([0.5, 2.0, 3.5]),
    st.booleans(),
    st.sampled_from(["x", "y", "2", "2024-01-01", "2024-02-01T10:00:00Z"]),
)
METADATA = st.dictionaries(FIELDS, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=3)
DAYS = ["2024-01-01", "2024-01-15", "2024-02-01"]
OPERATORS = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {},
        optional={
            "eq": VALUES,
            "in": st.lists(VALUES, max_size=3),
            "not_in": st.lists(VALUES, max_size=3),
        },
    ).filter(bool),
    st.fixed_dictionaries({}, optional={"gte": st.integers(0, 4), "lte": st.floats(0, 4)}).filter(
        bool
    ),
    st.fixed_dictionaries(
        {}, optional={"gte": st.sampled_from(DAYS), "lte": st.sampled_from(DAYS)}
    ).filter(bool),
)
WHERE = st.one_of(
    st.dictionaries(FIELDS, OPERATORS, max_size=2),
    st.fixed_dictionaries({"document_id": st.fixed_dictionaries({"not_in": st.lists(NAMES)})}),
    st.fixed_dictionaries({"document_id": NAMES}),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.dictionaries(NAMES, st.lists(METADATA, max_size=3), min_size=1, max_size=3),
        ),
        st.tuples(st.just("delete"), st.lists(NAMES, min_size=1, max_size=2)),
        st.tuples(st.just("reopen"), st.none()),
        st.tuples(st.just("ask"), WHERE),
    ),
    min_size=3,
    max_size=12,
)

Model = dict[str, dict[str, dict[str, Any]]]
"""Documents, their passages, the metadata of each."""


# What a filter means, said once more


def family(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else "text"


def same(one: Any, other: Any) -> bool:
    return family(one) == family(other) and one == other


def instant(value: Any) -> str | None:
    """Return the few dates of these tests in a form that sorts."""
    if isinstance(value, str) and value.startswith("2024-"):
        return value if "T" in value else f"{value}T00:00:00Z"
    return None


def within(value: Any, bounds: dict[str, Any]) -> bool:
    if any(isinstance(bound, str) for bound in bounds.values()):
        when = instant(value)
        last = str(bounds.get("lte", "9999")) + "T23:59:59Z"
        return when is not None and f"{bounds.get('gte', '0')}" <= when <= last
    if family(value) != "number":
        return False
    return bool(bounds.get("gte", -1) <= value <= bounds.get("lte", 99))


def holds(values: list[Any], asked: Any) -> bool:
    asked = asked if isinstance(asked, dict) else {"eq": asked}
    if "eq" in asked and not any(same(value, asked["eq"]) for value in values):
        return False
    if "in" in asked and not any(same(v, one) for v in values for one in asked["in"]):
        return False
    if "not_in" in asked and any(same(v, one) for v in values for one in asked["not_in"]):
        return False
    bounds = {side: asked[side] for side in ("gte", "lte") if side in asked}
    return not bounds or any(within(value, bounds) for value in values)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def expected(model: Model, where: dict[str, Any]) -> set[str] | None:
    """Return the passages that a filter lets through; None if it is to be refused."""
    every = [metadata for passages in model.values() for metadata in passages.values()]
    for name, asked in where.items():
        if name == "document_id" or not every:
            continue
        values = [one for metadata in every for one in listed(metadata.get(name, []))]
        if not values or not acceptable(values, asked):
            return None
    return {
        passage
        for document, passages in model.items()
        for passage, metadata in passages.items()
        if all(
            holds([document] if name == "document_id" else listed(metadata.get(name, [])), asked)
            for name, asked in where.items()
        )
    }


def acceptable(values: list[Any], asked: Any) -> bool:
    """Whether a field with these values can be asked this."""
    asked = asked if isinstance(asked, dict) else {"eq": asked}
    alike = [asked["eq"]] if "eq" in asked else []
    alike += [*asked.get("in", []), *asked.get("not_in", [])]
    families = {family(value) for value in values}
    if any(family(one) not in families for one in alike):
        return False
    for bound in (asked[side] for side in ("gte", "lte") if side in asked):
        if isinstance(bound, str) and not any(instant(value) for value in values):
            return False
        if not isinstance(bound, str) and "number" not in families:
            return False
    return True


# The two lives


async def ask(store: Store, model: Model, where: dict[str, Any]) -> None:
    wanted = expected(model, where)
    request = SearchRequest(sparse=words(1), dense=towards(1.0), where=where, limit=100)
    if wanted is None:
        for call in (store.count(where), store.search([request])):
            with pytest.raises(FilterError):
                await call
        return
    assert {hit.passage.id async for hit in store.scroll(where, batch=3)} == wanted
    assert await store.count(where) == len(wanted)
    [hits] = await store.search([request])
    assert {hit.passage.id for hit in hits} == wanted
    assert len(hits) == len(wanted)


async def compare(store: Store, model: Model) -> None:
    passages = {name: metadata for one in model.values() for name, metadata in one.items()}
    found = {hit.passage.id: hit.passage.metadata async for hit in store.scroll()}
    assert found == passages
    assert await store.count() == len(passages)
    sizes = {one.document.id: one.passages for one in await store.documents()}
    assert sizes == {name: len(one) for name, one in model.items()}
    fields = {n for one in passages.values() for n, value in one.items() if listed(value)}
    assert set(await store.fields()) == fields


async def live(place: str, steps: list[tuple[str, Any]]) -> None:
    store, model = open_store(place), Model()
    try:
        await store.set_manifest(MANIFEST)
        await store.delete([one.document.id for one in await store.documents()])
        for step, what in steps:
            if step == "put":
                made = {
                    name: {f"{name}#{i}": metadata for i, metadata in enumerate(many)}
                    for name, many in what.items()
                }
                entries = [entry(p, **m) for many in made.values() for p, m in many.items()]
                await store.upsert([record(name) for name in made], entries)
                model |= made
            elif step == "delete":
                await store.delete(what)
                model = {name: many for name, many in model.items() if name not in what}
            elif step == "ask":
                await ask(store, model, what)
            elif place != ":memory:":
                await store.close()
                store = open_store(place)
            await compare(store, model)
    finally:
        await store.close()


ANY_PACE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=40, deadline=None, suppress_health_check=ANY_PACE)
@given(steps=STEPS)
def test_a_server_does_what_a_dictionary_does(steps: list[tuple[str, Any]]) -> None:
    asyncio.run(live(":memory:", steps))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=ANY_PACE)
@given(steps=STEPS)
def test_a_folder_does_what_a_dictionary_does(tmp_path: Path, steps: list[tuple[str, Any]]) -> None:
    asyncio.run(live(str(tmp_path / "corpus"), steps))
