"""A process that is stopped in the middle of adding, and what the next one finds."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest import add
from suffice.tools.store import open_store
from suffice.tools.types import AddReport

DOCUMENTS = 3000

# Tells what has been acknowledged, then waits to be stopped: the next batch is by then
# being prepared, or written.
ADDING = """
import asyncio, signal, sys
# Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from suffice.tools.embed.bm25 import Bm25
from suffice.tools.ingest import add
from suffice.tools.store import open_store

def told(progress):
    if progress.done:
        print(progress.done, flush=True)
        sys.stdin.readline()

async def main():
    store = open_store(sys.argv[2])
    try:
        await add(store, None, Bm25(), sys.argv[1], progress=told)
    finally:
        await store.close()

asyncio.run(main())
"""


def adding_stopped_by(how: signal.Signals, source: Path, corpus: Path) -> int:
    """Return the number of documents that were acknowledged before the process ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", ADDING, str(source), str(corpus)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        done = int(process.stdout.readline())
        process.send_signal(how)
        if how is signal.SIGINT:
            # It reads on after the signal; what it says until its end counts as well.
            rest, _ = process.communicate("\n" * 100)
            done = max([done, *map(int, rest.split())])
        assert process.wait() != 0
    return done


async def added_again(source: Path, corpus: Path) -> tuple[AddReport, int]:
    store = open_store(corpus)
    try:
        report = await add(store, None, Bm25(), source)
        return report, await store.count()
    finally:
        await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_acknowledged_is_there_and_the_rest_is_completed(
    how: signal.Signals, tmp_path: Path
) -> None:
    source, corpus = tmp_path / "set.jsonl", tmp_path / "corpus"
    lines = (json.dumps({"id": f"d{i}", "text": f"Text number {i}."}) for i in range(DOCUMENTS))
    source.write_text("\n".join(lines))
    acknowledged = adding_stopped_by(how, source, corpus)
    assert 0 < acknowledged < DOCUMENTS
    report, passages = asyncio.run(added_again(source, corpus))
    assert report.unchanged >= acknowledged
    assert report.added + report.updated + report.unchanged == DOCUMENTS
    assert passages == DOCUMENTS
