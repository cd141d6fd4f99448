"""How long an evaluation takes, whether its memory stays flat, and what a kill costs it.

    python benchmarks/evaluation.py FOLDER [--questions 500] [--at-once 4] [--corpora PLACE]

FOLDER holds `passages.jsonl` and `questions.jsonl`. No model is asked. First all questions
in one go, with the memory of the process as it goes; then again from nothing, killed
half-way and started again, with every question counted that was asked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from question_sets import read_set

from suffice import Corpus

SECONDS_GOAL, QUESTIONS_GOAL = 120.0, 500
STEPS = 10

CHILD = """
import json, os, sys
from suffice import Corpus
from suffice.agent.evaluation.questions import read_questions
from suffice.agent.evaluation.results import Results
from suffice.agent.evaluation.runner import evaluate
from pathlib import Path

place, questions, count, at_once, kept = sys.argv[1:]
asked = read_questions(questions)[: int(count)]

def megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

def told(at):
    print(json.dumps({"done": at.done, "rate": at.rate, "mb": megabytes()}), flush=True)

with Corpus.open(place, small="none") as corpus:
    found = evaluate(corpus, asked, at_once=int(at_once), results=Results(Path(kept)),
                     progress=told)
print(json.dumps({"seconds": found.seconds, "fresh": found.fresh, "unasked": found.unasked}))
"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=QUESTIONS_GOAL)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--corpora", type=Path, default=Path(".suffice/benchmarks/evaluation"))
    chosen = parser.parse_args(arguments)
    place = chosen.corpora / chosen.folder.name
    with Corpus.open(place, small="none") as corpus:
        corpus.add(list(read_set(chosen.folder).documents))
    whole(place, chosen)
    interrupted(place, chosen)
    return 0


def whole(place: Path, chosen: argparse.Namespace) -> None:
    """All in one go: time, and memory by tenths."""
    steps = list(_child(place, chosen, _emptied(place / "eval" / "whole")))
    end = steps.pop()
    print(
        f"{end['fresh']} questions in {end['seconds']:.0f} s, {chosen.at_once} at a time: "
        f"{1000 * end['seconds'] / max(end['fresh'], 1):.0f} ms a question "
        f"(goal: {QUESTIONS_GOAL} in {SECONDS_GOAL:.0f} s)"
    )
    marks = steps[len(steps) // STEPS :: max(len(steps) // STEPS, 1)]
    print("memory, MB: " + "  ".join(f"{step['done']}: {step['mb']:.0f}" for step in marks))


def interrupted(place: Path, chosen: argparse.Namespace) -> None:
    """Killed half-way, and started again: what was asked how often?"""
    kept = _emptied(place / "eval" / "killed")
    child = _child(place, chosen, kept)
    half = chosen.questions // 2
    for step in child:
        if step.get("done", 0) >= half:
            break
    child.close()
    before = _asked(kept)
    end = list(_child(place, chosen, kept))[-1]
    times = _asked(kept)
    print(
        f"killed after {sum(before.values())}, then {end['fresh']} more: {len(times)} questions "
        f"kept, {sum(count > 1 for count in times.values())} of them asked twice, "
        f"{end['unasked']} unasked"
    )


def _child(place: Path, chosen: argparse.Namespace, kept: Path) -> Any:
    """Run an evaluation in a process of its own and yield what it tells; closing it kills it."""
    with subprocess.Popen(
        [
            *(sys.executable, "-c", CHILD, str(place), str(chosen.folder / "questions.jsonl")),
            *(str(chosen.questions), str(chosen.at_once), str(kept)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                yield json.loads(line)
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)


def _emptied(folder: Path) -> Path:
    for file in folder.glob("*.jsonl"):
        file.unlink()
    return folder


def _asked(kept: Path) -> Counter[str]:
    lines = (kept / "iterative.jsonl").read_bytes().split(b"\n")[:-1]
    return Counter(json.loads(line)["asked"] for line in lines)


if __name__ == "__main__":
    began = time.perf_counter()
    status = main(sys.argv[1:])
    print(f"in all {time.perf_counter() - began:.0f} s")
    sys.exit(status)
