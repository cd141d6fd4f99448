"""`suffice calibrate`: what it promises, what it writes, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tugs

from suffice import Settings
from suffice.agent.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Calibrate on what is known of eight tugs, all of which are answered rightly."""
    tugs.write_folder(own_folder / "tugs")
    lines = [
        {"question": tugs.question(name), "answers": [tugs.answer(name)]} for name in tugs.NAMES
    ]
    write("questions.jsonl", *lines)
    Path("suffice.toml").write_text('# ours\nembedder = "none"  # words do\nsmall = "none"\n')

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        command = ["suffice", "calibrate", "questions.jsonl", "-d", "tugs", *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def write(name: str, *lines: object) -> None:
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_promise_that_holds_is_written_and_all_else_stays(run: Run) -> None:
    before = Path("suffice.toml").read_text()
    status, out, _ = run("--max-error", "0.45")
    assert status == 0
    assert "at most 45 % are wrong (90 % sure)" in out
    assert "answers 100 % of the questions instead of 100 %" in out
    assert "wrote threshold = 0 to suffice.toml" in out
    assert Path("suffice.toml").read_text().startswith(before)
    assert Settings.load().threshold == 0.0


def test_what_the_sample_cannot_bear_is_not_promised(run: Run) -> None:
    before = Path("suffice.toml").read_text()
    status, out, _ = run()
    assert status == 3
    assert "With 8 questions the best I can promise is 40.1 % wrong answers" in out
    assert "enough for 5 %" in out
    assert "nothing was written" in out
    assert Path("suffice.toml").read_text() == before


def test_wrong_answers_to_what_is_unsure_raise_the_threshold(run: Run) -> None:
    known = [
        {"question": f"{ask} is the tug {name} {word}?", "answers": [gold]}
        for number, name in enumerate(tugs.NAMES)
        for ask, word, gold in (
            ("Where", "moored", f"berth {number + 3}"),
            ("At which berth", "moored", f"berth {number + 3}"),
        )
    ]
    wrong = [
        {"question": f"Which berth did the tug {name} leave?", "answerable": False}
        for name in tugs.NAMES
    ]
    write("questions.jsonl", *known, *wrong)
    status, out, _ = run("--max-error", "0.25", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["written"] == "suffice.toml"
    assert Settings.load().threshold == found["chosen"]["threshold"]
    assert Settings.load().threshold > 0
    assert found["chosen"]["bound"] <= 0.25
    assert (found["asked"], found["chosen"]["answered"], found["chosen"]["wrong"]) == (24, 16, 0)


def test_a_dry_run_writes_nothing(run: Run) -> None:
    before = Path("suffice.toml").read_text()
    status, out, _ = run("--max-error", "0.45", "--dry-run", "--json")
    found = json.loads(out)
    assert (status, found["promised"], found["written"]) == (0, True, None)
    assert found["chosen"]["wrong"] == 0
    assert "exchangeable" in found["assumption"]
    assert Path("suffice.toml").read_text() == before


def test_the_threshold_in_force_does_not_narrow_what_is_calibrated_on(run: Run) -> None:
    with Path("suffice.toml").open("a") as file:
        file.write("threshold = 0.999\n")
    status, out, _ = run("--max-error", "0.45")
    assert status == 0
    assert "8 questions, 8 of them answered" in out
    assert "(it was 0.999)" in out


def test_a_variable_that_overrides_the_file_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUFFICE_THRESHOLD", "0.2")
    _, out, _ = run("--max-error", "0.45")
    assert "SUFFICE_THRESHOLD is set, and overrides the file" in out


def test_answers_that_nobody_can_judge_are_left_out_and_said(run: Run) -> None:
    known = [
        {"question": tugs.question(name), "answers": [tugs.answer(name)]} for name in tugs.NAMES[:6]
    ]
    write("questions.jsonl", *known, {"id": "open", "question": tugs.question("Heron")})
    _, out, _ = run("--max-error", "0.45", "--dry-run")
    assert "6 questions, 6 of them answered" in out
    assert "1 answers have no gold answer and are left out: open" in out


def test_where_nothing_is_answered_nothing_can_be_promised(run: Run) -> None:
    write("questions.jsonl", {"question": "What is the capital of Peru?", "answerable": False})
    status, out, _ = run()
    assert status == 3
    assert "Nothing can be promised: no question was answered." in out


@pytest.mark.parametrize("wrong", [("--max-error", "5"), ("--confidence", "0.1")])
def test_a_share_that_is_none_is_wrong_usage(run: Run, wrong: tuple[str, str]) -> None:
    status, _, err = run(*wrong)
    assert status == 2
    assert wrong[0] in err
