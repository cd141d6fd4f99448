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
from .signs import BY_MEANING, BY_WORDS

MODEL_FILE = "head.json"

FARTHEST = 3.0
"""Spreads from the mean beyond which the straight part of the head looks no further."""


@dataclass(frozen=True, slots=True)
class Head:
    """A straight line and a small forest over the same signs, whose log-odds are averaged.

    `usual`, `mean` and `spread` (F,) are what stands for a sign that cannot be told, and what
    each is scaled by; `weights` (F,) and `bias` make the straight part. `slope` and `offset`
    calibrate what comes of both.
    """

    signs: tuple[str, ...]
    usual: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    forest: Forest
    slope: float
    offset: float

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability that the evidence with these signs answers."""
        return float(self.probabilities([found])[0])

    def probabilities(self, found: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Return one probability for each."""
        rows = table(found, self.signs)
        return np.asarray(1 / (1 + np.exp(-(self.slope * self.raw(rows) + self.offset))))

    def raw(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds for rows (N, F) of signs, before they are calibrated."""
        filled = np.where(np.isnan(rows), self.usual, rows)
        scaled = np.clip((filled - self.mean) / self.spread, -FARTHEST, FARTHEST)
        return (scaled @ self.weights + self.bias + self.forest.score(rows)) / 2


def table(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
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
    return Heads(_read(stored["by_meaning"]), _read(stored["by_words"]))


def _read(stored: Mapping[str, Any]) -> Head:
    names = tuple(stored["signs"])
    if not set(names) <= {*BY_WORDS, *BY_MEANING}:
        raise ValueError(
            f"{MODEL_FILE} was fitted to other signs; run benchmarks/fit_sufficiency.py"
        )
    return Head(
        signs=names,
        usual=np.array(stored["usual"]),
        mean=np.array(stored["mean"]),
        spread=np.array(stored["spread"]),
        weights=np.array(stored["weights"]),
        bias=float(stored["bias"]),
        forest=read_forest(stored["forest"]),
        slope=float(stored["slope"]),
        offset=float(stored["offset"]),
    )
