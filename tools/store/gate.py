"""A gate that many may pass together, or one alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets calls through side by side, and now and then one with nobody else inside."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0
        self._waiting_alone = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Pass with others. Who waits to be alone goes first, so that their turn comes."""
        with self._turn:
            self._turn.wait_for(lambda: not self._waiting_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Pass when nobody is inside, and keep the others out."""
        with self._turn:
            self._waiting_alone += 1
            self._turn.wait_for(lambda: not self._inside)
            self._inside = 1
        try:
            yield
        finally:
            with self._turn:
                self._inside = 0
                self._waiting_alone -= 1
                self._turn.notify_all()
