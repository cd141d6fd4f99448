"""The command line: every command, every form of output, every exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tugs
from store_http import QdrantHttp
from terminal import SUFFICE, Terminal

from suffice.agent.cli import main
from suffice.agent.cli.options import parse_where
from suffice.errors import FilterError

ANSWERED, FAILED, WRONG_USAGE, ABSTAINED, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def folder(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work beside a folder of documents, searched by words alone."""
    monkeypatch.setenv("SUFFICE_EMBEDDER", "none")
    tugs.write_folder(own_folder / "tugs")
    return own_folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line itself, run in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["suffice", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


# ask


def test_one_command_adds_a_folder_and_answers_from_it(run: Run) -> None:
    asked = run("ask", "-d", "tugs", tugs.question("Anchor"))
    assert asked.status == ANSWERED
    assert asked.err == ""
    assert tugs.answer("Anchor") in asked.out
    assert re.search(r"^\[1\] Tug Anchor — tugs/anchor.md$", asked.out, re.M)
    assert re.search(r"^answered · confidence 0\.\d\d · 1 round · .* s · run \S+$", asked.out, re.M)


def test_asking_the_same_folder_again_takes_up_what_is_indexed(run: Run, folder: Path) -> None:
    run("ask", "-d", "tugs", tugs.question("Anchor"))
    (corpus,) = (folder / ".suffice").iterdir()
    before = (corpus / "manifest.json").stat().st_mtime_ns
    assert run("ask", "-d", "./tugs/", tugs.question("Heron")).status == ANSWERED
    assert [*(folder / ".suffice").iterdir()] == [corpus]
    assert (corpus / "manifest.json").stat().st_mtime_ns == before


def test_a_question_without_an_answer_ends_with_3_and_says_what_is_missing(run: Run) -> None:
    asked = run("ask", "-d", "tugs", "Who is the dentist of the mayor?")
    assert asked.status == ABSTAINED
    assert "Not answered:" in asked.out
    assert "abstained" in asked.out


def test_an_outage_ends_with_1_and_not_as_an_abstention(run: Run) -> None:
    model = "openai:any @ http://127.0.0.1:9"
    asked = run("ask", "-d", "tugs", "--small", model, tugs.question("Anchor"))
    assert asked.status == FAILED
    assert "Failed: something broke." in asked.out


def test_json_is_the_whole_answer_and_nothing_else(run: Run) -> None:
    asked = run("ask", "-d", "tugs", "--json", tugs.question("Curlew"))
    answer = asked.json()
    assert asked.err == ""
    assert answer["status"] == "answered"
    (citation, *_) = answer["citations"]
    assert citation["quote"] == tugs.text("Curlew")[citation["start"] : citation["end"]]
    assert run("ask", "-d", "tugs", "--json", "Who is the mayor?").json()["status"] == "abstained"


def test_settings_of_one_question_can_be_given(run: Run) -> None:
    asked = run("ask", "-d", "tugs", "--strategy", "single_pass", "--rounds", "1", "--json", "Who?")
    assert asked.json()["usage"]["rounds"] <= 1
    asked = run("ask", "-d", "tugs", "--strategy", "single", "Who?")
    assert (asked.status, asked.out) == (WRONG_USAGE, "")
    assert 'no strategy "single"; there are: iterative' in asked.err


def test_where_narrows_the_question(run: Run) -> None:
    asked = run(
        "ask", "-d", "tugs", "-w", "year>=2020", "-w", "team=pilots", "--json", "tug moored?"
    )
    found = {(p["metadata"]["year"], p["metadata"]["team"]) for p in asked.json()["passages"]}
    assert found == {(2020, "pilots"), (2022, "pilots")}
    asked = run("ask", "-d", "tugs", "-w", "yeer>=2020", "tug moored?")
    assert asked.status == WRONG_USAGE
    assert re.fullmatch(
        r'suffice: no document has a field "yeer".* Did you mean "year"\?.*\n', asked.err
    )


@pytest.mark.parametrize(
    ("conditions", "where"),
    [
        ([], None),
        (["year=2021"], {"year": {"in": [2021]}}),
        (["year >= 2021", "year<=2022.5"], {"year": {"gte": 2021, "lte": 2022.5}}),
        (["team=pilots", "team=vts"], {"team": {"in": ["pilots", "vts"]}}),
        (["title!=A", "title!=B = C"], {"title": {"not_in": ["A", "B = C"]}}),
        (["team=a", "team!=b"], {"team": {"in": ["a"], "not_in": ["b"]}}),
        (["final=true"], {"final": {"in": [True]}}),
        (["date>=2021-03-05"], {"date": {"gte": "2021-03-05"}}),
        (["note="], {"note": {"in": [""]}}),
        (["id=007", "id=0"], {"id": {"in": ["007", 0]}}),
        (['{"year": {"gte": 2021}, "team": "vts"}'], {"year": {"gte": 2021}, "team": "vts"}),
    ],
)
def test_where_is_read_in_all_its_forms(conditions: list[str], where: object) -> None:
    assert parse_where(conditions) == where


@pytest.mark.parametrize(
    "conditions",
    [
        ["year"],
        ["year~2021"],
        ["= 3"],
        ["{year: 3}"],
        ["[1]"],
        ['{"a": 1}', "b=2"],
        ["a>=1", "a>=2"],
    ],
)
def test_a_where_that_cannot_be_read_is_refused(conditions: list[str]) -> None:
    with pytest.raises(FilterError):
        parse_where(conditions)


def test_a_filter_is_read_before_anything_is_added(run: Run, folder: Path) -> None:
    assert run("ask", "-d", "tugs", "-w", "year", "Who?").status == WRONG_USAGE
    assert not (folder / ".suffice").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask"], "Missing argument"),
        (["ask", "  "], "the question is empty"),
        (["ask", "x" * 100_000], "100,000 characters, 8,000 are the most"),
        (["ask", "-d", "nowhere", "Who?"], "there is no file or folder"),
        (["ask", "--rounds", "0", "Who?"], "Invalid value"),
        (["ask", "--config", "nowhere.toml", "Who?"], "no settings file nowhere.toml"),
        (["ask", "one", "two"], "unexpected extra argument"),
        (["add"], "nothing is named to add"),
        (["add", "nowhere"], "there is no file or folder"),
        (["add", "*.nothing"], "nothing matches"),
        (["add", "https://example.org/a"], "only files are read; download it first"),
        (["graph", "--format", "png"], "'mermaid', 'svg', 'json'"),
        (["graph", "--run", "nope"], 'no run "nope" is kept'),
        (["graph", "--strategy", "nope"], 'no strategy "nope"'),
        (["graph", "-o", "nowhere/graph.svg"], "cannot write nowhere/graph.svg"),
        (["dance"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    run: Run, folder: Path, arguments: list[str], says: str
) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (WRONG_USAGE, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert not (folder / ".suffice").exists()


# add


def test_add_reports_what_it_did(run: Run, folder: Path) -> None:
    assert re.match(r"8 added · 8 passages · \d+\.\d s\n$", run("add", "tugs").out)
    (folder / "tugs" / "anchor.md").write_text("The Anchor was sold.")
    (folder / "tugs" / "heron.md").unlink()
    (folder / "tugs" / "odd.md").write_bytes(b"caf\xe9")
    ended = run("add", "tugs")
    assert re.match(r"1 updated, 6 unchanged, 1 removed · 1 passage · ", ended.out)
    assert re.search(
        r"^  skipped tugs/odd.md: is not valid UTF-8: byte 0xe9 in line 1", ended.out, re.M
    )
    assert (ended.status, ended.err) == (0, "")


def test_add_in_json(run: Run) -> None:
    report = run("add", "tugs/*.md", "--json").json()
    assert (report["added"], report["failed"], report["passages"]) == (8, [], 8)


def test_adding_nothing_but_what_cannot_be_read_ends_with_1(run: Run, folder: Path) -> None:
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    ended = run("add", "photo.png")
    assert ended.status == FAILED
    assert "skipped photo.png: is an image, which is not read" in ended.out


# status


def test_status_says_what_is_there_which_parts_and_why(run: Run, folder: Path) -> None:
    (folder / "suffice.toml").write_text('reranker = "plain"\nsmall = "none"')
    run("add", "tugs")
    shown = run("status")
    assert shown.status == 0
    for said in ("8", "team", "keyword: engineers, pilots", "reranker = 'plain', suffice.toml"):
        assert said in shown.out
    status = run("status", "--json").json()
    assert (status["documents"], status["passages"], status["notices"]) == (8, 8, [])
    assert 0 < status["megabytes"] < 50
    assert {field["name"] for field in status["fields"]} >= {"year", "team"}
    assert {part["part"] for part in status["parts"]} >= {"store", "embedder", "reranker"}


def test_without_a_corpus_status_and_ask_say_how_to_get_one(run: Run) -> None:
    for arguments in (["status"], ["ask", "Who?"], ["add", "--reembed"]):
        ended = run(*arguments)
        assert (ended.status, ended.out) == (FAILED, "")
        assert "there is no corpus at .suffice/corpus. Make one with: suffice add" in ended.err


def test_a_corpus_that_may_have_been_meant_is_named(run: Run, folder: Path) -> None:
    run("ask", "-d", "tugs", "Who?")
    (corpus,) = (folder / ".suffice").iterdir()
    assert f"There is .suffice/{corpus.name}: name one with --corpus" in run("status").err
    assert run("status", "--corpus", str(corpus)).status == 0


def test_a_folder_of_documents_is_not_taken_for_an_empty_corpus(run: Run) -> None:
    ended = run("ask", "--corpus", "tugs", tugs.question("Anchor"))
    assert ended.status == FAILED
    assert "tugs is a folder of other files, not a corpus" in ended.err
    assert "suffice ask -d tugs" in ended.err


def test_an_empty_corpus_is_said_to_be_empty(run: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    ended = run("ask", "-d", "empty", "Who?")
    assert ended.status == ABSTAINED
    assert "is empty" in ended.err


# graph


@pytest.mark.parametrize("asked_before", [False, True])
def test_graph_draws_in_three_formats(run: Run, folder: Path, asked_before: bool) -> None:
    chosen = ["graph"]
    if asked_before:
        assert run("graph", "--run", "last").status == WRONG_USAGE
        run("ask", "-d", "tugs", tugs.question("Anchor"))
        chosen += ["--run", "last"]
    mermaid = run(*chosen).out
    assert mermaid.startswith("flowchart LR\n")
    assert ("==>" in mermaid) is asked_before
    drawing = run(*chosen, "--format", "svg").out
    assert ET.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
    assert ('class="visited"' in drawing) is asked_before
    for shape in (run(*chosen, "--json").json(), run(*chosen, "-f", "json").json()):
        assert {"survey", "plan", "verify"} <= {node["id"] for node in shape["nodes"]}
        assert bool(sum(edge["taken"] for edge in shape["edges"])) is asked_before
    assert run(*chosen, "-o", "graph.svg").out == ""
    assert (folder / "graph.svg").read_text() == drawing


def test_graph_shows_the_strategy_a_run_used(run: Run) -> None:
    asked = run("ask", "-d", "tugs", "--strategy", "single_pass", "--json", "Who?").json()
    drawn = run("graph", "--run", asked["run_id"]).out
    assert drawn.splitlines()[1:] != run("graph").out.splitlines()[1:]
    assert "judge" not in drawn


# cache, version, help


def test_cache_is_shown_and_cleared(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUFFICE_CACHE", str(folder / "kept"))
    assert run("cache", "--json").json()["entries"] == 0
    assert run("cache", "--clear").status == 0


def test_version_and_help(run: Run) -> None:
    assert run("--version").out == "suffice 0.1.0\n"
    helped = run("--help")
    assert helped.status == 0
    for command in ("add", "ask", "status", "graph"):
        assert re.search(rf"^  {command} ", helped.out, re.M)
        assert "--json" in run(command, "--help").out


# Another embedder


def test_a_corpus_of_another_embedder_says_how_to_go_on_and_that_way_works(
    run: Run, folder: Path
) -> None:
    run("add", "tugs")
    other = ["--embedder", "minilm"]
    asked = run("ask", *other, tugs.question("Anchor"))
    assert asked.status == FAILED
    way = re.search(r"was built with no embedder .* Re-embed with: suffice (.*)\n", asked.err)
    assert way is not None
    assert run("add", "tugs", *other).status == FAILED
    assert "8 updated" in run(*way[1].split(), *other).out
    assert tugs.answer("Anchor") in run("ask", *other, tugs.question("Anchor")).out


def test_status_names_a_mismatch_and_still_tells_the_rest(run: Run, folder: Path) -> None:
    run("add", "tugs")
    (folder / "suffice.toml").write_text('embedder = "minilm"')
    (folder / "suffice.toml").write_text("")
    os.environ.pop("SUFFICE_EMBEDDER")
    status = run("status", "--json").json()
    assert status["documents"] == 8
    assert "Re-embed with" in status["notices"][0]


# In a pipe and on a terminal


def environment() -> dict[str, str]:
    return {**os.environ, "SUFFICE_EMBEDDER": "none", "PYTHONIOENCODING": "utf-8"}


def test_in_a_pipe_a_line_stays_a_line_and_nothing_but_the_answer_is_printed(run: Run) -> None:
    long = ", ".join(f"beacon {n}" for n in range(15))
    Path("tugs/long.md").write_text(f"The lighthouse keeper looks after {long}.")
    asked = run("ask", "-d", "tugs", "What does the lighthouse keeper look after?")
    assert asked.err == ""
    assert f"The lighthouse keeper looks after {long}." in asked.out
    assert "\x1b" not in asked.out


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    command = " ".join([*SUFFICE, "graph", "-f", "svg"])
    for reader in ("head -1", "true"):
        done = subprocess.run(
            ["bash", "-c", f"{command} | {reader}"],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), reader


def test_an_encoding_that_lacks_letters_breaks_nothing(folder: Path) -> None:
    Path("tugs/pier.md").write_text("The ship Löwe „Ωmega“ \N{ANCHOR} lies at pier 9.", "utf-8")
    ask = [*SUFFICE, "ask", "-d", "tugs", "Where does the ship Löwe lie?"]
    ascii_only = {**environment(), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(ask, env=ascii_only, capture_output=True, check=False)
    assert done.stderr == b""
    assert b"L?we" in done.stdout
    done = subprocess.run([*ask, "--json"], env=ascii_only, capture_output=True, check=False)
    assert "Löwe „Ωmega“ \N{ANCHOR}" in json.loads(done.stdout)["text"]


def test_on_a_terminal_the_run_is_shown_as_it_goes(folder: Path) -> None:
    terminal = Terminal(
        "ask", "-d", "tugs", tugs.question("Bittern"), cwd=folder, environment=environment()
    )
    assert terminal.end() == ANSWERED
    lines = terminal.text
    assert "8 added" in lines
    assert re.search(r"survey +\d+ found +Where is the tug Bittern moored\?", lines)
    assert re.search(r"plan +found", lines)
    assert lines.index("survey") < lines.index("[1] Tug Bittern")
    assert tugs.answer("Bittern") in " ".join(lines.split())
    assert "\x1b[" in terminal.raw


def test_what_a_document_holds_never_steers_the_terminal(folder: Path) -> None:
    planted = "The \x1b]0;owned\x07tug \x1b[2Jcrew \x9b31m [bold red]rests[/] in [/x] cabin 7."
    Path("tugs/evil.md").write_text(planted, "utf-8")
    terminal = Terminal(
        "ask", "-d", "tugs", "Where does the crew rest?", cwd=folder, environment=environment()
    )
    assert terminal.end() in (ANSWERED, ABSTAINED)
    for escape in ("\x1b]0;owned", "\x1b[2J", "\x9b"):
        assert escape not in terminal.raw
    assert "[bold red]rests[/] in [/x] cabin 7" in " ".join(terminal.text.split())


def test_ctrl_c_while_adding_loses_nothing_and_adding_again_completes(
    folder: Path, run: Run
) -> None:
    total, rest = 800, " ".join(f"beacon{n}" for n in range(30))
    lines = (
        json.dumps({"id": str(n), "text": f"Buoy {n} is painted in colour {n * 7}. {rest}"})
        for n in range(total)
    )
    (folder / "buoys.jsonl").write_text("\n".join(lines))
    with_meaning = {**environment(), "SUFFICE_EMBEDDER": "minilm"}
    terminal = Terminal("add", "buoys.jsonl", cwd=folder, environment=with_meaning)
    terminal.read_until(lambda text: re.search(r"[1-9]\d*/800", text))
    terminal.interrupt()
    assert terminal.end() == INTERRUPTED, terminal.text
    assert "stopped; what was acknowledged is kept" in terminal.text
    assert "Traceback" not in terminal.text
    os.environ["SUFFICE_EMBEDDER"] = "minilm"
    kept = run("status", "--json").json()
    assert 0 < kept["documents"] <= total
    assert kept["passages"] >= kept["documents"]
    report = run("add", "buoys.jsonl", "--json").json()
    assert report["added"] + report["updated"] + report["unchanged"] == total
    assert report["unchanged"] > 0
    assert run("status", "--json").json()["passages"] == total


def test_push_copies_a_corpus_to_a_server_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server = QdrantHttp()
    try:
        added = run("add", "tugs", "--json").json()["added"]
        first = run("push", server.url, "--collection", "notes", "--json").json()
        again = run("push", server.url, "--collection", "notes")
        monkeypatch.setenv("SUFFICE_COLLECTION", "notes")
        status = run("status", "--corpus", server.url, "--json").json()
    finally:
        server.close()
    assert first == {"copied": added}
    assert again.out == f"0 documents copied to {server.url}\n"
    assert status["documents"] == added


def test_push_says_what_is_wrong_and_copies_nothing(run: Run) -> None:
    nothing = run("push", "http://127.0.0.1:9")
    assert nothing.status == FAILED
    assert "suffice add" in nothing.err
