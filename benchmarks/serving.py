"""What serving costs: the page, the first event, fifty people at once, a thousand runs.

    uv run python benchmarks/serving.py [--people 50] [--runs 1000]

The server is a process of its own on the loopback address, on the embedded default, with a
scripted model that plans, judges and writes at once; every person has a token and sees
their own documents alone. The delay of an event is how much later it arrives than it
happened, by the event's own clock, which begins with the run; how long that beginning took
to arrive is told apart. Beside it, as a baseline, the same questions at once through the
SDK.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from suffice import Agent, Corpus, Document
from suffice.agent.access import Serving, Token
from suffice.graphs.events import RunFinished
from suffice.prompts import Prompt
from suffice.prompts.plan import PlanReply
from suffice.testing import FunctionModel, Scripted, reasoner

VESSELS = 20
DELAY_GOAL, FIRST_GOAL, PAGE_GOAL, GROWTH_GOAL = 0.250, 0.050, 0.5, 0.10
_SHOWN = re.compile(r"^\[([a-z]{3})\] (Vessel \S+)$", re.MULTILINE)
_ASKED = re.compile(r"vessel (P\d+V\d+)")


# The world


def name(person: int, vessel: int) -> str:
    return f"P{person}V{vessel}"


def berth(vessel: str) -> str:
    return f"{sum(map(ord, vessel)) % 90 + 10}-{vessel[::-1]}"


def sentence(vessel: str) -> str:
    return f"The vessel {vessel} is moored at berth {berth(vessel)} until further notice."


def question(vessel: str) -> str:
    return f"Where is the vessel {vessel} moored?"


def documents(people: int) -> list[Document]:
    return [
        Document(
            text=f"{sentence(v)} Her papers are in order and her crew is ashore.",
            title=f"Vessel {v}",
            source=f"{v}.md",
            metadata={"person": f"person-{person}"},
        )
        for person in range(people)
        for v in (name(person, vessel) for vessel in range(VESSELS))
    ]


def token(person: int) -> str:
    return f"token-of-person-{person:08}"


def scripted(prompt: Prompt, schema: type[Any] | None) -> Scripted:
    """Plan one more search, then quote the vessel's own passage."""
    vessel = _ASKED.findall(prompt.user)[0]
    ids = {title: shown for shown, title in _SHOWN.findall(prompt.user)}
    quote = {"id": ids.get(f"Vessel {vessel}", "zzz"), "text": sentence(vessel)}
    if schema is None:
        return f"= berth {berth(vessel)}\n- {sentence(vessel)}\n> {quote['id']}: {quote['text']}\n"
    if schema is PlanReply:
        part = {"part": 1, "question": question(vessel), "queries": [f"berth of {vessel}"]}
        return {"parts": [part]}
    answer = f"berth {berth(vessel)}"
    return {"parts": [{"part": 1, "answer": answer, "claim": sentence(vessel), "quotes": [quote]}]}


def open_agent(folder: str) -> Agent:
    return Agent(folder, reasoner=reasoner(FunctionModel(scripted)), small="none")


# The server, in a process of its own


def run_server(folder: str, people: int) -> None:
    from suffice.agent.server.app import create_app
    from suffice.agent.server.hosted import callers_of
    from suffice.agent.server.listening import Server, address, listen

    tokens = [
        Token.model_validate(
            {"name": f"p{n}", "token": token(n), "where": {"person": f"person-{n}"}}
        )
        for n in range(people)
    ]
    serving = Serving(requests_a_minute=1_000_000, runs_at_once=people)
    with open_agent(folder) as agent, listen("127.0.0.1", 0) as bound:
        app = create_app([agent], serving=serving, callers=callers_of(tokens, {}))
        sys.stdout.write(address(bound, "127.0.0.1") + "\n")
        sys.stdout.flush()
        Server(app).run(sockets=[bound])


def memory(process: subprocess.Popen[str]) -> float:
    """Megabytes of a process that are in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


# The clients


@dataclass
class Timing:
    """Seconds until the first event of a run arrived, and the delay of each event."""

    first: float
    delays: list[float]


def timing(sent: float, arrivals: Sequence[tuple[float, float]]) -> Timing:
    """What the moments of arrival, each with the event's own clock, say.

    The run began when its swiftest event says it did: no event arrives before it happened.
    """
    began = min(at - own for at, own in arrivals)
    return Timing(arrivals[0][0] - sent, [at - own - began for at, own in arrivals])


async def over_http(client: httpx.AsyncClient, person: int, vessel: str) -> Timing:
    """Ask, and look at what comes."""
    asked = {"question": question(vessel), "stream": True}
    head = {"Authorization": f"Bearer {token(person)}"}
    sent, arrivals, data = time.perf_counter(), [], {}
    async with client.stream("POST", "/v1/ask", json=asked, headers=head) as stream:
        stream.raise_for_status()
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                data = json.loads(line[6:])
                arrivals.append((time.perf_counter(), data["at"]))
    check(data["answer"], person, vessel)
    return timing(sent, arrivals)


async def over_sdk(agent: Agent, person: int, vessel: str) -> Timing:
    sent, arrivals = time.perf_counter(), []
    where = {"person": f"person-{person}"}
    async for event in agent.astream(question(vessel), where=where):
        arrivals.append((time.perf_counter(), event.at))
        if isinstance(event, RunFinished):
            check(event.answer.model_dump(mode="json"), person, vessel)
    return timing(sent, arrivals)


def check(answer: dict[str, Any], person: int, vessel: str) -> None:
    """It is answered, and from this person's documents alone."""
    assert answer["status"] == "answered", answer
    assert berth(vessel) in answer["text"], answer
    seen = {passage["metadata"]["person"] for passage in answer["passages"]}
    assert seen == {f"person-{person}"}, seen


Ask = Callable[[int, str], Awaitable[Timing]]


async def at_once(people: int, ask: Ask) -> list[Timing]:
    """Three questions of each person, one after the other, all people at the same time."""

    async def one(person: int) -> list[Timing]:
        return [await ask(person, name(person, (person + turn) % VESSELS)) for turn in range(3)]

    return [timing for some in await asyncio.gather(*map(one, range(people))) for timing in some]


async def page_ready(client: httpx.AsyncClient) -> float | None:
    """Seconds until the page, all it links to and the session are there."""
    began = time.perf_counter()
    page = await client.get("/")
    if page.status_code == 404:
        return None
    waiting = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text))
    loaded: set[str] = set()
    while waiting:
        parts = await asyncio.gather(*map(client.get, waiting))
        loaded |= waiting
        found = re.findall(r'from "\./([^"]+)"', "".join(part.text for part in parts))
        waiting = {f"/assets/{one}" for one in found} - loaded
    (await client.get("/v1/session", headers={"Authorization": f"Bearer {token(0)}"})).json()
    return time.perf_counter() - began


# The report


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def tell(what: str, value: float, goal: float, unit: str = "ms", scale: float = 1e3) -> None:
    verdict = "ok" if value <= goal else "TOO MUCH"
    print(f"{what:44} {value * scale:8.1f} {unit:3} (goal {goal * scale:g} {unit}) {verdict}")


def tell_timings(what: str, timings: Sequence[Timing]) -> None:
    delays = [delay for timing in timings for delay in timing.delays]
    firsts = [timing.first for timing in timings]
    middle = statistics.median(firsts) * 1e3
    print(f"{what}: {len(timings)} runs, {len(delays):,} events, first after {middle:.0f} ms")
    tell("  median of event delay", statistics.median(delays), DELAY_GOAL)
    tell("  p95 of event delay", quantile(delays, 0.95), DELAY_GOAL)


async def measure(url: str, process: subprocess.Popen[str], people: int, runs: int) -> None:
    limits = httpx.Limits(max_connections=people + 10)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as client:

        async def ask(person: int, vessel: str) -> Timing:
            return await over_http(client, person, vessel)

        await ask(0, name(0, 0))
        pages = [page for _ in range(10) if (page := await page_ready(client)) is not None]
        if pages:
            tell("page, its parts and the session", statistics.median(pages), PAGE_GOAL)
        firsts = [(await ask(n % people, name(n % people, n % VESSELS))).first for n in range(30)]
        tell("first event after Send, median of 30", statistics.median(firsts), FIRST_GOAL)
        tell_timings(f"{people} people at once over HTTP", await at_once(people, ask))
        await many(ask, people, runs // 5)
        before = memory(process)
        await many(ask, people, runs)
        growth = memory(process) / before - 1
        print(f"memory {before:.0f} MB, after {runs:,} runs more {memory(process):.0f} MB")
        tell("  growth", growth, GROWTH_GOAL, "%", 100)


async def many(ask: Ask, people: int, runs: int) -> None:
    """So many runs, eight at a time."""
    left = iter(range(runs))

    async def worker() -> None:
        for n in left:
            await ask(n % people, name(n % people, n % VESSELS))

    await asyncio.gather(*(worker() for _ in range(8)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--serve", metavar="FOLDER", help="be the server (used by itself)")
    given = parser.parse_args()
    if given.serve:
        run_server(given.serve, given.people)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/corpus"
        with Corpus.open(folder) as corpus:
            corpus.add(documents(given.people))
        with open_agent(folder) as agent:

            async def ask(person: int, vessel: str) -> Timing:
                return await over_sdk(agent, person, vessel)

            asyncio.run(ask(0, name(0, 0)))
            tell_timings(
                f"{given.people} people at once through the SDK",
                asyncio.run(at_once(given.people, ask)),
            )
        command = [sys.executable, __file__, "--serve", folder, "--people", str(given.people)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().strip()
                asyncio.run(measure(url, process, given.people, given.runs))
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
