"""A command on a pseudo-terminal of its own, read as a person would see it."""

from __future__ import annotations

import errno
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
SUFFICE = [sys.executable, "-m", "suffice"]

_WATCHED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from suffice.agent.cli import main
main()
"""
# Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.


class Terminal:
    """`suffice …` started on a terminal of 80 columns; `raw` is all it has printed."""

    def __init__(self, *arguments: str, cwd: Path, environment: dict[str, str]) -> None:
        self._leader, follower = pty.openpty()
        settings: dict[str, Any] = {"stdin": follower, "stdout": follower, "stderr": follower}
        shape = {"COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WATCHED, *arguments],
            cwd=cwd,
            env={**environment, **shape},
            start_new_session=True,
            **settings,
        )
        os.close(follower)
        self.raw = ""

    @property
    def text(self) -> str:
        """Return what was printed, without colours and movements."""
        return _STYLE.sub("", self.raw)

    def read_until(self, seen: Callable[[str], object]) -> None:
        """Read until `seen(text)`, or to the end."""
        while not seen(self.text):
            try:
                piece = os.read(self._leader, 65_536)
            except OSError as error:
                if error.errno != errno.EIO:  # which Linux says at the end of a terminal
                    raise
                return
            if not piece:
                return
            self.raw += piece.decode("utf-8", "replace")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end and return the exit status."""
        self.read_until(lambda _: False)
        status = self.process.wait(timeout=60)
        os.close(self._leader)
        return status
