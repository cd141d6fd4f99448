"""Listening: one socket, one process, an end in which every run and stream is closed."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...errors import SettingsError
from .headers import LOOPBACK

GRACE_SECONDS = 5
"""How long open connections may take to end when the server does."""

MOST_CONNECTIONS = 1_000

SWITCH_SECONDS = 0.0005
"""How long a thread may keep others from running; with fifty people at once this halved the
delay of events."""


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        SettingsError: the address is not to be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Its protocol is named: only then does asyncio send each event at once, and not, on a
        # connection that is used again, after the client's delayed acknowledgement (40 ms).
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another with --port, or --port 0 for any that is free"
        ) from error
    return bound


def address(bound: socket.socket, host: str) -> str:
    """Return the address to open in a browser."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - what is shown
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{bound.getsockname()[1]}"


class Server(uvicorn.Server):
    """Ends streams before it waits for connections to close, and leaves signals to us."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            Patience(
                app,
                head_seconds=app.state.served.serving.body_seconds,
                http=PatientH11,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end.

        The corpus works in a thread of its own. With Python's usual interval this one would
        wait 5 ms for its turn after every write to a socket while questions are thought about.
        """
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            super().run(sockets)
        finally:
            sys.setswitchinterval(before)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop all runs, so that their streams end, and then the server."""
        await self._app.state.served.live.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on Ctrl-C and on a polite kill; a second one does not wait."""
        try:
            before = {s: signal.signal(s, self.handle_exit) for s in _SIGNALS}
        except ValueError:  # not in the main thread, where there are no signals to take
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Patience(uvicorn.Config):
    """How uvicorn is set up, with how long a client may take to send the head of a request."""

    def __init__(self, app: FastAPI, *, head_seconds: float, **options: Any) -> None:
        super().__init__(app, **options)
        self.head_seconds = head_seconds


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PatientH11(H11Protocol):
    """HTTP/1.1 with an end to the patience for the head of a request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head that has begun to come, and for nothing else."""
        super().data_received(data)
        begun = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        if not begun:
            self._expect_nothing()
        elif self._deadline is None:
            self._expect()

    def _expect(self) -> None:
        assert isinstance(self.config, Patience)
        self._deadline = self.loop.call_later(self.config.head_seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self.transport.close()
