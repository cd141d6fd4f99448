"""Plots as inline SVG: no script, no request; their colours come from the page around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 14, 46
ROW = 30

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """Points to be joined; `spans` are vertical intervals at the same places."""

    label: str
    points: Sequence[tuple[float, float]]
    spans: Sequence[tuple[float, float]] = ()
    dots: bool = False
    stepped: bool = False


@dataclass(frozen=True)
class Axis:
    """One axis: its title, its range, and where it is marked with what."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def shares(title: str, low: float = 0.0, high: float = 1.0) -> Axis:
    """Return an axis of shares, marked in per cent."""
    step = 0.2 if high - low > 0.5 else 0.1 if high - low > 0.2 else 0.05
    count = round((high - low) / step)
    ticks = [(low + step * i, f"{100 * (low + step * i):.0f} %") for i in range(count + 1)]
    return Axis(title, low, high, ticks)


def ceiling(values: Sequence[float]) -> float:
    """Return the end of an axis of shares that holds these values."""
    top = max(values, default=1.0)
    return next(end for end in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if top <= end + 1e-9 or end == 1.0)


def line_plot(
    title: str, x: Axis, y: Axis, lines: Sequence[Line], *, diagonal: bool = False
) -> str:
    """Draw lines over two axes; `diagonal` adds the line where both are equal."""
    across, up = _scales(x, y)
    parts = [_axes(x, y, across, up)]
    if diagonal:
        parts.append(
            f'<path class="ideal" d="M{across(x.low):.1f},{up(y.low):.1f} '
            f'L{across(x.high):.1f},{up(y.high):.1f}"/>'
        )
    parts += [_line(line, number, across, up) for number, line in enumerate(lines)]
    return _svg(title, HEIGHT, parts)


def bubble_plot(
    title: str, x: Axis, y: Axis, groups: Sequence[Sequence[tuple[float, float, int]]]
) -> str:
    """Draw points (x, y, how many) over two axes, with the line where both are equal."""
    across, up = _scales(x, y)
    most = max((count for group in groups for _, _, count in group), default=1)
    parts = [
        _axes(x, y, across, up),
        f'<path class="ideal" d="M{across(x.low):.1f},{up(y.low):.1f} '
        f'L{across(x.high):.1f},{up(y.high):.1f}"/>',
    ]
    for number, group in enumerate(groups):
        for a, b, count in group:
            radius = 3 + 9 * (count / most) ** 0.5
            parts.append(
                f'<circle class="dot c{number % 4}" cx="{across(a):.1f}" cy="{up(b):.1f}" '
                f'r="{radius:.1f}"><title>{count} answers: promised {100 * a:.0f} %, '
                f"right {100 * b:.0f} %</title></circle>"
            )
    return _svg(title, HEIGHT, parts)


@dataclass(frozen=True)
class Bar:
    """One bar, to `value`, with a whisker to `far`."""

    label: str
    value: float
    far: float
    said: str
    group: int = 0


def bar_plot(title: str, bars: Sequence[Bar]) -> str:
    """Draw horizontal bars with whiskers, each with what it says at its end."""
    most = max((bar.far for bar in bars), default=1.0) or 1.0
    room = WIDTH - 96 - 120
    parts = []
    for row, bar in enumerate(bars):
        y = TOP + row * ROW
        long, far = room * bar.value / most, room * bar.far / most
        middle = y + 10
        parts.append(
            f'<text class="tick" x="88" y="{middle + 4}" text-anchor="end">{escape(bar.label)}'
            f'</text><rect class="bar c{bar.group % 4}" x="96" y="{y + 2}" '
            f'width="{max(long, 1):.1f}" height="16" rx="2"/>'
            f'<path class="span c{bar.group % 4}" d="M{96 + long:.1f},{middle} H{96 + far:.1f} '
            f'M{96 + far:.1f},{middle - 4} V{middle + 4}"/>'
            f'<text class="tick" x="{104 + far:.1f}" y="{middle + 4}">{escape(bar.said)}</text>'
        )
    return _svg(title, TOP + len(bars) * ROW + 6, parts)


def legend(labels: Sequence[str]) -> str:
    """Return the key to the colours, as HTML; empty for a single label."""
    if len(labels) < 2:
        return ""
    keys = (
        f'<span class="key"><i class="c{number % 4}"></i>{escape(label)}</span>'
        for number, label in enumerate(labels)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def _scales(x: Axis, y: Axis) -> tuple[Scale, Scale]:
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return (
        lambda value: LEFT + wide * (value - x.low) / (x.high - x.low),
        lambda value: TOP + high * (1 - (value - y.low) / (y.high - y.low)),
    )


def _axes(x: Axis, y: Axis, across: Scale, up: Scale) -> str:
    low, right = up(y.low), across(x.high)
    parts = []
    for value, label in y.ticks:
        at = up(value)
        parts.append(f'<path class="grid" d="M{LEFT},{at:.1f} H{right:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">'
            f"{escape(label)}</text>"
        )
    for value, label in x.ticks:
        parts.append(
            f'<text class="tick" x="{across(value):.1f}" y="{low + 18:.1f}" '
            f'text-anchor="middle">{escape(label)}</text>'
        )
    parts.append(f'<path class="axis" d="M{LEFT},{low:.1f} H{right:.1f}"/>')
    parts.append(
        f'<text class="title" x="{(LEFT + right) / 2:.1f}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{escape(x.title)}</text>'
    )
    parts.append(
        f'<text class="title" transform="translate(12 {(TOP + low) / 2:.1f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y.title)}</text>'
    )
    return "".join(parts)


def _line(line: Line, number: int, across: Scale, up: Scale) -> str:
    if not line.points:
        return ""
    kind = f"c{number % 4}"
    places = [(across(x), up(y)) for x, y in line.points]
    drawn = [f"M{places[0][0]:.1f},{places[0][1]:.1f}"]
    drawn += [f"L{x:.1f},{y:.1f}" for x, y in places[1:]]
    parts = [
        f'<path class="line {kind}" d="{" ".join(drawn)}">'
        f"<title>{escape(line.label)}</title></path>"
    ]
    for (x, _), (low, high) in zip(places, line.spans, strict=False):
        parts.append(f'<path class="span {kind}" d="M{x:.1f},{up(low):.1f} V{up(high):.1f}"/>')
    if line.dots:
        parts += [
            f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places
        ]
    return "".join(parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
