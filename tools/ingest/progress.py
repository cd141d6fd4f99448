"""How far an adding has come, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of an adding.

    `done` of `total` documents are finished (`total` grows where one file turns out to
    hold many); `passages` were embedded, `rate` a second; `seconds_left` is None while it
    cannot be told; `current` is the source being read.
    """

    done: int
    total: int
    passages: int
    rate: float
    seconds_left: float | None
    current: str


class Meter:
    """Weighs documents by their size, as time goes by size rather than by number."""

    def __init__(self) -> None:
        self._began: float | None = None
        self.expected = 0.0
        self.weight = 0.0
        self.unbounded = False
        self.done = 0
        self.passages = 0
        self.current = ""
        self._done_weight = 0.0
        self._embedded_weight = 0.0

    def expect(self, documents: float, weight: float) -> None:
        """Count in what is still to be read; `weight` is in bytes or characters."""
        self.expected += documents
        self.weight += weight

    def start(self) -> None:
        """Start the clock, at the first embedding."""
        self._began = self._began or perf_counter()

    def finish(self, weight: float, *, embedded: bool) -> None:
        """Count a document as done."""
        self.done += 1
        self._done_weight += weight
        self._embedded_weight += weight if embedded else 0.0

    def progress(self) -> Progress:
        """Return this moment."""
        seconds = perf_counter() - self._began if self._began is not None else 0.0
        left: float | None = None
        if self._embedded_weight > 0 and not self.unbounded:
            left = seconds * max(self.weight - self._done_weight, 0.0) / self._embedded_weight
        rate = self.passages / seconds if seconds > 0 else 0.0
        total = max(round(self.expected), self.done)
        return Progress(self.done, total, self.passages, rate, left, self.current)
