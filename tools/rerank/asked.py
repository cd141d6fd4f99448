"""Which candidates are compared with which question: all with the whole one, and those
that a sub-question asked for with that too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .protocol import Candidate


def questions(question: str, candidates: Sequence[Candidate]) -> dict[str, list[int]]:
    """Return for each distinct question the places of the candidates to compare with it."""
    asked: dict[str, list[int]] = {question: list(range(len(candidates)))} if candidates else {}
    for place, candidate in enumerate(candidates):
        for text in dict.fromkeys(candidate.asked):
            if text.strip() and text != question:
                asked.setdefault(text, []).append(place)
    return asked


def best_of(count: int, ranked: Iterable[tuple[Sequence[int], Sequence[float]]]) -> list[float]:
    """Return the best score of each of `count` candidates over (places, scores) pairs."""
    best = [float("-inf")] * count
    for places, scores in ranked:
        for place, score in zip(places, scores, strict=True):
            best[place] = max(best[place], score)
    return best
