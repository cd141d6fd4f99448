"""The first screen of the README does what it says, as written."""

from __future__ import annotations

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT, clean_checkout, fresh_environment, run, variables

README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of the README in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """Return the lines of the first shell block: the two commands."""
    return [line for line in blocks("sh")[0].splitlines() if line and not line.startswith("#")]


def asking() -> list[str]:
    """Return the words of the first command from `suffice` on."""
    words = shlex.split(commands()[0])
    return words[words.index("suffice") :]


def check_answer(printed: str) -> None:
    """It is answered, with numbered sources that lie in the examples."""
    assert re.search(r"^answered · ", printed, re.MULTILINE), printed
    sources = re.findall(r"^\[\d+\] .*(examples/harbour/\S+\.md)$", printed, re.MULTILINE)
    assert sources, printed
    assert all((ROOT / source).is_file() for source in sources)


def test_there_are_two_commands_and_they_stand_on_the_first_screen() -> None:
    ask, test = commands()
    assert ask.startswith("pip install uv && uv run suffice ask -d examples/harbour ")
    assert test == "uv run pytest"
    assert README.index(ask) < 1000
    assert f"\n{test}\n" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_first_command_answers_here(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "harbour", tmp_path / "examples" / "harbour")
    started = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", *asking()],
        cwd=tmp_path,
        env=variables(Path(sys.executable).parent),
        capture_output=True,
        text=True,
        check=False,
    )
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stderr) == (0, "")
    check_answer(done.stdout.replace(str(tmp_path) + os.sep, ""))
    # Ten seconds on an idle machine; this one may be busy, so what it worked is counted.
    assert ended.ru_utime - started.ru_utime < 10 * (os.cpu_count() or 1)


@pytest.mark.slow
def test_both_commands_work_as_written_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = clean_checkout(tmp_path / "clone")
    shell = fresh_environment(tmp_path / "venv")
    env = variables(shell, SUFFICE_CACHE=str(tmp_path / "kept"))
    ask, test = commands()
    done = run("bash", "-c", ask, cwd=clone, env=env)
    check_answer(done.stdout)
    assert not re.search(r"\b(torch|nvidia|sentence.transformers)\b", done.stderr)
    # All the tests again would take as long again; that they are found is enough here.
    run("bash", "-c", f"{test} --collect-only --quiet", cwd=clone, env=env)
