"""Loaders: what text, title and metadata come out of a file, and what is said of a bad one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice import Document
from suffice.errors import IngestError
from suffice.tools.ingest import SourceFile, load, register
from suffice.tools.types import Failure


def read(path: Path, content: str | bytes, relative: str = "") -> list[Document | Failure]:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(data)
    file = SourceFile(path.as_posix(), relative or path.name, path.parent.as_posix(), len(data))
    return [loaded.document for loaded in load(file)]


def document(path: Path, content: str | bytes, relative: str = "") -> Document:
    (only,) = read(path, content, relative)
    assert isinstance(only, Document)
    return only


def reason(path: Path, content: str | bytes) -> str:
    with pytest.raises(IngestError) as raised:
        read(path, content)
    assert raised.value.source == path.as_posix()
    return raised.value.reason


# Plain text and encodings


def test_plain_text_is_taken_as_it_stands(tmp_path: Path) -> None:
    found = document(tmp_path / "minutes.txt", "  Two tugs.\n\n\tDone.\n", "board/minutes.txt")
    assert found.text == "  Two tugs.\n\n\tDone.\n"
    assert found.title == "minutes"
    assert found.source == (tmp_path / "minutes.txt").as_posix()
    assert found.id == Document(text="other", source=found.source).id
    assert found.metadata == {"folder": "board", "file": "minutes.txt", "extension": "txt"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    text = "Café, 港, 🚢\n"
    assert document(tmp_path / "a.txt", text.encode(encoding)).text == text


def test_big_endian_utf_16_is_read(tmp_path: Path) -> None:
    assert document(tmp_path / "a.txt", b"\xfe\xff" + "Café".encode("utf-16-be")).text == "Café"


def test_line_ends_are_those_that_python_reads(tmp_path: Path) -> None:
    found = document(tmp_path / "a.txt", b"one\r\ntwo\rthree\nfour\r\n")
    assert found.text == (tmp_path / "a.txt").read_text() == "one\ntwo\nthree\nfour\n"


def test_an_eight_bit_encoding_is_not_guessed(tmp_path: Path) -> None:
    why = reason(tmp_path / "a.txt", "Premier quai\nCafé fermé".encode("cp1252"))
    assert "not valid UTF-8: byte 0xe9 in line 2" in why
    assert "iconv" in why


def test_half_a_utf_16_file_is_reported(tmp_path: Path) -> None:
    assert "not valid UTF-16" in reason(tmp_path / "a.txt", b"\xff\xfea\x00b")


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x01\x00\x00", b"text with a \0 in it", bytes(range(1, 256)) * 20]
)
def test_a_binary_file_is_reported(tmp_path: Path, data: bytes) -> None:
    for name in ("a.txt", "a.md", "a.py", "a.unknown", "a.html"):
        assert reason(tmp_path / name, data) == "is a binary file, not text"


@pytest.mark.parametrize(
    ("name", "kind"), [("a.pdf", "a PDF"), ("B.DOCX", "an office document"), ("c.png", "an image")]
)
def test_known_types_that_are_not_read_are_named(tmp_path: Path, name: str, kind: str) -> None:
    assert reason(tmp_path / name, b"whatever") == f"is {kind}, which is not read"


def test_a_large_file_is_reported_with_its_size(tmp_path: Path) -> None:
    why = reason(tmp_path / "dump.txt", b"word " * 10_000_000)
    assert "has 50.0 MB, more than the 20 MB" in why
    assert "split it" in why


def test_an_empty_file_holds_no_document(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", "") == []
    assert read(tmp_path / "a.md", " \n\n ") == []


def test_a_file_that_is_gone_or_closed_to_us_is_reported(tmp_path: Path) -> None:
    gone = SourceFile((tmp_path / "gone.txt").as_posix(), "gone.txt", "", 1)
    with pytest.raises(IngestError, match="was gone before it could be read"):
        list(load(gone))
    folder = SourceFile(tmp_path.as_posix(), "folder", "", 1)
    with pytest.raises(IngestError, match="cannot be read"):
        list(load(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_closed_to_us_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")
    path.chmod(0)
    with pytest.raises(IngestError, match="permission denied"):
        list(load(SourceFile(path.as_posix(), "a.txt", "", 4)))


def test_unknown_types_that_are_text_are_read(tmp_path: Path) -> None:
    assert document(tmp_path / "LICENSE", "Apache").text == "Apache"
    assert document(tmp_path / "notes.xyz", "Words").text == "Words"


# Markdown


def test_front_matter_becomes_title_and_metadata(tmp_path: Path) -> None:
    found = document(
        tmp_path / "a.md",
        "---\ntitle: Night berthing\ndate: 2021-03-04\nyear: 2021\ntags: [tugs, pilots]\n"
        "draft: false\nowner:\n  name: Ada\n  room: 4\nempty:\n---\n# Heading\n\nText.\n",
    )
    assert found.title == "Night berthing"
    assert found.text == "# Heading\n\nText.\n"
    assert found.metadata == {
        "folder": "",
        "file": "a.md",
        "extension": "md",
        "date": "2021-03-04",
        "year": 2021,
        "tags": ["tugs", "pilots"],
        "draft": False,
        "owner.name": "Ada",
        "owner.room": 4,
    }


def test_scalars_mean_what_they_look_like(tmp_path: Path) -> None:
    front = (
        "country: NO\nopens: 12:30\ncode: 007\nratio: 0.5\nhex: 0x1F\nyes: true\nversion: 1.10.2"
    )
    found = document(tmp_path / "a.md", f"---\n{front}\n---\nText\n")
    kept = {k: v for k, v in found.metadata.items() if k not in ("folder", "file", "extension")}
    assert kept == {
        "country": "NO",
        "opens": "12:30",
        "code": "007",
        "ratio": 0.5,
        "hex": "0x1F",
        "yes": True,
        "version": "1.10.2",
    }


def test_toml_front_matter(tmp_path: Path) -> None:
    found = document(tmp_path / "a.md", '+++\ntitle = "T"\nday = 2021-03-04\n+++\nText\n')
    assert (found.title, found.text, found.metadata["day"]) == ("T", "Text\n", "2021-03-04")


@pytest.mark.parametrize(
    "front",
    ["a: b: c", "- one\n- two", "key: [1, 2", "\t- x", "date: 2021-13-45", "a: !!python/none x"],
)
def test_front_matter_that_is_not_yaml_stays_text_and_is_reported(
    tmp_path: Path, front: str
) -> None:
    text = f"---\n{front}\n---\n# Title\n\nText.\n"
    found, failure = read(tmp_path / "a.md", text)
    assert isinstance(found, Document)
    assert isinstance(failure, Failure)
    assert (found.text, found.title) == (text, "Title")
    assert "its front matter cannot be read" in failure.reason
    assert "it went in as text" in failure.reason


def test_yaml_that_unfolds_without_end_is_reported(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    found, failure = read(tmp_path / "a.md", "---\n" + "\n".join(lines) + "\n---\nText\n")
    assert isinstance(found, Document)
    assert isinstance(failure, Failure)
    assert "more than 10,000 metadata values" in failure.reason


@pytest.mark.parametrize(
    "text", ["---\nA rule above.\n", "---\nProse.\n\n---\n\nMore.\n", "----\nx"]
)
def test_rules_are_not_front_matter(tmp_path: Path, text: str) -> None:
    assert document(tmp_path / "a.md", text).text == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Intro\n\n# The *real* `title` #\n\n# Second\n", "The *real* title"),
        ("```\n# in code\n```\n\n# Title\n", "Title"),
        ("Setext title\n============\n\ntext", "Setext title"),
        ("# See [the page](http://x.y)\n", "See the page"),
        ("## Only level two\n", "berth-rules"),
        ("No heading at all\n", "berth-rules"),
    ],
)
def test_the_title_is_the_first_heading_or_the_file(tmp_path: Path, text: str, title: str) -> None:
    assert document(tmp_path / "berth-rules.md", text).title == title


@given(st.text(max_size=300))
def test_no_front_matter_breaks_the_reading(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("front") / "a.md"
    data = f"---\n{text}\n---\nbody\n".encode("utf-8", "replace")
    if "\0" in text:
        assert reason(path, data) == "is a binary file, not text"
        return
    found = read(path, data)
    assert isinstance(found[0], Document)
    assert "body" in found[0].text


# reStructuredText, code


def test_restructuredtext_takes_its_first_title(tmp_path: Path) -> None:
    text = "======\nPilots\n======\n\nText.\n\nRules\n-----\n\nMore.\n"
    found = document(tmp_path / "a.rst", text)
    assert (found.title, found.text) == ("Pilots", text)
    assert document(tmp_path / "b.rst", "No title.").title == "b"


@pytest.mark.parametrize("suffix", ["py", "js", "java", "rs", "cpp", "sh", "toml", "json", "sql"])
def test_source_code_is_called_by_its_path(tmp_path: Path, suffix: str) -> None:
    text = "# a comment\nx = 1\n"
    found = document(tmp_path / f"main.{suffix}", text, f"src/app/main.{suffix}")
    assert (found.text, found.title) == (text, f"src/app/main.{suffix}")
    assert found.metadata["folder"] == "src/app"


# HTML

PAGE = """<!doctype html><html><head><title>Berthing | Port of Call</title>
<style>p {color: red}</style><script>alert("no")</script></head><body>
<header>Port of Call</header><nav><a href="/">Home</a></nav>
<main><h1>Berthing</h1><p>Night <b>berthing</b> of
   <a href="/t">tankers</a> &amp; barges.<br>Ask first.</p>
<h2>Rules</h2><ul><li>One</li><li><p>Two</p></li></ul>
<table><tr><th>Ship</th><th>Tugs</th></tr><tr><td><p>Tanker</p></td><td>2</td></tr></table>
<pre>x = 1

  y = 2
</pre><div>Outer<div>inner</div>tail</div></main>
<aside>Advertisement</aside><footer>Imprint</footer></body></html>"""


def test_html_keeps_words_and_structure_and_drops_the_rest(tmp_path: Path) -> None:
    found = document(tmp_path / "a.html", PAGE)
    assert found.title == "Berthing"
    assert found.text == (
        "# Berthing\n\nNight berthing of tankers & barges.\nAsk first.\n\n"
        "## Rules\n\n- One\n- Two\n\n| Ship | Tugs |\n| Tanker | 2 |\n\n"
        "```\nx = 1\n\n  y = 2\n```\n\nOuter\n\ninner\n\ntail"
    )


def test_a_page_laid_out_with_tables_stays_readable(tmp_path: Path) -> None:
    inner = "<table><tr><td>a</td></tr></table>"
    page = f"<table><tr><td><h1>Head</h1>one</td><td>{inner}</td></tr></table>"
    assert document(tmp_path / "a.html", page).text == "# Head\n\none\n\n| a |"


def test_html_says_its_own_encoding(tmp_path: Path) -> None:
    page = '<meta charset="iso-8859-1"><p>Caf\xe9 \x93fermé\x94'.encode("latin-1")
    assert document(tmp_path / "a.html", page).text == "Café “fermé”"
    assert "not valid UTF-8" in reason(tmp_path / "b.html", b"<p>Caf\xe9")
    assert "says it is klingon" in reason(tmp_path / "c.html", b"<meta charset=klingon><p>\xe9")


def test_html_without_words_is_reported(tmp_path: Path) -> None:
    assert "has no text" in reason(tmp_path / "a.html", "<script>render()</script>")


def test_deep_html_is_read(tmp_path: Path) -> None:
    assert document(tmp_path / "a.html", "<div>" * 20_000 + "deep").text == "deep"


@given(st.text(st.sampled_from("<>/abp!-&;=\"' \nh1tdrule"), max_size=400))
def test_no_markup_breaks_the_reading(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("html") / "a.html"
    with suppress(IngestError):
        assert all(isinstance(found, Document) and found.text for found in read(path, text))


# JSON Lines


def lines(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values) + "\n"


def test_json_lines_are_documents(tmp_path: Path) -> None:
    full = {
        "id": "r1",
        "title": "Rule",
        "text": "Two tugs.",
        "source": "https://port.example/r1",
        "metadata": {"year": 2021, "by": {"name": "Ada"}},
        "team": "pilots",
    }
    first, second = read(tmp_path / "a.jsonl", lines(full, {"text": "Bare."}))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.id, first.title, first.text) == ("r1", "Rule", "Two tugs.")
    assert first.source == "https://port.example/r1"
    assert first.metadata == {
        "folder": "",
        "file": "a.jsonl",
        "extension": "jsonl",
        "year": 2021,
        "by.name": "Ada",
        "team": "pilots",
    }
    assert (second.title, second.source) == ("", (tmp_path / "a.jsonl").as_posix())
    assert second.id


def test_a_line_without_id_keeps_its_id_when_lines_move(tmp_path: Path) -> None:
    one = read(tmp_path / "a.jsonl", lines({"text": "A"}, {"text": "B"}))
    two = read(tmp_path / "a.jsonl", lines({"text": "C"}, {"text": "B"}, {"text": "A"}))
    ids = [{d.text: d.id for d in found if isinstance(d, Document)} for found in (one, two)]
    assert ids[0] == {text: ids[1][text] for text in "AB"}


def test_a_bad_line_is_reported_by_number_and_the_rest_goes_in(tmp_path: Path) -> None:
    data = (
        b'{"text": "good"}\n\n{not json}\n[1, 2]\n{"title": "no text"}\n{"text": 5}\n'
        b'{"text": "caf\xe9"}\n{"text": "m", "metadata": []}\n{"text": "i", "id": {}}\n'
        + b"[" * 100_000
        + b'\n{"text": "last", "id": 7}'
    )
    found = read(tmp_path / "a.jsonl", data)
    documents = [each for each in found if isinstance(each, Document)]
    failures = {
        each.source.rpartition(":")[2]: each.reason for each in found if isinstance(each, Failure)
    }
    assert [(d.text, d.id) for d in documents][1:] == [("last", "7")]
    assert list(failures) == ["3", "4", "5", "6", "7", "8", "9", "10"]
    assert "is not JSON" in failures["3"]
    assert "is a list" in failures["4"]
    assert "has no `text`" in failures["5"]
    assert "`text` is not a string" in failures["6"]
    assert "not valid UTF-8" in failures["7"]
    assert "`metadata` is not an object" in failures["8"]
    assert "`id` is not a string" in failures["9"]
    assert "nested too deeply" in failures["10"]


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", lines(*({"question": i} for i in range(500))))
    assert len(found) == 21
    assert isinstance(found[-1], Failure)
    assert found[-1].reason == "480 more bad lines"


def test_json_lines_in_utf_16_and_with_windows_line_ends(tmp_path: Path) -> None:
    text = lines({"text": "Café"}, {"text": "Quai"}).replace("\n", "\r\n")
    for encoding in ("utf-16", "utf-8-sig"):
        found = read(tmp_path / "a.jsonl", text.encode(encoding))
        assert [d.text for d in found if isinstance(d, Document)] == ["Café", "Quai"]


# The seam


class Cards:
    suffixes = (".cards",)
    largest = 100

    def count(self, data: bytes) -> int:
        return data.count(b"%")

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document | Failure]:
        for card in data.decode().split("%"):
            yield Document(text=card, source=file.path)


def test_a_loader_can_be_registered_for_a_suffix(tmp_path: Path) -> None:
    register(Cards())
    found = read(tmp_path / "a.cards", "one%two")
    assert [d.text for d in found if isinstance(d, Document)] == ["one", "two"]
    assert "more than" in reason(tmp_path / "b.cards", "x" * 101)
