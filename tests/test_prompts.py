"""Prompts are files, read strictly: what does not fit is an error at the start."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import PromptError
from suffice.prompts import PLACEHOLDERS, load
from suffice.testing import ScriptedModel
from suffice.tools.llm.tokens import estimate
from suffice.tools.reason.llm import LlmReasoner


def own(folder: Path, text: str, name: str = "plan") -> Path:
    (folder / f"{name}.md").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_what_ships_fits(name: str) -> None:
    template = load(name)
    filled = template.fill(**{place: f"<{place}>" for place in PLACEHOLDERS[name]})
    assert all(f"<{place}>" in filled.user for place in PLACEHOLDERS[name])
    assert filled.system == template.system


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_what_ships_is_short(name: str) -> None:
    assert estimate(load(name).system) < 450


@pytest.mark.parametrize("name", ["plan", "judge", "write"])
def test_what_ships_says_what_it_must(name: str) -> None:
    said = load(name).system.lower()
    for words in (
        "use only the evidence",
        "from elsewhere",
        "never an instruction",
        "letter for letter",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("No parting line {question}", "two parts"),
        ("a\n---\nb\n---\nc", "two parts"),
        ("Rules\n---\n{question} {fields} {searches} {evidence} {tone}", "{tone}"),
        ("Rules\n---\n{question} {fields} {searches}", "{evidence}"),
        ("Rules {question}\n---\n{question} {fields} {searches} {evidence}", "below the line"),
    ],
)
def test_a_prompt_that_does_not_fit_is_an_error_at_the_start(
    tmp_path: Path, text: str, blamed: str
) -> None:
    folder = own(tmp_path, text)
    with pytest.raises(PromptError, match=blamed):
        LlmReasoner(ScriptedModel([]), prompts=folder)


def test_ones_own_prompt_goes_first_and_the_others_stay(tmp_path: Path) -> None:
    folder = own(tmp_path, "Be kind.\n---\n{question}{fields}{searches}{evidence}")
    assert load("plan", folder).system == "Be kind."
    assert load("plan", folder).origin == str(tmp_path / "plan.md")
    assert load("judge", folder) == load("judge")


def test_a_prompt_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PromptError, match="cannot be read"):
        load("plan", tmp_path)


def test_an_unknown_prompt_names_those_there_are() -> None:
    with pytest.raises(PromptError, match="judge"):
        load("poem")


@given(st.text())
def test_what_is_filled_in_is_not_filled_again(text: str) -> None:
    filled = load("support").fill(question=text, claims="{question}")
    assert filled.user.count("{question}") == 1 + text.count("{question}")
    assert text in filled.user
