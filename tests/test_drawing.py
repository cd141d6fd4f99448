"""The picture of a graph: from the compiled graph, offline, and true to a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.graph import END, START, StateGraph
from scripted import run
from test_graph import two_hops

from suffice.graphs import STRATEGIES, build
from suffice.graphs.drawing import structure, taken, to_json, to_mermaid, to_svg
from suffice.graphs.layout import layered

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_node_and_edge_of_the_compiled_graph_is_drawn(strategy: str) -> None:
    shape = structure(build(strategy))
    svg = to_svg(shape)
    nodes = [name for name in shape.nodes if not name.startswith("__")]
    assert sorted(texts(svg)) == sorted(nodes)
    assert len(list(ET.fromstring(svg).iter(f"{SVG}path"))) == 2 * len(shape.edges)
    assert to_mermaid(shape).count("->") == len(shape.edges)
    assert {edge["source"] for edge in to_json(shape)["edges"]} <= set(shape.nodes)


def test_the_picture_calls_no_other_host() -> None:
    svg = to_svg(structure(build()))
    assert svg.count("http") == svg.count("http://www.w3.org/2000/svg")
    assert "<script" not in svg
    assert "href" not in svg


def test_a_changed_graph_changes_its_picture() -> None:
    graph = StateGraph(dict)
    graph.add_node("look <& think", lambda state: state)
    graph.add_edge(START, "look <& think")
    graph.add_edge("look <& think", END)
    assert texts(to_svg(structure(graph.compile()))) == ["look <& think"]


def test_a_run_lights_up_what_it_visited_and_took() -> None:
    shape = structure(build())
    path = taken(shape, run(*two_hops()).events)
    assert path.nodes["search"] == 2
    assert path.nodes["abstain"] == 0
    assert path.edges["plan", "search"] == 2
    assert path.edges["judge", "write"] == 1
    assert path.edges["judge", "search"] == 0
    assert path.edges["verify", "__end__"] == 1
    assert "2" in texts(to_svg(shape, path))
    assert "plan ==> search" in to_mermaid(shape, path)
    assert next(n for n in to_json(shape, path)["nodes"] if n["id"] == "search")["visits"] == 2


names = st.lists(st.text("abcdefgh", min_size=1, max_size=2), min_size=1, max_size=9, unique=True)


@given(st.data())
def test_any_graph_gets_a_place_for_each_node_and_a_route_for_each_edge(
    data: st.DataObject,
) -> None:
    nodes = data.draw(names)
    pair = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    edges = data.draw(st.lists(pair, max_size=20, unique=True))
    layout = layered(nodes, edges)
    assert len(set(layout.places.values())) == len(nodes)
    for source, target in edges:
        route = layout.routes[source, target]
        assert route[0] == layout.places[source]
        assert route[-1] == layout.places[target]
