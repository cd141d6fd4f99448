"""What paths, folders, globs and Documents come to, and in which order."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from suffice import Document
from suffice.errors import InputError
from suffice.tools.ingest import SourceFile, scan


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    return root


def files(*sources: Any) -> list[SourceFile]:
    return [item for item in scan(list(sources)).items if isinstance(item, SourceFile)]


def relative(*sources: Any) -> list[str]:
    return [file.relative for file in files(*sources)]


def test_a_folder_is_listed_to_its_depth_in_a_fixed_order(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a.md", "z/1.md", "c/2.md", "c/d/3.md", "c/1.md")
    assert relative(tmp_path) == ["a.md", "b.md", "c/1.md", "c/2.md", "c/d/3.md", "z/1.md"]


def test_a_file_knows_its_place(tmp_path: Path) -> None:
    make(tmp_path, "docs/team/a.md")
    (file,) = files(tmp_path / "docs")
    assert file.path == (tmp_path / "docs/team/a.md").resolve().as_posix()
    assert (file.relative, file.root) == ("team/a.md", (tmp_path / "docs").resolve().as_posix())
    assert (file.size, file.named) == (len("text of docs/team/a.md"), False)
    (named,) = files(tmp_path / "docs/team/a.md")
    assert (named.relative, named.root, named.named) == ("a.md", named.path, True)


def test_relative_paths_and_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "docs/a.md")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = files(tmp_path / "docs")
    assert files("docs") == files("./docs/") == files("docs/../docs") == files("~/docs") == expected


def test_hidden_and_machine_made_folders_are_left_out(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.md",
        ".git/config",
        ".suffice/runs.txt",
        ".env",
        "node_modules/m/index.js",
        "pkg/__pycache__/x.txt",
        "env/pyvenv.cfg",
        "env/lib/site.py",
        "cache/CACHEDIR.TAG",
        "cache/x.txt",
        "corpus/manifest.json",
        "corpus/passages/data.txt",
        "corpus/documents/data.txt",
        "web/manifest.json",
    )
    assert relative(tmp_path) == ["a.md", "web/manifest.json"]


def test_what_is_hidden_can_be_named(tmp_path: Path) -> None:
    make(tmp_path, ".notes/a.md", "node_modules/m/README.md")
    assert relative(tmp_path / ".notes") == ["a.md"]
    assert relative(tmp_path / ".notes/a.md") == ["a.md"]
    assert relative(tmp_path / "node_modules/m") == ["README.md"]


def test_globs(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.txt", "c/d.md", "c/e/f.md", "node_modules/n.md", ".h/i.md", "g1.md")
    assert relative(f"{tmp_path}/*.md") == ["a.md", "g1.md"]
    assert relative(f"{tmp_path}/**/*.md") == ["a.md", "g1.md", "c/d.md", "c/e/f.md"]
    assert relative(f"{tmp_path}/?.[a-m]*") == ["a.md"]
    assert relative(f"{tmp_path}/c/**") == ["d.md", "e/f.md"]
    assert relative(f"{tmp_path}/*") == ["a.md", "b.txt", "c/d.md", "c/e/f.md", "g1.md"]
    assert relative(f"{tmp_path}/**/e") == ["c/e/f.md"]


def test_a_name_that_looks_like_a_glob_is_a_file_where_there_is_one(tmp_path: Path) -> None:
    make(tmp_path, "notes[1].md", "notes1.md")
    assert relative(tmp_path / "notes[1].md") == ["notes[1].md"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "c/b.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    found = scan([tmp_path, tmp_path / "c", tmp_path / "a.md", f"{tmp_path}/*.md"])
    assert [item.relative for item in found.items if isinstance(item, SourceFile)] == [
        "a.md",
        "c/b.md",
    ]
    assert len(found.roots) == 4


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.md", "elsewhere/b.md")
    (tmp_path / "docs/loop").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/self").symlink_to(tmp_path / "docs/self")
    (tmp_path / "docs/broken").symlink_to(tmp_path / "nowhere")
    found = scan(tmp_path / "docs")
    listed = [item for item in found.items if isinstance(item, SourceFile)]
    assert [file.relative for file in listed] == ["a.md", "other/b.md"]
    assert listed[1].path == (tmp_path / "elsewhere/b.md").as_posix()
    assert {os.path.basename(f.source): f.reason for f in found.failed} == {
        "broken": "is a symbolic link to nothing",
        "self": "cannot be looked at: Too many levels of symbolic links",
    }
    assert relative(f"{tmp_path}/docs/**/*.md") == ["a.md", "other/b.md"]


def test_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket"))
        assert relative(tmp_path) == ["a.md"]
        (failure,) = scan(tmp_path / "pipe").failed
        assert "not a file" in failure.reason


def test_documents_paths_and_lists_mix_and_keep_their_order(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md")
    one, two = Document(text="one"), Document(text="two")
    found = scan([one, [tmp_path / "b.md", (two,)], str(tmp_path / "a.md")])
    kinds = [i.text if isinstance(i, Document) else getattr(i, "relative", "") for i in found.items]
    assert kinds == ["one", "b.md", "two", "a.md"]
    assert scan(one).items == [one]


def test_an_iterator_is_not_read_ahead() -> None:
    read: list[int] = []

    def endless() -> Iterator[Document]:
        for number in count():
            read.append(number)
            yield Document(text=str(number))

    assert len(scan([endless()]).items) == 1
    assert read == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no/such/place", "there is no file or folder"),
        ("no/such/*.md", "nothing matches"),
        ("https://port.example/a.md", "only files are read"),
        ("", "is not a path"),
        ("  ", "is not a path"),
        ("a\0b", "is not a path"),
        ("x" * 5000, "cannot add"),
        (5, "cannot add a int"),
        (None, "cannot add a NoneType"),
        (b"bytes", "cannot add a bytes"),
        ({"text": "x"}, "cannot add a dict"),
    ],
)
def test_what_cannot_be_added_is_named(source: Any, said: str) -> None:
    with pytest.raises(InputError, match=r"cannot add|not a path") as raised:
        scan([Document(text="fine"), source])
    assert said in str(raised.value)
    if isinstance(source, str):
        assert source[:40].strip("\0") in str(raised.value).replace("\\x00", "\0")


def test_a_name_that_is_no_text_is_reported_and_not_fatal(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("text")
    assert len(files(tmp_path)) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_closed_to_us_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "closed/b.md")
    (tmp_path / "closed").chmod(0)
    try:
        found = scan(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert len(found.items) == 1
    assert "cannot be listed: Permission denied" in found.failed[0].reason
