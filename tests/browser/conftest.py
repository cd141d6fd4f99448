"""A real browser on a real server: Debian's Chromium, headless, driven by Playwright.

Every page is watched: a request to another host, an error in the page or a breach of its
Content-Security-Policy fails the test that it happens in.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from served import Running, serve
from tugs import QUICK, documents

from suffice import Agent, Corpus

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE = 15_000
"""Milliseconds that a page may take for anything; a busy machine is slow, not wrong."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Return a running browser. Of a module, as its driver keeps an event loop in this thread."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: uv sync --group e2e"
    )
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


Site = Callable[..., Running]


@pytest.fixture
def site(own_folder: Path) -> Iterator[Site]:
    """Return what serves a corpus of tugs: `site(reasoner, documents=…, tokens=…)`."""
    with ExitStack() as opened:

        def start(
            reasoner: Any = None, *, holds: Sequence[Any] | None = None, **options: Any
        ) -> Running:
            corpus = opened.enter_context(Corpus.open(own_folder / "harbour", **QUICK))
            corpus.add(documents() if holds is None else holds)
            agent = opened.enter_context(Agent(corpus, reasoner=reasoner))
            return opened.enter_context(serve(agent, **options))

        yield start


@dataclass
class Watched:
    """What the browser did while pages were open."""

    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


Visit = Callable[..., Any]


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def visit(chromium: Any, watched: Watched) -> Iterator[Visit]:
    """Return what opens a page as a new person: `visit(server, "/path", **context options)`."""
    contexts: list[Any] = []
    allowed: set[str] = set()

    def open_page(server: Running, path: str = "/", *, ready: bool = True, **options: Any) -> Any:
        allowed.add(urlsplit(server.url).netloc)
        size = options.pop("viewport", {"width": 1440, "height": 900})
        context = chromium.new_context(viewport=size, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("request", lambda request: _note(request.url, watched))
        context.on("page", lambda page: _listen(page, watched))
        page = context.new_page()
        page.goto(server.url + path)
        if ready:
            page.locator("html[data-ready]").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watched.hosts <= allowed
    assert not watched.faults


def _note(url: str, watched: Watched) -> None:
    if not url.startswith(("data:", "blob:")):
        watched.hosts.add(urlsplit(url).netloc)


def _listen(page: Any, watched: Watched) -> None:
    page.on("pageerror", lambda error: watched.faults.append(str(error)))
    page.on("dialog", lambda dialog: watched.faults.append(f"a dialog: {dialog.message}"))
    page.on("console", lambda message: _hear(message, watched))


def _hear(message: Any, watched: Watched) -> None:
    """A refused request is no fault of the page; what it says in the console besides is."""
    if message.type == "error" and "Failed to load resource" not in message.text:
        watched.faults.append(message.text)
