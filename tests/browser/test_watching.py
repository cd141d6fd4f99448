"""Watching a run: the picture while it goes on, the time line after, several people at once."""

from __future__ import annotations

import pytest
from browser_page import ANSWER, Gate, answer, ask, two_rounds
from tugs import NAMES, question

from suffice.testing import ScriptedModel, reasoner

pytestmark = pytest.mark.slow


def node(page, name):
    return page.locator(f'[data-node="{name}"]')


def lit(page):
    """Return the nodes that a run has come to, as their names are read out."""
    return page.locator(".node.visited").evaluate_all(
        "nodes => nodes.map((node) => node.getAttribute('aria-label'))"
    )


def told(server, path):
    with server.client() as client:
        return client.get(path).json()


def taken(page):
    return page.locator(".edge.taken").count()


def test_round_two_lights_up_while_it_runs(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)))
    assert lit(page) == []
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    assert lit(page) == [
        *("survey, 1 visit", "plan, 1 visit", "search, 2 visits", "rerank, 1 visit"),
        "judge, 1 visit, running",
    ]
    assert node(page, "search").locator(".badge").text_content() == "×2"
    assert node(page, "search").locator(".branch.done").count() == 2
    assert page.locator("#graph-state").inner_text() == "round 2"
    assert "Round 2 · judge" in page.locator(".turn .now").inner_text()
    before = taken(page)
    gate.open()
    page.locator(ANSWER).wait_for()
    page.locator('[data-node="verify"].visited').wait_for()
    assert page.locator(".node.running").count() == 0
    assert taken(page) == before + 3  # judge to write, on to verify, and to the end


def test_the_picture_is_that_of_the_compiled_graph(site, visit):
    server = site()
    page = visit(server)
    drawn = told(server, "/v1/graph")
    named = [one["id"] for one in drawn["nodes"] if not one["id"].startswith("__")]
    page.locator(".node").first.wait_for()
    shown = page.locator(".node").evaluate_all("all => all.map((one) => one.dataset.node)")
    assert sorted(shown) == sorted(named)
    assert page.locator(".edge").count() == len(drawn["edges"])
    page.get_by_label("Strategy").select_option("single_pass")
    node(page, "plan").wait_for(state="detached")
    assert node(page, "write").is_visible()


def test_a_node_opens_with_what_went_in_and_what_came_out(site, visit):
    page = visit(site(two_rounds()))
    answer(page, question("Anchor"))
    node(page, "search").click()
    runs = page.locator("#details .step")
    assert runs.count() == 2
    runs.first.locator("summary").first.click()
    body = runs.first.locator(".step-body")
    assert "Anchor berth" in body.inner_text()
    assert "Tug Anchor" in body.locator("table").inner_text()
    node(page, "rerank").click()
    page.locator("#details .step summary").first.click()
    head = page.locator("#details table thead").inner_text().split()
    assert head == ["Passage", "Found", "Words", "Meaning", "Reranked"]
    node(page, "judge").click()
    page.locator("#details .step summary").first.click()
    assert "Found" in page.locator("#details .findings").inner_text()
    page.locator("#details .raw summary").last.click()
    assert '"sufficient": true' in page.locator("#details .raw pre").inner_text()


def test_a_run_is_replayed_on_its_time_line(site, visit):
    page = visit(site(two_rounds()))
    answer(page, question("Anchor"))
    end = lit(page)
    slider = page.get_by_label("Moment of the run")
    slider.press("Home")
    page.locator(".node.visited").first.wait_for(state="detached")
    assert slider.get_attribute("aria-valuetext") == "before the start"
    for _ in range(2):
        page.get_by_role("button", name="One step on").click()
    assert slider.get_attribute("aria-valuetext").startswith("survey started, round 1")
    page.locator('[data-node="survey"].running').wait_for()
    page.get_by_role("button", name="Round 1").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.locator('[data-node="plan"].running').wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert lit(page) == ["survey, 1 visit", "plan, 1 visit"]
    page.get_by_role("button", name="One step on").click()
    node(page, "search").locator(".branch.running").nth(1).wait_for()
    page.get_by_role("button", name="Round 2").click()
    page.get_by_role("button", name="Pause").wait_for()
    slider.press("End")
    node(page, "verify").and_(page.locator(".visited")).wait_for()
    assert lit(page) == end


def test_all_of_it_by_keyboard(site, visit):
    page = visit(site(two_rounds()))
    page.keyboard.press("Control+k")
    page.keyboard.type(question("Anchor"))
    page.keyboard.press("Enter")
    page.locator(ANSWER).wait_for()
    page.locator(".chip").first.focus()
    page.keyboard.press("Enter")
    page.locator("#details mark").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "chip open"
    node(page, "survey").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.node") == "plan"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("#details .step").nth(1).wait_for()
    page.keyboard.press("Tab")  # to "All steps"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#details .step[open] .step-body").wait_for()
    page.keyboard.press("Control+/")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+y")
    page.get_by_role("dialog", name="History").wait_for()


def test_a_reload_in_mid_run_takes_it_up_again(site, visit):
    gate = Gate()
    page = visit(site(two_rounds(gate)))
    ask(page, question("Anchor"))
    page.locator('[data-node="judge"].running').wait_for()
    page.reload()
    page.locator('[data-node="judge"].running').wait_for()
    assert page.locator(".turn h2, .turn .asked bdi").first.inner_text() == question("Anchor")
    gate.open()
    page.locator(ANSWER).wait_for()
    assert page.locator(".turn").count() == 1
    page.reload()
    page.locator(ANSWER).wait_for()
    assert page.locator(".turn").count() == 1


def test_two_people_and_two_tabs_are_not_mixed(site, visit):
    gate = Gate()
    server = site(two_rounds(gate))
    one, other = visit(server), visit(server)
    tab = one.context.new_page()
    tab.goto(server.url)
    pages = dict(zip(NAMES, (one, other, tab), strict=False))
    for name, page in pages.items():
        ask(page, question(name))
        page.locator('[data-node="judge"].running').wait_for()
    gate.open()
    for name, page in pages.items():
        page.locator(ANSWER).wait_for()
        assert page.locator(".turn").count() == 1
        asked = page.locator(".asked").inner_text()
        assert name in asked
        run = page.get_by_role("link", name="Open run").get_attribute("href")
        assert told(server, f"/v1{run}")["events"][0]["question"] == question(name)


def test_a_step_shows_the_prompt_and_the_reply_of_its_model(site, visit):
    from playwright.sync_api import expect

    asked = {"part": 1, "question": question("Anchor")}
    model = ScriptedModel([{"parts": [{**asked, "queries": ["berth of Anchor"]}]}] * 4)
    page = visit(site(reasoner(model)))
    answer(page, question("Anchor"))
    node(page, "plan").click()
    page.locator("#details .step summary").first.click()
    body = page.locator("#details .step-body")
    assert "Call of test:scripted" in body.inner_text()
    body.get_by_text("Prompt", exact=True).click()
    expect(body.locator(".raw[open] pre").last).to_contain_text(question("Anchor"))
    body.get_by_text("Reply", exact=True).click()
    expect(body.locator(".raw[open] pre").last).to_contain_text("berth of Anchor")
