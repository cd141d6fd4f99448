"""A served agent and a real browser, for what measures the page and what takes its picture."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from suffice import Agent
from suffice.agent.access import Serving
from suffice.agent.server.app import create_app
from suffice.agent.server.headers import LOOPBACK
from suffice.agent.server.listening import Server, address, listen

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def served(agent: Agent) -> Iterator[str]:
    """Serve an agent on a free port and yield the address of its page."""
    bound = listen("127.0.0.1", 0)
    server = Server(create_app([agent], serving=Serving(), callers={}, hosts=set(LOOPBACK)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield address(bound, "127.0.0.1")
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a running Chromium. Ends the program where there is none."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("playwright is not installed: uv sync --group e2e")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield opened
        opened.close()
