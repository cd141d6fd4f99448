"""The learned reader: two forests over the signals of each piece of the evidence.

The first says whether a piece bears on the question by itself; the second, with the names
that lead from piece to piece, whether it holds the answer. `benchmarks/train_reader.py`
makes the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ...rerank.evidence_trees import Forest, read_forest
from .signals import LINKED, OWN


@dataclass(frozen=True, slots=True)
class Head:
    """Both forests, over the columns of `OWN`, and of `OWN` with `LINKED`."""

    first: Forest
    second: Forest


@cache
def head() -> Head:
    """Return the head that ships with the package."""
    file = files(__package__).joinpath("reader.json")
    return read_head(json.loads(file.read_text(encoding="utf-8")))


def read_head(stored: Mapping[str, Any]) -> Head:
    """Return a stored head. Raises `ValueError` where it was made for other signals."""
    names = (tuple(stored["first"]["signals"]), tuple(stored["second"]["signals"]))
    if names != (OWN, OWN + LINKED):
        raise ValueError("reader.json was made for other signals; run benchmarks/train_reader.py")
    return Head(read_forest(stored["first"]), read_forest(stored["second"]))
