"""What a person does on the page, and reasoners that wait to be let on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from scripted import ScriptedReasoner, claim, found, missing, parts, query
from tugs import NAMES, documents, text

from suffice.tools.reason.protocol import (
    Draft,
    Followup,
    Plan,
    Situation,
    Standalone,
    Verdict,
)

ANSWER = ".turn:last-of-type .answer"


def ask(page: Any, question: str) -> None:
    """Type a question and send it."""
    page.locator("html[data-ready]").wait_for()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")


def answer(page: Any, question: str) -> str:
    """Ask, wait for the answer and return it as it reads."""
    ask(page, question)
    page.locator(ANSWER).wait_for()
    text: str = page.locator(ANSWER).inner_text()
    return text


class Gate:
    """Holds a run until it is opened, however long that takes."""

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._opened = False

    async def passed(self) -> None:
        if self._opened:
            return
        event = asyncio.Event()
        self._waiting.append((asyncio.get_running_loop(), event))
        await event.wait()

    def open(self) -> None:
        self._opened = True
        for loop, event in self._waiting:
            loop.call_soon_threadsafe(event.set)


def held(gate: Gate, thought: Any) -> Callable[[Situation], Coroutine[Any, Any, Any]]:
    """Return a step of a script that waits at a gate before it thinks `thought`."""

    async def wait() -> Any:
        await gate.passed()
        return thought

    return lambda _: wait()


def tug(name: str) -> str:
    """Return the id of the passage about a tug."""
    return documents()[NAMES.index(name)].id


def sentence(name: str) -> str:
    return text(name).split(". ")[0] + "."


def alone(followup: Followup) -> Standalone:
    """Take a question of a conversation as it stands."""
    return Standalone(question=followup.asked)


def two_rounds(gate: Gate | None = None, name: str = "Anchor") -> ScriptedReasoner:
    """Plan two queries, judge what they bring (at the gate, if one is given), and write."""
    asked = parts(f"Where is the tug {name} moored?", f"Who is master of the {name}?")
    plan = Plan(
        sufficient=False,
        subquestions=asked,
        queries=(query(f"{name} berth"), query(f"{name} master", "2")),
        findings=(missing("1", "the berth"), missing("2", "the master")),
    )
    ids = tug(name)
    verdict = Verdict(
        sufficient=True,
        findings=(found("1", ids, sentence(name)), found("2", ids, sentence(name))),
        confidence=0.9,
    )
    draft = Draft(claims=(claim(ids, sentence(name)),), confidence=0.9)
    verdicts = [held(gate, verdict) if gate else verdict]
    return ScriptedReasoner([plan], verdicts, [draft], [alone])


def lacking(gap: str) -> ScriptedReasoner:
    """Find nothing that answers, and say what is missing."""
    return ScriptedReasoner(
        [Plan(sufficient=False, subquestions=parts(gap), findings=(missing("1", gap),))]
    )
