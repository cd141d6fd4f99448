"""`suffice eval` and `suffice compare`, as they are typed and as they end."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import tugs
from terminal import Terminal

from suffice.agent.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work beside documents and questions, searched by words alone."""
    monkeypatch.setenv("SUFFICE_EMBEDDER", "none")
    tugs.write_folder(own_folder / "tugs")
    rows: list[dict[str, Any]] = [
        {
            "id": name,
            "question": tugs.question(name),
            "answers": [tugs.answer(name)],
            "gold": [f"{name.lower()}.md"],
            "type": "berth",
        }
        for name in tugs.NAMES
    ]
    # No master is called that: the answer that is found is wrong by what is known here.
    rows[0]["answers"] = ["at <script>alert(1)</script> sea"]
    rows.append({"id": "none", "question": "Who owns the quarry?", "answerable": False})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (own_folder / "questions.jsonl").write_text(lines, "utf-8")
    return own_folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line itself, run in this process: status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["suffice", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_figures_are_printed_and_a_report_is_written(run: Run) -> None:
    status, out, _ = run("eval", "questions.jsonl", "-d", "tugs")
    assert status == 0
    assert "9 questions" in out
    assert re.search(r"answerable ones right +87\.5 %", out)
    assert re.search(r"unanswerable ones refused +100\.0 %", out)
    assert "Anchor Where is the tug Anchor moored? (wrong answer" in out
    report = Path(re.search(r"report: (\S+)", out)[1])  # type: ignore[index]
    assert report.exists()
    assert json.loads(report.with_suffix(".json").read_text("utf-8"))["unasked"] == 0


def test_machines_get_json_and_a_second_time_nothing_is_asked(run: Run) -> None:
    run("eval", "questions.jsonl", "-d", "tugs")
    status, out, err = run("eval", "questions.jsonl", "-d", "tugs", "--json")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert told["fresh"] == 0
    assert told["strategies"][0]["measures"]["right"]["value"] == 0.875
    assert "tokens" not in told["settings"]


@pytest.mark.parametrize(
    ("goals", "status", "said"),
    [
        (["right=0.8"], 0, ""),
        (["right=90%"], 1, "right is 87.5 %, under 90.0 %"),
        (["right=0.8", "wrong=0.05"], 1, "wrong is 12.5 %, above 5.0 %"),
        (["rigth=0.8"], 2, 'did you mean "right"?'),
        (["right=much"], 2, '"much" is no number'),
    ],
)
def test_goals_decide_how_it_ends(run: Run, goals: list[str], status: int, said: str) -> None:
    asked = [part for goal in goals for part in ("--fail-under", goal)]
    ended, _, err = run("eval", "questions.jsonl", "-d", "tugs", *asked)
    assert ended == status
    assert said in err


def test_bad_questions_are_wrong_usage_and_each_is_named(run: Run, folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"question": ""}\n{"question": "Who?"}\nx\n', "utf-8")
    status, _, err = run("eval", "bad.jsonl", "-d", "tugs")
    assert status == 2
    assert "bad.jsonl, line 1: " in err
    assert "bad.jsonl, line 3: " in err
    assert run("eval")[0] == 2
    assert run("eval", "questions.jsonl", "-d", "tugs", "--strategy", "guess")[0] == 2


def test_a_budget_of_no_time_leaves_questions_unasked(run: Run) -> None:
    status, out, _ = run("eval", "questions.jsonl", "-d", "tugs", "--budget", "seconds=0")
    assert status == 3
    assert "9 unasked" in out


class Page(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data", "background", "style"):
                self.fetched.append(f"{tag} {name}={value}")
            if name == "href":
                self.links.append(value or "")
            assert not name.startswith("on")


def test_the_report_needs_nothing_and_runs_nothing(run: Run, folder: Path) -> None:
    run("eval", "questions.jsonl", "-d", "tugs", "--report", "out/report.html")
    text = (folder / "out" / "report.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.fetched == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert page.tags >= {"svg", "details", "table"}
    assert text.count("<svg") == 4
    assert "&lt;script&gt;alert(1)" in text
    runs = [link for link in page.links if re.search(r"/runs/\d{8}-\d{6}-[0-9a-f]{8}$", link)]
    assert len(runs) == 9
    assert "suffice graph --run" in text


def test_the_run_behind_a_question_can_be_drawn(run: Run, folder: Path) -> None:
    run("eval", "questions.jsonl", "-d", "tugs", "--report", "report.html")
    text = (folder / "report.html").read_text("utf-8")
    command = re.search(r"suffice (graph --run [\w-]+ -c \S+) -o", text)
    assert command is not None
    status, out, _ = run(*command[1].split())
    assert status == 0
    assert "flowchart" in out


def test_two_settings_are_held_to_each_other(run: Run, folder: Path) -> None:
    (folder / "a.toml").write_text('small = "none"\n', "utf-8")
    (folder / "b.toml").write_text('small = "none"\nthreshold = 1.0\n', "utf-8")
    status, out, _ = run("compare", "a.toml", "b.toml", "-q", "questions.jsonl", "-d", "tugs")
    assert status == 0
    assert "threshold: 0.0 → 1.0" in out
    assert re.search(r"answerable ones right +87\.5 % +0\.0 % +−87\.5 .* worse", out)
    # The wrong answer is gone too, but a needless refusal is no better.
    assert "0 gained, 7 lost" in out
    status, out, _ = run(
        "compare", "a.toml", "b.toml", "-q", "questions.jsonl", "-d", "tugs", "--json"
    )
    told = json.loads(out)
    assert told["pair"]["measures"]["right"]["value"] == -0.875
    assert len(told["flipped"]) == 7


def test_settings_that_need_another_index_get_one_each(run: Run, folder: Path) -> None:
    (folder / "a.toml").write_text('small = "none"\n', "utf-8")
    (folder / "b.toml").write_text('small = "none"\nmax_chars = 200\n', "utf-8")
    status, out, _ = run("compare", "a.toml", "b.toml", "-q", "questions.jsonl", "-d", "tugs")
    assert status == 0
    assert "max_chars: 2000 → 200" in out
    assert len(list((folder / ".suffice").glob("tugs-*"))) == 2


def test_first_questions_are_proposed_and_never_written_over(run: Run, folder: Path) -> None:
    status, _, err = run("eval", "--draft", "4", "-d", "tugs", "-o", "first.jsonl")
    assert status == 0
    assert "marked as rough" in err
    assert run("eval", "first.jsonl", "-d", "tugs")[0] == 0
    status, _, err = run("eval", "--draft", "4", "-d", "tugs", "-o", "first.jsonl")
    assert status == 2
    assert "may have been edited" in err


def test_who_watches_sees_a_bar(folder: Path) -> None:
    import os

    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    terminal = Terminal(
        "eval", "questions.jsonl", "-d", "tugs", cwd=folder, environment=environment
    )
    terminal.read_until(lambda text: "report:" in text)
    terminal.read_until(lambda text: False)
    assert terminal.process.wait() == 0
    assert "asking" in terminal.text
    assert "9/9" in terminal.text
