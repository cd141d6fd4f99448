"""Takes the pictures of the page that the README and docs show.

    python benchmarks/screenshots.py [--to docs/images]

An answer with its source open, an abstention, and a run in its second round, from the
example documents. The pictures are reduced to 128 colours, so that each weighs little; the
typeface is the system's own (here: Inter, from the package fonts-inter, if it is there).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browsing import browser, served
from PIL import Image

from suffice import Agent, Corpus
from suffice.tools.reason.extractive import ExtractiveReasoner
from suffice.tools.reason.protocol import (
    Draft,
    Followup,
    Plan,
    PlannedQuery,
    Say,
    Situation,
    Standalone,
    Verdict,
)
from suffice.tools.types import Query

ROOT = Path(__file__).parent.parent
COLOURS = 128
SIZE = {"width": 1360, "height": 850}
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
</fontconfig>
"""

ANSWERED = "Who signs off night berthing for tankers?"
ABSTAINED = "What did the harbour earn from fishing licences in 2019?"
RUNNING = "Who is the usual coxswain of the Kittiwake, and what will the Turnstone cost?"
QUERIES = ("usual coxswain of the Kittiwake", "Kittiwake crew", "Turnstone estimated cost")


class Waiting:
    """Thinks like the reasoner without a model, but searches first, and never judges."""

    name = "extractive"

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def contextualize(self, followup: Followup) -> Standalone:
        return Standalone(question=followup.asked)

    async def plan(self, situation: Situation) -> Plan:
        plan: Plan = await self._inner.plan(situation)
        queries = tuple(PlannedQuery(query=Query(text=text), subquestion="1") for text in QUERIES)
        return plan.model_copy(update={"sufficient": False, "queries": queries})

    async def judge(self, situation: Situation) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError("nobody lets it on")

    async def write(self, situation: Situation, say: Say) -> Draft:
        draft: Draft = await self._inner.write(situation, say)
        return draft

    async def close(self) -> None:
        await self._inner.close()


@contextmanager
def page_of(engine: Any, url: str, scheme: str = "light") -> Iterator[Any]:
    context = engine.new_context(viewport=SIZE, color_scheme=scheme, device_scale_factor=1.5)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    yield page
    context.close()


def ask(page: Any, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def save(page: Any, path: Path) -> None:
    page.mouse.move(4, 400)
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def take(corpus: Corpus, to: Path) -> None:
    with Agent(corpus, small="none") as agent, served(agent) as url, browser() as engine:
        with page_of(engine, url) as page:
            ask(page, ANSWERED)
            page.locator(".chip").first.click()
            page.locator("#details .place", has_text="line").wait_for()
            page.locator(".chip").first.evaluate("chip => chip.blur()")
            save(page, to / "page-answer.png")
        with page_of(engine, url) as page:
            ask(page, ABSTAINED)
            page.locator(".answer.abstained").wait_for()
            save(page, to / "page-abstention.png")
    waiting = Waiting(ExtractiveReasoner(corpus._parts.embedder))
    with (
        Agent(corpus, reasoner=waiting) as agent,
        served(agent) as url,
        browser() as engine,
        page_of(engine, url, "dark") as page,
    ):
        ask(page, RUNNING)
        page.locator('[data-node="judge"].running').wait_for()
        page.locator("#details .step.done").nth(5).wait_for()
        save(page, to / "page-running-dark.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images")
    to: Path = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder, Corpus.open(Path(folder) / "harbour") as corpus:
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(FONTS.format(folder=folder), "utf-8")
        os.environ["FONTCONFIG_FILE"] = str(fonts)
        corpus.add(["examples/harbour"])
        take(corpus, to)


if __name__ == "__main__":
    main()
