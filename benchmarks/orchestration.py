"""What the graph itself costs: everything but embedding, store, reranker and reasoner.

    uv run python benchmarks/orchestration.py [--repeat 3]

Asks the example questions. The time in which any tool is at work is taken off each
question's wall time; what is left is LangGraph, the nodes, the events and the kept run.
Beside it, as a baseline, the same tools called one after the other with no graph.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from suffice import Agent, Corpus, Settings
from suffice.graphs.state import Tools
from suffice.tools.reason.protocol import Situation
from suffice.tools.types import Query

EXAMPLES = Path(__file__).parent.parent / "examples"


class Clock:
    """The time during which at least one tool is at work, however many at once."""

    def __init__(self) -> None:
        self.busy = 0.0
        self._running = 0
        self._since = 0.0

    def timed(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            if not self._running:
                self._since = time.perf_counter()
            self._running += 1
            try:
                return await call(*args, **kwargs)
            finally:
                self._running -= 1
                if not self._running:
                    self.busy += time.perf_counter() - self._since

        return run


class Timed:
    """A tool whose async calls are counted by a clock."""

    def __init__(self, tool: Any, clock: Clock, *calls: str) -> None:
        self._tool = tool
        for name in calls:
            setattr(self, name, clock.timed(getattr(tool, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tool, name)


def timed_tools(tools: Tools, clock: Clock) -> Tools:
    return Tools(
        store=Timed(tools.store, clock, "fields"),
        searcher=Timed(tools.searcher, clock, "search"),
        reranker=Timed(tools.reranker, clock, "rank"),
        reasoner=Timed(tools.reasoner, clock, "plan", "judge", "write"),
        evidence=tools.evidence,
    )


async def without_graph(question: str, tools: Tools) -> None:
    """Survey, rank, plan and write, one after the other."""
    found = await tools.searcher.search(Query(text=question))
    scores = await tools.reranker.rank(question, found)
    order = sorted(zip(scores, found, strict=True), key=lambda pair: -pair[0])[: tools.evidence]
    evidence = tuple(candidate.passage for _, candidate in order)
    situation = Situation(question=question, evidence=evidence)
    await tools.reasoner.plan(situation)
    await tools.reasoner.write(situation, lambda piece: None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    lines = (EXAMPLES / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with (
        tempfile.TemporaryDirectory() as folder,
        Corpus.open(folder, settings=Settings()) as corpus,
        Agent(corpus) as agent,
    ):
        corpus.add(EXAMPLES / "harbour")
        own, walls, bare = measure(agent, questions, repeat)
    print(f"{len(own)} questions, medians in ms (90th percentile)")
    for name, values in (
        ("whole question", walls),
        ("the graph's own", own),
        ("no graph, own", bare),
    ):
        high = statistics.quantiles(values, n=10)[-1]
        print(f"  {name:16} {statistics.median(values):7.2f} ({high:.2f})")


def measure(agent: Agent, questions: list[str], repeat: int) -> tuple[list[float], ...]:
    tools = agent._tools()
    own, walls, bare = [], [], []
    for number, question in enumerate(questions[:5] + questions * repeat):
        clock = Clock()
        agent._tools = lambda clock=clock: timed_tools(tools, clock)
        began = time.perf_counter()
        agent.ask(question)
        wall = time.perf_counter() - began
        direct = Clock()
        began = time.perf_counter()
        asyncio.run(without_graph(question, timed_tools(tools, direct)))
        straight = time.perf_counter() - began
        if number >= 5:  # the first few load code
            walls.append(1000 * wall)
            own.append(1000 * (wall - clock.busy))
            bare.append(1000 * (straight - direct.busy))
    return own, walls, bare


if __name__ == "__main__":
    main()
