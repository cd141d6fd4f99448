"""Asking on the page: the answer, its sources, and every way on from there."""

from __future__ import annotations

from typing import Any

import pytest
from browser_page import Gate, answer, ask, lacking, sentence, two_rounds
from scripted import ScriptedReasoner
from tugs import question

from suffice.errors import CallFailed
from suffice.tools.reason.protocol import Plan

pytestmark = pytest.mark.slow


def test_an_answer_cites_what_it_stands_on(site, visit):
    page = visit(site())
    said = answer(page, question("Anchor"))
    assert "moored at berth 3" in said
    assert "likely right" in said
    page.locator(".chip").first.click()
    assert "moored at berth 3" in page.locator("#details mark").inner_text()
    head = page.locator("#details .source-head")
    assert "Tug Anchor" in head.inner_text()
    head.get_by_text("line 1").wait_for()
    assert "appointed in 2015" in page.locator("#details .passage").inner_text()


def test_a_document_opens_whole_by_its_own_address(site, visit):
    server = site()
    page = visit(server)
    answer(page, question("Bittern"))
    page.locator(".chip").first.click()
    whole = page.get_by_role("link", name="The whole document")
    address = whole.get_attribute("href")
    whole.click()
    page.locator("#details .whole mark").wait_for()
    other = visit(server, address)
    assert "The tug Bittern is moored" in other.locator("#details .whole").inner_text()


def test_steps_fold_under_the_answer(site, visit):
    page = visit(site(two_rounds()))
    answer(page, question("Anchor"))
    fold = page.locator(".steps-fold")
    assert fold.locator("summary").inner_text().startswith("2 rounds · 3 searches · ")
    fold.locator("summary").click()
    lines = fold.locator("li").all_inner_texts()
    assert [line.split()[0] for line in lines] == [
        *("survey", "plan", "search", "search", "rerank", "judge", "write", "verify")
    ]
    assert "Anchor berth" in lines[2]


def test_a_run_can_be_stopped_and_asked_again(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)))
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#turns").get_by_text("Stopped.").wait_for()
    assert page.get_by_label("Your question").is_enabled()
    gate.open()
    page.get_by_role("button", name="Ask again", exact=True).click()
    page.locator(".turn:last-of-type .answer.answered").wait_for()


def test_an_abstention_says_what_is_missing_and_how_to_go_on(site, visit):
    page = visit(site(lacking("what the master of the Anchor earned in 1911")))
    said = answer(page, "What did the master of the tug Anchor earn in 1911?")
    assert page.locator(".answer.abstained").is_visible()
    assert page.locator(".answer .bad").count() == 0
    for title in ("Missing", "Nearest", "Looked for"):
        assert title in said
    page.locator(".nearest button").first.click()
    assert page.locator("#details .passage").is_visible()
    with page.expect_request("**/v1/ask") as sent:
        page.get_by_role("button", name="Search wider").click()
    body: Any = sent.value.post_data_json
    assert body["budget"]["rounds"] > 3
    assert body["where"] is None


def test_an_outage_never_looks_like_an_absence(site, visit):
    broken = ScriptedReasoner([CallFailed("the model did not answer")])
    page = visit(site(broken))
    said = answer(page, question("Anchor"))
    assert "Something broke." in said
    assert "says nothing about what your documents hold" in said
    assert "the model did not answer" in said
    assert "Missing" not in said
    assert page.get_by_role("button", name="Try again").is_visible()


def test_no_evidence_is_said_plainly(site, visit):
    nothing = ScriptedReasoner([Plan(sufficient=False)])
    page = visit(site(nothing))
    assert "The documents do not settle this." in answer(page, "Who?")


def test_an_answer_is_copied_with_its_citations(site, visit):
    page = visit(site(), permissions=["clipboard-read", "clipboard-write"])
    answer(page, question("Curlew"))
    page.get_by_role("button", name="Copy with citations").click()
    page.locator("#turns").get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert sentence("Curlew") in copied
    assert "[1]" in copied
    assert "(Tug Curlew, tugs/curlew.md)" in copied


def test_a_question_is_edited_and_sent_again(site, visit):
    page = visit(site())
    answer(page, question("Dunlin"))
    page.get_by_role("button", name="Edit and ask again").click()
    field = page.get_by_label("Your question")
    assert field.input_value() == question("Dunlin")
    assert "berth 7" in answer(page, question("Egret"))
    assert page.locator(".turn").count() == 2


def test_nothing_is_sent_twice_or_empty(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)))
    ask(page, "   ")
    assert page.locator(".turn").count() == 0
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    page.get_by_label("Your question").press("Enter")
    assert page.locator(".turn").count() == 1
    gate.open()
    page.locator(".answer").wait_for()
