"""Rows of tables: which cell answers, and how a row reads with its header."""

from __future__ import annotations

from .question import Part
from .sentences import Unit
from .words import stems


def cells(row: str) -> list[str]:
    """Return the cells of a Markdown row, without the space around them."""
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def subject(unit: Unit) -> str:
    """Return the first cell of a row that says anything: what the row is of."""
    return next((cell for cell in cells(unit.text) if cell), "")


def spoken(unit: Unit) -> str:
    """Return a row as "Header: cell; …", which reads without the table around it."""
    header = cells(unit.header)
    pairs = []
    for i, cell in enumerate(cells(unit.text)):
        name = header[i] if i < len(header) else ""
        if cell:
            pairs.append(f"{name}: {cell}" if name else cell)
    return "; ".join(pairs)


def cell_for(part: Part, unit: Unit) -> str:
    """Return the cell whose header the part's words ask for, or "" where none does."""
    header, row = cells(unit.header), cells(unit.text)
    wanted = {t.stem: t.weight for t in part.terms if t.name < 0}
    for term in part.terms:
        for stem in term.also:
            wanted.setdefault(stem, 0.7 * term.weight)
    wanted.update(dict.fromkeys(_TYPICAL.get(part.kind, ()), 0.9))
    best, weight = "", 0.0
    for name, cell in zip(header, row, strict=False):
        met = max((wanted.get(s, 0.0) for s in stems(name)), default=0.0)
        if met > weight and cell and not stems(cell) <= stems(part.text):
            best, weight = cell, met
    return best


_TYPICAL = {
    "person": ("name", "holder", "owner", "contact", "person", "charg", "who", "manag"),
    "date": ("date", "since", "built", "year", "from", "until", "by"),
    "money": ("price", "cost", "fe", "amount", "rate"),
    "place": ("place", "wher", "location", "room", "offic"),
    "duration": ("duration", "time", "period"),
}
