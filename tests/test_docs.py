"""What the documents show is what the project does today."""

from __future__ import annotations

import re
from pathlib import Path

from suffice.graphs import build
from suffice.graphs.drawing import structure, to_svg

ROOT = Path(__file__).parent.parent


def test_the_picture_of_the_graph_is_the_graph_of_today() -> None:
    drawn = to_svg(structure(build("iterative")), title="The iterative graph")
    stale = "draw it anew: uv run suffice graph -o docs/graph.svg"
    assert (ROOT / "docs/graph.svg").read_text("utf-8") == drawn, stale


def test_every_local_link_of_the_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    dead = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert dead == []


def test_the_python_of_the_readme_answers_as_written(tmp_path: Path, monkeypatch, capsys) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[:1]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.search(r"^31 documents, \d+ passages$", printed, re.MULTILINE)
    assert re.search(r"^answered Peder Lomvik$", printed, re.MULTILINE)
    assert "2 Marine and statutory appointments" in printed


def test_the_answer_the_readme_shows_is_in_the_documents() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r"^\[\d+\] .* — (examples/\S+)\n(?: +“(.+)”)?", readme, re.MULTILINE)
    assert len(shown) == 3
    for source, quote in shown:
        assert quote in (ROOT / source).read_text("utf-8")
