"""The learned head: signs to a calibrated probability, with numpy alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...rerank.evidence_trees import Forest, read_forest
from .signs import BY_MEANING, BY_WORDS, FORM

MODEL_FILE = "head.json"

Numbers = NDArray[np.float64]

FARTHEST = 3.0
"""Spreads from the mean beyond which the straight part of the head looks no further."""


@dataclass(frozen=True, slots=True)
class Line:
    """A weighted sum of scaled signs.

    `usual`, `mean` and `spread` (F,) are what stands for a sign that cannot be told, and what
    each is scaled by.
    """

    signs: tuple[str, ...]
    usual: Numbers
    mean: Numbers
    spread: Numbers
    weights: Numbers
    bias: float

    def score(self, found: Sequence[Mapping[str, float]]) -> Numbers:
        """Return log-odds, one for each."""
        rows = table(found, self.signs)
        filled = np.where(np.isnan(rows), self.usual, rows)
        scaled = np.clip((filled - self.mean) / self.spread, -FARTHEST, FARTHEST)
        return np.asarray(scaled @ self.weights + self.bias)


@dataclass(frozen=True, slots=True)
class Expert:
    """A line and a small forest over the same signs, whose log-odds are averaged."""

    line: Line
    forest: Forest

    def score(self, found: Sequence[Mapping[str, float]]) -> Numbers:
        """Return log-odds, one for each."""
        grown = self.forest.score(table(found, self.line.signs))
        return np.asarray((self.line.score(found) + grown) / 2)


@dataclass(frozen=True, slots=True)
class Head:
    """An expert for plain questions, one for those of several steps, and what tells them apart.

    `gate` gives the log-odds that a question takes several steps; the experts' log-odds are
    joined by that. `slope` and `offset` calibrate what comes of it.
    """

    gate: Line
    plain: Expert
    steps: Expert
    slope: float
    offset: float

    def raw(self, found: Sequence[Mapping[str, float]]) -> Numbers:
        """Return log-odds before they are calibrated, one for each."""
        share = sigmoid(self.gate.score(found))
        return share * self.steps.score(found) + (1 - share) * self.plain.score(found)

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability that evidence with these signs answers."""
        return float(sigmoid(self.slope * self.raw([found]) + self.offset)[0])


def sigmoid(log_odds: Numbers) -> Numbers:
    """Return the probabilities of log-odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def table(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> Numbers:
    """Return signs as an array (N, F); not a number for one that could not be told."""
    rows = [[each.get(name, math.nan) for name in names] for each in found]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


@dataclass(frozen=True, slots=True)
class Heads:
    """One head for evidence that was compared by meaning, one for words alone."""

    by_meaning: Head
    by_words: Head

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability that the evidence answers, by the head that fits the signs."""
        compared = not BY_MEANING.keys().isdisjoint(found)
        return (self.by_meaning if compared else self.by_words).probability(found)


@cache
def shipped() -> Heads:
    """Return the heads that come with the package."""
    text = files(__package__).joinpath(MODEL_FILE).read_text(encoding="utf-8")
    return read_heads(json.loads(text))


def read_heads(stored: Mapping[str, Any]) -> Heads:
    """Return what `benchmarks/fit_sufficiency.py` stored. Raises `ValueError` for other signs."""
    return Heads(read_head(stored["by_meaning"]), read_head(stored["by_words"]))


def read_head(stored: Mapping[str, Any]) -> Head:
    """Return one of the heads. Raises `ValueError` for other signs."""
    return Head(
        gate=_line(stored["gate"]),
        plain=Expert(_line(stored["plain"]["line"]), read_forest(stored["plain"]["forest"])),
        steps=Expert(_line(stored["steps"]["line"]), read_forest(stored["steps"]["forest"])),
        slope=float(stored["slope"]),
        offset=float(stored["offset"]),
    )


def _line(stored: Mapping[str, Any]) -> Line:
    names = tuple(stored["signs"])
    if not set(names) <= {*BY_WORDS, *BY_MEANING, *FORM}:
        raise ValueError(
            f"{MODEL_FILE} was fitted to other signs; run benchmarks/fit_sufficiency.py"
        )
    arrays = {key: np.array(stored[key]) for key in ("usual", "mean", "spread", "weights")}
    return Line(names, bias=float(stored["bias"]), **arrays)
