"""Everybody can use it: no violation that axe finds, on any size, in either colour."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from browser_page import ANSWER, Gate, answer, ask, lacking, two_rounds
from tugs import question

from suffice import Document

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def violations(page: Any) -> list[str]:
    """Return what axe has to say about the page as it is."""
    package = pytest.importorskip("axe_playwright_python", reason="axe: uv sync --group e2e")
    page.evaluate((files(package) / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_through_an_answer(site, visit, scheme):
    gate = Gate()
    page = visit(site(two_rounds(gate)), color_scheme=scheme)
    assert violations(page) == []
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    assert violations(page) == []
    gate.open()
    page.locator(ANSWER).wait_for()
    page.locator(".steps-fold summary").click()
    assert violations(page) == []
    page.locator(".chip").first.click()
    page.locator("#details mark").wait_for()
    assert violations(page) == []
    page.locator('[data-node="rerank"]').click()
    page.locator("#details .step summary").first.click()
    page.locator("#details .raw summary").last.click()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_an_abstention_and_the_drawers(site, visit, scheme):
    page = visit(site(lacking("the wage of a master")), color_scheme=scheme)
    answer(page, "What does the master of the tug Anchor earn?")
    assert violations(page) == []
    for opener in ("#corpus-open", "#history-open", "#keys-open"):
        page.locator(opener).click()
        page.locator("dialog").get_by_role("heading").first.wait_for()
        assert violations(page) == []
        page.keyboard.press("Escape")


def test_axe_finds_nothing_in_stored_runs(site, visit):
    page = visit(site(two_rounds()))
    for name in ("Anchor", "Bittern"):
        answer(page, question(name))
    page.get_by_role("link", name="Open run").last.click()
    page.locator(".stored .answer").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Lay beside").click()
    page.locator("dialog a.row").first.click()
    page.locator(".compare").wait_for()
    assert violations(page) == []


def test_on_a_phone_the_parts_are_tabs(site, visit):
    page = visit(site(two_rounds()), **PHONE)
    answer(page, question("Anchor"))
    assert not page.locator("#graph").is_visible()
    assert violations(page) == []
    page.get_by_role("tab", name="Graph").click()
    page.locator('[data-node="verify"].visited').wait_for()
    assert not page.locator("#chat").is_visible()
    assert violations(page) == []
    page.locator('[data-node="search"]').click()
    page.locator("#details .step").first.wait_for()
    assert page.get_by_role("tab", name="Details").get_attribute("aria-selected") == "true"
    assert violations(page) == []
    page.get_by_role("tab", name="Chat").click()
    page.locator(".chip").first.click()
    page.locator("#details mark").wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["viewport"]["width"]


def test_colours_follow_the_system_until_somebody_chooses(site, visit):
    def paper() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page = visit(site(), color_scheme="dark")
    dark = paper()
    page.get_by_role("button", name="Light colours").click()
    light = paper()
    assert light != dark
    page.reload()
    page.locator("html[data-ready]").wait_for()
    assert paper() == light


def test_whoever_wants_no_motion_gets_none(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)), reduced_motion="reduce")
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    assert page.evaluate("document.getAnimations().length") == 0
    gate.open()
    page.locator(ANSWER).wait_for()


def test_right_to_left_text_reads_from_the_right(site, visit):
    text = "القاطرة عنقاء راسية في الرصيف الثالث. ربانها سالم."
    page = visit(site(holds=[Document(text=text, title="القاطرة عنقاء", source="عنقاء.md")]))
    answer(page, "أين ترسو القاطرة عنقاء؟")
    direction = "one => getComputedStyle(one).direction"
    assert page.locator(".asked h2").evaluate(direction) == "rtl"
    shown = page.locator(".quoted, .card .source-text, .lead").first
    assert shown.evaluate(direction) == "rtl"


def test_what_happens_is_said_to_those_who_listen(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)))
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    spoken = page.get_by_role("status")
    assert spoken.text_content() == "Round 2"
    gate.open()
    page.locator(ANSWER).wait_for()
    assert spoken.text_content() == "Answered, 1 quote"
