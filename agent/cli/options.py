"""Options that several commands share, and how they are read."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import FilterError
from ...tools.types import Where
from ..settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
CorpusPlace = Annotated[
    str | None, typer.Option("--corpus", "-c", help="Folder of the corpus, or a Qdrant address.")
]
Embedder = Annotated[
    str | None, typer.Option(help="minilm, none, or provider:model; fixed once a corpus has one.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file instead of suffice.toml.")
]

_CONDITION = re.compile(r"\s*([\w.\-]+)\s*(>=|<=|!=|=)\s*(.*?)\s*", re.DOTALL)
_OPERATORS = {">=": "gte", "<=": "lte", "!=": "not_in", "=": "in"}


def parse_where(conditions: list[str]) -> Where | None:
    """Read `year>=2021`, `team=pilots`, `title!=x`, or one JSON object.

    All conditions must hold; of several values with = for one field any will do.
    Raises `FilterError`.
    """
    if any(condition.lstrip().startswith("{") for condition in conditions):
        return _json(conditions)
    where: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        name, operator, value = _condition(condition)
        held = where.setdefault(name, {})
        if operator in ("in", "not_in"):
            held.setdefault(operator, []).append(value)
        elif held.setdefault(operator, value) != value:
            raise FilterError(f'"{name}" is given two limits of a kind: {held[operator]}, {value}')
    return where or None


def _condition(text: str) -> tuple[str, str, Any]:
    """Return the field, the operator and the value of one condition."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise FilterError(
            f'cannot read --where "{text}"; write field=value, field!=value, field>=value, '
            'field<=value, or JSON such as {"year": {"gte": 2021}}'
        )
    return match[1], _OPERATORS[match[2]], _value(match[3])


def _json(conditions: list[str]) -> dict[str, Any]:
    if len(conditions) > 1:
        raise FilterError("--where as JSON stands alone; put all conditions into the one object")
    try:
        value = json.loads(conditions[0])
    except json.JSONDecodeError as error:
        raise FilterError(f"--where is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise FilterError('--where takes a JSON object, such as {"year": {"gte": 2021}}')
    return value


def _value(text: str) -> Any:
    """Read a number or a truth value as such, and all else as text."""
    if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?|true|false", text):
        return json.loads(text)
    return text


def corpus_for(documents: list[Path], place: str | None, settings: Settings) -> str:
    """Return where the corpus is: as named, or one of its own for the folders asked of."""
    if place is not None or not documents:
        return place or settings.corpus
    paths = sorted(str(path.resolve()) for path in documents)
    digest = hashlib.sha256("\n".join(paths).encode()).hexdigest()[:8]
    name = re.sub(r"[^\w\-]+", "-", Path(paths[0]).stem).strip("-") or "documents"
    return str(Path(".suffice") / f"{name}-{digest}")


def print_json(value: Any) -> None:
    """Print one JSON document to standard output, escaped where its encoding lacks letters."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    sys.stdout.write(json.dumps(value, ensure_ascii=plain, indent=2) + "\n")
