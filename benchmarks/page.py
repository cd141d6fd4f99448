"""How fast the page is, in a real browser on the loopback address.

    python benchmarks/page.py [--loads 15] [--sends 15] [--searches 40]

Prints when the page is ready after its address is opened, with nothing cached; how long
after Send the first event has come; and how many frames a second are drawn while a run is
shown in which 40 searches report, each with as many candidates as a real one. For the last,
the events of a real run are played to the page with the searches multiplied.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from browsing import browser, served

from suffice import Agent, Corpus

HARBOUR = Path(__file__).parent.parent / "examples" / "harbour"
QUESTION = "Which tug has the largest bollard pull and who is its master?"
REPORT_MS = 75

FIRST_EVENT = """
() => {
    window.sent = 0;
    const pressed = (event) => event.key === "Enter" && (sent = performance.now());
    addEventListener("keydown", pressed, true);
    const read = ReadableStreamDefaultReader.prototype.read;
    ReadableStreamDefaultReader.prototype.read = async function () {
        const piece = await read.call(this);
        if (sent && piece.value?.includes?.("run_started")) {
            document.documentElement.dataset.first = performance.now() - sent;
            sent = 0;
        }
        return piece;
    };
}
"""

SCRIPTED = """
([events, pause]) => {
    const real = window.fetch;
    window.fetch = async (path, ...rest) =>
        path === "/v1/ask" ? new Response(stream()) : real(path, ...rest);
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    const stream = () => new ReadableStream({
        async start(out) {
            for (const [n, event] of events.entries()) {
                if (event.type === "node_finished") await wait(pause);
                const text = `id: ${n + 1}\\nevent: ${event.type}\\ndata: ${JSON.stringify(event)}`;
                out.enqueue(new TextEncoder().encode(`${text}\\n\\n`));
            }
            out.close();
        },
    });
    window.frames_at = [];
    const tick = (at) => (frames_at.push(at), requestAnimationFrame(tick));
    requestAnimationFrame(tick);
}
"""


def ready(engine: Any, url: str) -> tuple[float, int]:
    """Return after how many milliseconds the page can be used, and what it weighs in bytes."""
    context = engine.new_context()
    page = context.new_page()
    page.add_init_script(
        "new MutationObserver(() => 'ready' in document.documentElement.dataset"
        " && (window.ready_at ||= performance.now()))"
        ".observe(document, { attributes: true, subtree: true })"
    )
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    weight = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('/assets/'))"
        ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
    )
    took: float = page.evaluate("window.ready_at")
    context.close()
    return took, weight


def first_events(engine: Any, url: str, times: int) -> list[float]:
    """Return, for each question, the milliseconds from Send to its first event."""
    page = engine.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    page.evaluate(FIRST_EVENT)
    took = []
    for number in range(times):
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        first = page.wait_for_selector("html[data-first]").get_attribute("data-first")
        took.append(float(first))
        page.evaluate("delete document.documentElement.dataset.first")
        page.wait_for_selector(f".turn:nth-of-type({number + 1}) .answer")
    page.close()
    return took


def multiplied(events: list[dict[str, Any]], searches: int) -> list[dict[str, Any]]:
    """Return a run's events in which its first round of searches has so many branches."""
    starts = [e for e in events if e["type"] == "node_started" and e["node"] == "search"]
    ends = [e for e in events if e["type"] == "node_finished" and e["node"] == "search"]
    first = events.index(starts[0])
    kept = [e for e in events if e.get("node") != "search"]
    more = [
        {**both[n % len(both)], "id": f"branch-{n}"}
        for both in (starts, ends)
        for n in range(searches)
    ]
    return kept[:first] + more + kept[first:]


def frames(engine: Any, url: str, events: list[dict[str, Any]]) -> tuple[float, float]:
    """Return frames a second while events come in, and the longest wait but 1 in 20, in ms."""
    page = engine.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    page.evaluate(SCRIPTED, [events, REPORT_MS])
    page.fill("#question", QUESTION)
    page.press("#question", "Enter")
    page.wait_for_selector(".answer")
    at = page.evaluate("window.frames_at")
    page.close()
    gaps = sorted(after - before for before, after in pairwise(at))
    return 1000 * len(gaps) / (at[-1] - at[0]), gaps[int(len(gaps) * 0.95)]


def told(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"median {statistics.median(values):.0f} ms, p95 {p95:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loads", type=int, default=15)
    parser.add_argument("--sends", type=int, default=15)
    parser.add_argument("--searches", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Corpus.open(Path(folder) / "harbour") as corpus:
        corpus.add([str(HARBOUR)])
        with Agent(corpus, small="none") as agent, served(agent) as url, browser() as engine:
            run = [json.loads(event.model_dump_json()) for event in agent.stream(QUESTION)]
            loads = [ready(engine, url) for _ in range(asked.loads)]
            print(f"page ready      {told([took for took, _ in loads])}")
            print(f"page weighs     {loads[0][1] / 1000:.0f} kB as sent")
            print(f"first event     {told(first_events(engine, url, asked.sends))} after Send")
            rate, longest = frames(engine, url, multiplied(run, asked.searches))
            print(f"{asked.searches} searches     {rate:.0f} frames a second, p95 {longest:.0f} ms")


if __name__ == "__main__":
    main()
