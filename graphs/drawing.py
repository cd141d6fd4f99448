"""Pictures of a compiled graph, made offline: SVG, Mermaid or JSON.

Always from the graph itself, so that a changed graph changes its picture. With the
events of a run, the nodes it visited and the edges it took stand out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from .events import Event, NodeStarted
from .layout import Edge, layered

WIDTH, HEIGHT = 96, 40
STEP_X, STEP_Y, MARGIN = 138, 62, 26


@dataclass(frozen=True, slots=True)
class Path:
    """What a run took: how often each node was visited and each edge was followed."""

    nodes: Counter[str] = field(default_factory=Counter)
    edges: Counter[Edge] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Structure:
    """Nodes and edges of a compiled graph; `conditional` are those a decision chooses."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    conditional: frozenset[Edge]


def structure(graph: CompiledStateGraph[Any, Any, Any, Any]) -> Structure:
    """Return what there is to draw of a compiled graph."""
    drawn = graph.get_graph()
    edges = tuple((edge.source, edge.target) for edge in drawn.edges)
    dashed = frozenset((edge.source, edge.target) for edge in drawn.edges if edge.conditional)
    return Structure(tuple(drawn.nodes), edges, dashed)


def taken(shape: Structure, events: Iterable[Event]) -> Path:
    """Return the path of a run through a graph, from the run's events."""
    path = Path()
    steps = [["__start__"]]
    for event in events:
        if not isinstance(event, NodeStarted):
            continue
        if event.node != steps[-1][0]:
            steps.append([])
        steps[-1].append(event.node)
    steps.append(["__end__"])
    for before, now in pairwise(steps):
        path.nodes[now[0]] += len(now)
        if (before[0], now[0]) in shape.edges:
            path.edges[before[0], now[0]] += len(now)
    path.nodes["__start__"] = 1
    return path


def to_mermaid(shape: Structure, path: Path | None = None) -> str:
    """Return the graph as a Mermaid flowchart; taken edges are thick."""
    lines = ["flowchart LR"]
    lines += [f"    {_mermaid_node(name, path)}" for name in shape.nodes]
    for edge in shape.edges:
        arrow = "-.->" if edge in shape.conditional else "-->"
        if path and path.edges[edge]:
            arrow = "==>"
        lines.append(f"    {_key(edge[0])} {arrow} {_key(edge[1])}")
    visited = [_key(name) for name in shape.nodes if path and path.nodes[name]]
    if visited:
        lines.append("    classDef visited stroke-width:3px")
        lines.append(f"    class {','.join(visited)} visited")
    return "\n".join(lines) + "\n"


def to_json(shape: Structure, path: Path | None = None) -> dict[str, Any]:
    """Return nodes and edges with their places, and with counts where a run is given."""
    layout = layered(shape.nodes, shape.edges)
    return {
        "nodes": [
            {
                "id": name,
                "layer": layout.places[name][0],
                "row": layout.places[name][1],
                "visits": path.nodes[name] if path else 0,
            }
            for name in shape.nodes
        ],
        "edges": [
            {
                "source": edge[0],
                "target": edge[1],
                "conditional": edge in shape.conditional,
                "taken": path.edges[edge] if path else 0,
                "route": layout.routes[edge],
                "arc": edge in layout.arcs,
            }
            for edge in shape.edges
        ],
    }


def to_svg(shape: Structure, path: Path | None = None, *, title: str = "The graph") -> str:
    """Return the graph as one self-contained SVG that follows light and dark."""
    layout = layered(shape.nodes, shape.edges)
    points = [*layout.places.values(), *(p for route in layout.routes.values() for p in route)]
    top = min([row for _, row in points] + [-_rise(layout.routes[edge]) for edge in layout.arcs])
    wide = int(max(x for x, _ in points) * STEP_X + WIDTH + 2 * MARGIN)
    high = int((max(row for _, row in points) - top) * STEP_Y + HEIGHT + 2 * MARGIN)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return MARGIN + WIDTH / 2 + point[0] * STEP_X, MARGIN + HEIGHT / 2 + (
            point[1] - top
        ) * STEP_Y

    edges = [
        _svg_edge(
            _arc(layout.routes[edge], place)
            if edge in layout.arcs
            else _line([place(p) for p in layout.routes[edge]], edge),
            edge in shape.conditional,
            bool(path and path.edges[edge]),
        )
        for edge in sorted(shape.edges, key=lambda e: bool(path and path.edges[e]))
    ]
    nodes = [_svg_node(name, place(layout.places[name]), path) for name in shape.nodes]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'width="{wide}" height="{high}" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            _STYLE,
            *edges,
            *nodes,
            "</svg>\n",
        ]
    )


def _style(ink: str, soft: str, paper: str, box: str, mark: str) -> str:
    return f"""text {{ fill: {ink}; }} .count {{ fill: {paper}; }}
  rect {{ fill: {box}; stroke: {soft}; }} path {{ stroke: {soft}; }}
  .head, .end {{ fill: {soft}; }} circle, .head.taken {{ fill: {mark}; }}
  .taken, .visited {{ stroke: {mark}; }}"""


_LIGHT = _style("#1f2a37", "#8a97a6", "#ffffff", "#f3f6f9", "#0b7285")
_DARK = _style("#e6edf3", "#6b7886", "#0d1117", "#1b232d", "#4cc9dc")
_STYLE = f"""<style>
  text {{ font: 500 14px system-ui, sans-serif; text-anchor: middle; }}
  .count {{ font-size: 11px; }}
  rect {{ stroke-width: 1.2px; }} path {{ fill: none; stroke-width: 1.4px; }}
  .maybe {{ stroke-dasharray: 4 4; }}
  .taken {{ stroke-width: 2.6px; }} .visited {{ stroke-width: 2.2px; }} .head {{ stroke: none; }}
  {_LIGHT}
  .head, .head.taken {{ stroke: none; }}
  @media (prefers-color-scheme: dark) {{ {_DARK} .head, .head.taken {{ stroke: none; }} }}
</style>"""

_ENDS = {"__start__": "start", "__end__": "end"}


def _svg_node(name: str, centre: tuple[float, float], path: Path | None) -> str:
    x, y = centre
    visits = path.nodes[name] if path else 0
    if name in _ENDS:
        shape = f'<circle class="{"" if visits else "end"}" cx="{x:g}" cy="{y:g}" r="7"/>'
        return f"<g><title>{_ENDS[name]}</title>{shape}</g>"
    kind = ' class="visited"' if visits else ""
    box = (
        f'<rect{kind} x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" '
        f'width="{WIDTH}" height="{HEIGHT}" rx="9"/>'
    )
    label = f'<text x="{x:g}" y="{y + 5:g}">{escape(name)}</text>'
    badge = ""
    if visits > 1:
        cx, cy = x + WIDTH / 2 - 2, y - HEIGHT / 2 + 2
        badge = f'<circle cx="{cx:g}" cy="{cy:g}" r="9"/>'
        badge += f'<text class="count" x="{cx:g}" y="{cy + 4:g}">{visits}</text>'
    return f'<g id="node-{escape(name)}">{box}{label}{badge}</g>'


def _svg_edge(drawn: tuple[str, str], maybe: bool, went: bool) -> str:
    curve, head = drawn
    kind = "taken" if went else "maybe" if maybe else ""
    return (
        f'<path class="{kind}" d="{curve}"/>'
        f'<path class="head{" taken" if went else ""}" d="{head}"/>'
    )


Point = tuple[float, float]


def _line(points: Sequence[Point], edge: Edge) -> tuple[str, str]:
    """Draw a line, level at each of its points, from side to side; and its head."""
    line = list(points)
    half = [7.0 if name in _ENDS else WIDTH / 2 for name in edge]
    line[0] = (line[0][0] + half[0], line[0][1])
    line[-1] = (line[-1][0] - half[1], line[-1][1])
    parts = [f"M{line[0][0]:g},{line[0][1]:g}"]
    for (x1, y1), (x2, y2) in pairwise(line):
        middle = (x1 + x2) / 2
        parts.append(f"C{middle:g},{y1:g} {middle:g},{y2:g} {x2:g},{y2:g}")
    return " ".join(parts), f"M{line[-1][0]:g},{line[-1][1]:g} l-8,-4.5 v9 z"


def _rise(route: Sequence[Point]) -> float:
    """Return how many rows above the main way an arc rises: wider ones over narrower."""
    return 0.35 + 0.3 * abs(route[-1][0] - route[0][0])


def _arc(route: Sequence[Point], place: Callable[[Point], Point]) -> tuple[str, str]:
    """Draw an arc from top to top, over the nodes between; and its head."""
    way = 1 if route[-1][0] > route[0][0] else -1
    (x1, y), (x2, _) = place(route[0]), place(route[-1])
    x1, x2, y = x1 + 16 * way, x2 - 16 * way, y - HEIGHT / 2
    high = y - (_rise(route) - 0.1) * STEP_Y * 4 / 3
    return (
        f"M{x1:g},{y:g} C{x1:g},{high:g} {x2:g},{high:g} {x2:g},{y:g}",
        f"M{x2:g},{y:g} l-4.5,-8 h9 z",
    )


def _mermaid_node(name: str, path: Path | None) -> str:
    if name in _ENDS:
        return f"{_key(name)}(({_ENDS[name]}))"
    visits = path.nodes[name] if path else 0
    label = f"{name} ×{visits}" if visits > 1 else name
    return f'{_key(name)}("{label}")'


def _key(name: str) -> str:
    """Return a name Mermaid takes: "end" alone is a word of its language."""
    return _ENDS.get(name, name) + "_" if name in _ENDS else name
