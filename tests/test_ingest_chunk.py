"""Passages: where they are cut, what they carry, and that their offsets are exact."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suffice import Document
from suffice.tools.ingest import chunk, embedding_text

LIMIT = 2000


def document(text: str, *, title: str = "", name: str = "d", extension: str = "md") -> Document:
    return Document(id=name, text=text, title=title, metadata={"extension": extension})


def sentences(count: int, topic: str = "berth") -> str:
    return " ".join(f"Sentence {i} about the {topic} says a little more." for i in range(count))


pieces = st.one_of(
    st.text(max_size=60),
    st.text("ab \n\r\t", max_size=60),
    st.sampled_from(
        [
            "# One\n",
            "## Two\r\n",
            "### Three ###\n",
            "Title\n=====\n",
            "Part\n----\n",
            "```py\nx = 1\n\n# no heading\n```\n",
            "~~~\n",
            "| a | b |\n|---|---|\n| 1 | 2 |\n",
            "\n\n",
            "\r\n\r\n",
            "- item\n- item\n",
            "A sentence. Another one! A third?\n",
            "x" * 90,
            "語" * 50,
            "👩‍👩‍👧‍👦" * 8,
            "🇫🇷🇩🇪" * 8,
            "e\u0301" * 30,
            "\u2028",
            "\x00",
            "\ufeff",
            " " * 70,
        ]
    ),
)
texts = st.lists(pieces, max_size=25).map("".join)
extensions = st.sampled_from(["md", "txt", "rst", "py", "html", "jsonl", ""])


@given(text=texts, limit=st.integers(1, 120), extension=extensions)
@example(text="x" * 500, limit=7, extension="md")
@example(text="\r\n" * 100 + "a" + " " * 300 + "b", limit=1, extension="txt")
@example(text="# a\n" * 50, limit=3, extension="md")
def test_passages_are_the_text_between_their_offsets(text: str, limit: int, extension: str) -> None:
    passages = chunk(document(text, extension=extension), limit)
    previous = 0
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert 0 < len(passage.text) <= limit
        assert passage.text == passage.text.strip()
        assert not text[previous : passage.start].strip()  # nothing is left out
        assert passage.start >= previous  # and nothing is in two passages
        previous = passage.end
    assert not text[previous:].strip()


@given(text=texts, limit=st.integers(1, 120), extension=extensions)
def test_ids_tell_one_passage_from_many(text: str, limit: int, extension: str) -> None:
    passages = chunk(document(text, extension=extension), limit)
    ids = [passage.id for passage in passages]
    if len(text.strip()) <= limit:
        assert ids == (["d"] if text.strip() else [])
    else:
        assert ids == [f"d#{n}" for n in range(1, len(passages) + 1)]
        assert len(ids) > 1


@given(st.text(st.characters(categories=("Mn", "Me", "Lo", "So", "Sk")), max_size=400))
def test_a_cut_leaves_no_mark_without_its_letter(text: str) -> None:
    for passage in chunk(document(text), 40)[1:]:
        before = text[max(passage.start - 32, 0) : passage.start]
        lone = unicodedata.category(passage.text[0]) in ("Mn", "Me", "Mc")
        # A run of marks longer than 32 is no letter anybody writes; it is cut anywhere.
        assert (
            not lone or before.isspace() or all(unicodedata.category(c)[0] == "M" for c in before)
        )


@pytest.mark.parametrize("one", ["👩‍👩‍👧‍👦", "🇫🇷", "e\u0301\u0323", "👍🏽", "각"])
def test_text_without_spaces_is_cut_between_characters(one: str) -> None:
    text = one * 200
    for passage in chunk(document(text), 50):
        assert passage.text == one * (len(passage.text) // len(one))


def test_a_document_no_longer_than_a_passage_is_one_and_has_its_id() -> None:
    text = ("# Fees\n\n" + sentences(100))[:LIMIT]
    (passage,) = chunk(document(text.rstrip(), title="Fees", name="fees"))
    assert (passage.id, passage.document_id, passage.text) == ("fees", "fees", text.rstrip())
    assert (passage.title, passage.headings, passage.start) == ("Fees", (), 0)


def test_what_a_document_carries_its_passages_carry() -> None:
    given = Document(
        id="d", text=sentences(200), title="T", source="/s.md", metadata={"year": 2021}
    )
    for passage in chunk(given):
        assert (passage.title, passage.source) == ("T", "/s.md")
        assert (passage.document_id, passage.metadata) == ("d", {"year": 2021})


def test_long_text_is_cut_at_headings_first() -> None:
    text = "\n\n".join(f"## Part {i}\n\n{sentences(20)}" for i in range(5))
    passages = chunk(document(text))
    assert [p.headings for p in passages] == [(f"Part {i}",) for i in range(5)]
    assert all(p.text.startswith(f"## Part {i}") for i, p in enumerate(passages))


def test_headings_are_the_whole_path_without_the_title() -> None:
    text = (
        f"# Handbook\n\n{sentences(25)}\n\n## Money\n\n{sentences(25)}\n\n"
        f"### Fees\n\n{sentences(25)}\n\n## People\n\n{sentences(25)}\n"
    )
    passages = chunk(document(text, title="Handbook"))
    assert [p.headings for p in passages] == [(), ("Money",), ("Money", "Fees"), ("People",)]
    other = chunk(document(text, title="Another title"))
    assert [p.headings for p in other][2] == ("Handbook", "Money", "Fees")


def test_small_sections_below_one_heading_are_packed() -> None:
    small = "\n\n".join(f"### Rule {i}\n\nRule {i} is short." for i in range(12))
    text = f"## Rules\n\n{small}\n\n## Other\n\n{sentences(60)}"
    passages = chunk(document(text))
    assert passages[0].text.startswith("## Rules")
    assert passages[0].text.endswith("Rule 11 is short.")
    assert passages[0].headings == ("Rules",)
    assert passages[1].headings == ("Other",)


def test_sections_of_different_parents_are_not_packed() -> None:
    text = (
        f"# A\n\n## A one\n\n{sentences(15)}\n\n## A two\n\nShort.\n\n"
        f"# B\n\nShort too.\n\n## B one\n\n{sentences(28)}"
    )
    passages = chunk(document(text))
    assert passages[0].text.endswith("Short.")
    assert passages[1].text.startswith("# B")


def test_paragraphs_stay_whole_when_they_fit() -> None:
    paragraphs = [f"Paragraph {i}. {sentences(8)}" for i in range(20)]
    for passage in chunk(document("\n\n".join(paragraphs))):
        assert all(part in paragraphs for part in passage.text.split("\n\n"))


def test_sentences_stay_whole_when_they_fit() -> None:
    for passage in chunk(document(sentences(300))):
        assert passage.text.startswith("Sentence")
        assert passage.text.endswith("more.")


def test_a_heading_does_not_stand_alone() -> None:
    text = f"# One\n\n{sentences(60)}\n\n## Two\n\n{'word ' * 395}\n\n## Three\n\n{sentences(60)}"
    for passage in chunk(document(text)):
        assert len(passage.text) > 100


def test_no_piece_is_much_smaller_than_its_neighbours() -> None:
    for count in range(45, 140):
        lengths = [len(p.text) for p in chunk(document(sentences(count)))]
        assert min(lengths) > 500


def test_code_fences_are_not_cut_and_hide_headings() -> None:
    code = "```python\n# not a heading\n\n" + "x = 1\n\n" * 100 + "```"
    text = f"# Real\n\n{sentences(30)}\n\n{code}\n\n{sentences(30)}"
    passages = chunk(document(text))
    assert sum(code in passage.text for passage in passages) == 1
    assert {passage.headings for passage in passages} == {("Real",)}


def test_a_fence_longer_than_a_passage_is_cut_at_lines() -> None:
    lines = [f"value_{i} = compute(value_{i - 1}, 'a string. Another one')" for i in range(200)]
    for passage in chunk(document("```\n" + "\n".join(lines) + "\n```")):
        assert all(line in lines or line == "```" for line in passage.text.split("\n"))


def test_table_rows_are_not_cut() -> None:
    rows = [f"| Tanker {i} | needs two tugs. And a pilot. | {i} |" for i in range(200)]
    text = "| Ship | Rule | N |\n|---|---|---|\n" + "\n".join(rows)
    for passage in chunk(document(text)):
        assert all(line.startswith("|") and line.endswith("|") for line in passage.text.split("\n"))


def test_list_items_stay_whole_when_they_fit() -> None:
    items = [f"- Item {i} is long. It has two sentences." for i in range(200)]
    for passage in chunk(document("\n".join(items))):
        assert all(line in items for line in passage.text.split("\n"))


def test_lines_of_a_log_stay_whole() -> None:
    lines = [f"2024-01-01T00:00:{i:02} host app[{i}]: something happened ({i})" for i in range(300)]
    for passage in chunk(document("\n".join(lines), extension="log")):
        assert all(line in lines for line in passage.text.split("\n"))


def test_source_code_is_cut_between_definitions_and_has_no_headings() -> None:
    functions = [f"# comment {i}\ndef f{i}():\n    x = {i}\n\n    return x\n" for i in range(150)]
    passages = chunk(document("\n\n".join(functions), extension="py"))
    assert all(passage.headings == () for passage in passages)
    assert all(passage.text.startswith("# comment") for passage in passages)
    assert all(passage.text.endswith("return x") for passage in passages)


def test_setext_and_restructuredtext_headings() -> None:
    text = f"One\n===\n\n{sentences(40)}\n\nTwo\n---\n\n{sentences(40)}\n"
    for extension in ("md", "rst", "txt"):
        paths = {passage.headings for passage in chunk(document(text, extension=extension))}
        assert paths == {("One",), ("One", "Two")}


def test_restructuredtext_levels_follow_first_use_of_a_style() -> None:
    text = (
        f"#####\nTitle\n#####\n\n{sentences(40)}\n\nPart\n~~~~\n\n{sentences(40)}\n\n"
        f"Deep\n^^^^\n\n{sentences(40)}\n\nNext\n~~~~\n\n{sentences(40)}\n"
    )
    paths = list(dict.fromkeys(p.headings for p in chunk(document(text, extension="rst"))))
    assert paths == [("Title",), ("Title", "Part"), ("Title", "Part", "Deep"), ("Title", "Next")]


def test_what_looks_like_a_heading_and_is_none() -> None:
    text = f"#hashtag\n\n{sentences(30)}\n\nA line\nand one more\n---\n\n{sentences(30)}\n\n#!x\n"
    assert {passage.headings for passage in chunk(document(text))} == {()}


def test_windows_line_ends_make_the_same_passages() -> None:
    text = f"# One\n\n{sentences(40)}\n\n## Two\n\n{sentences(40)}\n\n```\ncode\n```\n"
    unix = chunk(document(text))
    windows = chunk(document(text.replace("\n", "\r\n")))
    assert [p.headings for p in unix] == [p.headings for p in windows]
    assert [p.text for p in unix] == [p.text.replace("\r\n", "\n") for p in windows]


def test_white_space_makes_no_passages() -> None:
    assert chunk(document("")) == []
    assert chunk(document(" \n\t\u00a0" * 5000)) == []
    wide = chunk(document("a" + "\n" * 10_000 + "b"))
    assert [p.text for p in wide] == ["a", "b"]


def test_a_passage_has_at_least_one_character() -> None:
    with pytest.raises(ValueError, match="max_chars is 0"):
        chunk(document("abc"), 0)


@pytest.mark.parametrize(
    ("title", "headings", "text", "expected"),
    [
        ("", (), "Tugs.", "Tugs."),
        ("Harbour", (), "Tugs are needed.", "Harbour. Tugs are needed."),
        ("Harbour", (), "# Harbour\n\nTugs.", "# Harbour\n\nTugs."),
        ("Harbour", (), "HARBOUR\n=======\n\nTugs.", "HARBOUR\n=======\n\nTugs."),
        ("Harbour", (), "Harbour rules say.", "Harbour. Harbour rules say."),
        ("Harbour", ("Tugs", "Night"), "Two.", "Harbour. Tugs. Night. Two."),
        ("Harbour", ("Tugs",), "## Tugs\n\nTwo.", "Harbour. ## Tugs\n\nTwo."),
        ("Harbour", ("Harbour",), "Two.", "Harbour. Two."),
    ],
)
def test_title_and_headings_are_embedded_with_the_text(
    title: str, headings: tuple[str, ...], text: str, expected: str
) -> None:
    (passage,) = chunk(document(text, title=title))
    assert embedding_text(passage.model_copy(update={"headings": headings})) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "# H\n\n" + "The tug waits for the tanker. " * 60_000,
        "x" * 2_000_000,
        " " * 2_000_000 + "x",
        "\n" * 2_000_000 + "x",
        "#" * 2_000_000,
        "# " + "# " * 1_000_000,
        "- " * 1_000_000,
        "```\n" * 500_000,
        "a\n---\n" * 300_000,
        "=====\n" * 300_000,
        "🇫🇷" * 500_000,
        "e" + "\u0301" * 2_000_000,
        "." * 2_000_000,
        ". " * 1_000_000,
        "。" * 2_000_000,
        "\n\n".join("## A\n\nshort." for _ in range(100_000)),
    ],
    ids=lambda text: repr(text[:10]),
)
@pytest.mark.parametrize("extension", ["md", "rst", "py"])
def test_cutting_takes_time_in_proportion_to_the_text(text: str, extension: str) -> None:
    began = time.perf_counter()
    chunk(document(text, extension=extension))
    assert time.perf_counter() - began < 15 * len(text) / 2_000_000
