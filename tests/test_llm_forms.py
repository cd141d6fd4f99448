"""Replies are found leniently and believed strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from suffice.prompts.judge import JudgeReply
from suffice.prompts.plan import PlanReply
from suffice.prompts.support import SupportReply
from suffice.testing import FunctionModel
from suffice.tools.llm.forms import FormError, json_schema, read_form, shown_form
from suffice.tools.llm.thoughts import ThoughtFilter
from suffice.tools.llm.tokens import estimate

GOOD = {"parts": [{"part": 1, "question": "who?", "after": [], "answer": None}]}
TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"Sure!\n```json\n{TEXT}\n```\nAnything else?",
        f"<think>maybe {{}} or {TEXT[:9]}</think>{TEXT}",
        f"I thought so.</think>{TEXT}",
        f'{{"parts": "first try"}} no, rather: {TEXT}',
        TEXT.replace("who?", "who\nwhat?"),
        TEXT[:-1] + ', "mood": "good"}',
    ],
)
def test_a_form_is_found_in_what_is_around_it(text: str) -> None:
    form = read_form(text, PlanReply)
    assert (form.parts[0].part, form.parts[0].answer) == (1, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("<think>for ever", "empty"),
        ("No idea.", "no JSON object"),
        ("{}", "parts"),
        ('{"parts": []}', "parts"),
        (TEXT[:-3], "no JSON object"),
        (TEXT.replace("1", '"1"'), "part"),
        (TEXT.replace("1", "1.5"), "part"),
        ('{"parts": [{"part": 1, "question": "a", "answer": true}]}', "answer"),
        ("[" * 100_000, "no JSON object"),
        ('{"a":' * 100_000, "no JSON object"),
    ],
)
def test_what_is_no_form_is_never_taken_for_one(text: str, said: str) -> None:
    with pytest.raises(FormError, match=said):
        read_form(text, PlanReply)


@given(st.text())
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    with pytest.raises(FormError):
        read_form(text, PlanReply)


@given(st.integers(0, len(TEXT) - 1))
def test_a_reply_broken_off_is_no_reply(length: int) -> None:
    with pytest.raises(FormError):
        read_form(TEXT[:length], PlanReply)


@pytest.mark.parametrize("schema", [PlanReply, JudgeReply, SupportReply])
def test_schemas_are_closed_and_every_field_required(schema: type[BaseModel]) -> None:
    def check(node: object) -> None:
        if isinstance(node, list):
            for item in node:
                check(item)
        elif isinstance(node, dict):
            if "properties" in node:
                assert node["additionalProperties"] is False
                assert node["required"] == list(node["properties"])
            assert not {"minItems", "default", "format"} & set(node)
            for value in node.values():
                check(value)

    check(json_schema(schema))
    assert '"parts"' in shown_form(PlanReply)
    assert estimate(shown_form(schema)) < 150


@given(st.lists(st.sampled_from(["<", "think", ">", "a ", "</", "reasoning", "\n"]), max_size=30))
def test_thoughts_are_filtered_alike_however_the_text_is_cut(pieces: list[str]) -> None:
    def filtered(parts: list[str]) -> str:
        kept = ThoughtFilter()
        return "".join(kept.feed(part) for part in parts) + kept.rest()

    assert filtered(pieces) == filtered(list("".join(pieces)))


def test_an_estimate_grows_with_the_text_and_is_not_too_low() -> None:
    english = "The harbour master approves the night berthing of tankers in writing. " * 20
    assert 250 <= estimate(english) <= 400
    assert estimate("夜間の着桟は許可が必要です") >= 13
    assert estimate("") == 0


def test_fakes_say_what_they_are() -> None:
    assert repr(FunctionModel(lambda *_: "")) == "ChatModel('test:function')"
