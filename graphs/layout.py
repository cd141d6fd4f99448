"""Places the nodes of a graph in layers, so that edges run one way and cross little.

After Sugiyama, Tagawa and Toda (IEEE SMC 11(2), 1981): leave out the edges that go
back, layer by longest path, give long edges a place in each layer they pass, and order each
layer by the barycentre of its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]

SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in units of layers and rows.

    `places[node]` is (layer, row); row 0 is the main way, greater rows lie below it.
    `routes[edge]` are the places an edge passes, both ends included. The edges in `arcs`
    join two nodes of the main way that are no neighbours, and are drawn above it.
    """

    places: dict[str, tuple[float, float]]
    routes: dict[Edge, list[tuple[float, float]]]
    arcs: frozenset[Edge]


def layered(nodes: Sequence[str], edges: Sequence[Edge]) -> Layout:
    """Place `nodes`, the first of which is the start."""
    forward = [edge for edge in edges if edge not in _back_edges(nodes, edges)]
    layer = _layers(nodes, forward)
    spine = _spine(nodes, forward)
    neighbours = set(pairwise(spine))
    on_spine = {edge for edge in edges if set(edge) <= set(spine)}
    arcs = frozenset(on_spine - neighbours)
    chains = {edge: _chain(edge, layer) for edge in edges if edge not in arcs}
    straight = {name for edge in neighbours for name in chains[edge]}
    rows = _rows(nodes, layer, list(chains.values()), straight)
    places = {name: (float(layer[name]), rows[name]) for name in layer}
    routes = {edge: [places[name] for name in chain] for edge, chain in chains.items()}
    routes.update({edge: [places[name] for name in edge] for edge in arcs})
    return Layout({name: places[name] for name in nodes}, routes, arcs)


def _back_edges(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Return the edges that close a cycle, by a walk in depth from the start."""
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        after[source].append(target)
    back: set[Edge] = set()
    done: set[str] = set()

    def walk(name: str, above: frozenset[str]) -> None:
        above = above | {name}
        for target in after[name]:
            if target in above:
                back.add((name, target))
            elif target not in done:
                walk(target, above)
        done.add(name)

    for name in nodes:
        if name not in done:
            walk(name, frozenset())
    return back


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in edges:
            layer[target] = max(layer[target], layer[source] + 1)
    return layer


def _chain(edge: Edge, layer: dict[str, int]) -> list[str]:
    """Return the nodes an edge passes, with a stand-in in each layer between."""
    source, target = edge
    step = 1 if layer[target] >= layer[source] else -1
    between = range(layer[source] + step, layer[target], step)
    stops = [f"{source}>{target}@{number}" for number in between]
    layer.update(zip(stops, between, strict=True))
    return [source, *stops, target]


def _spine(nodes: Sequence[str], forward: Sequence[Edge]) -> list[str]:
    """Return the way that is drawn straight: the longest, but out as soon as one can."""
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in forward:
        after[source].append(target)

    def depth(name: str) -> int:
        return 1 + max((depth(target) for target in after[name]), default=0)

    spine = [nodes[0]]
    while after[spine[-1]]:
        ends = [name for name in after[spine[-1]] if not after[name]]
        spine.append(ends[0] if ends else max(after[spine[-1]], key=depth))
    return spine


def _rows(
    nodes: Sequence[str],
    layer: dict[str, int],
    chains: Sequence[Sequence[str]],
    straight: set[str],
) -> dict[str, float]:
    near: dict[str, list[str]] = {name: [] for name in layer}
    for chain in chains:
        for one, other in pairwise(chain):
            near[one].append(other)
            near[other].append(one)
    columns: dict[int, list[str]] = {}
    for name in sorted(layer, key=lambda n: n not in nodes):
        columns.setdefault(layer[name], []).append(name)
    row = {name: place for c in columns.values() for name, place in _anchored(c, straight).items()}
    for sweep in range(SWEEPS):
        for number in sorted(columns, reverse=bool(sweep % 2)):
            column = columns[number]
            centre = {name: _barycentre(name, near, row) for name in column}
            column.sort(key=lambda name: centre[name])
            row.update(_anchored(column, straight))
    return row


def _barycentre(name: str, near: dict[str, list[str]], row: dict[str, float]) -> float:
    rows = [row[other] for other in near[name]] or [row[name]]
    return sum(rows) / len(rows)


def _anchored(column: Sequence[str], straight: set[str]) -> dict[str, float]:
    """Number the rows of a layer so that the spine lies on row 0."""
    middle = next((i for i, name in enumerate(column) if name in straight), None)
    anchor = (len(column) - 1) / 2 if middle is None else middle
    return {name: float(index - anchor) for index, name in enumerate(column)}
