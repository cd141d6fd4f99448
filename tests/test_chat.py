"""`suffice chat`: a conversation through a pipe, line by line, and on a terminal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import tugs
from terminal import SUFFICE

from suffice import Corpus

QUIET = {"SUFFICE_EMBEDDER": "none", "SUFFICE_SMALL": "none"}


@pytest.fixture
def notes(own_folder: Path) -> Path:
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
    return own_folder


def chat(folder: Path, said: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SUFFICE, "chat", "--corpus", "notes", *options],
        input=said,
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_conversation_goes_through_a_pipe(notes: Path) -> None:
    said = f"{tugs.question('Anchor')}\n\nand who is her master?\n/quit\nnever asked\n"
    done = chat(notes, said)
    assert done.returncode == 0
    assert tugs.answer("Anchor") in done.stdout
    assert "Anchorsen" in done.stdout
    assert "→ Who is the tug Anchor’s master?" in done.stderr
    assert "never asked" not in done.stdout


def test_a_new_conversation_knows_nothing_of_the_last_and_a_named_one_goes_on(notes: Path) -> None:
    lines = [tugs.question("Anchor"), "/new", "and who is her master?", ""]
    assert "→" not in chat(notes, "\n".join(lines)).stderr
    chat(notes, f"{tugs.question('Curlew')}\n", "--thread", "mine")
    done = chat(notes, "and who is her master?\n", "--thread", "mine")
    assert "→ Who is the tug Curlew’s master?" in done.stderr


def test_json_is_one_event_a_line(notes: Path) -> None:
    done = chat(notes, f"{tugs.question('Anchor')}\nand who is her master?\n", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    started = [event for event in events if event["type"] == "run_started"]
    assert [event["asked"] for event in started] == ["", "and who is her master?"]
    assert sum(event["type"] == "run_finished" for event in events) == 2


def test_what_cannot_be_asked_does_not_end_the_conversation(notes: Path) -> None:
    done = chat(notes, "x" * 9000 + f"\n/what\n{tugs.question('Anchor')}\n")
    assert done.returncode == 0
    assert "8,000" in done.stderr
    assert "/new begins" in done.stderr
    assert tugs.answer("Anchor") in done.stdout
