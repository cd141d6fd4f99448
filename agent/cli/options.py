"""Options that several commands share, and how they end."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

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
_OPERATORS = {">=": "gte", "<=": "lte"}


def parse_where(conditions: list[str]) -> Where | None:
    """Read `year>=2021`, `team=pilots`, `id!=x`, or one JSON object. Raises `FilterError`."""
    where: dict[str, Any] = {}
    for condition in conditions:
        if condition.lstrip().startswith("{"):
            where.update(_json(condition))
            continue
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise FilterError(
                f'cannot read "{condition}"; write field=value, field>=value, or JSON'
            )
        name, sign, value = match.group(1), match.group(2), _value(match.group(3))
        if sign == "=":
            where[name] = value
        elif sign == "!=":
            where.setdefault(name, {}).setdefault("not_in", []).append(value)
        else:
            where.setdefault(name, {})[_OPERATORS[sign]] = value
    return where or None


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise FilterError(f"--where is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise FilterError('--where takes a JSON object, such as {"year": {"gte": 2021}}')
    return value


def _value(text: str) -> Any:
    """Read a number or a truth value as such, and all else as text."""
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
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
    """Print one JSON document to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def fail(error: Exception, code: int) -> NoReturn:
    """Print an error in one plain line and end with `code`."""
    sys.stderr.write(f"suffice: {error}\n")
    sys.exit(code)
