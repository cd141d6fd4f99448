"""Corpora, uploads, stored runs and tokens: what the page keeps and how it comes in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser_page import ANSWER, answer, ask, lacking, two_rounds
from served import serve
from tugs import QUICK, documents, question

from suffice import Agent, Corpus

pytestmark = pytest.mark.slow

NEWS = "# Notice 7\n\nThe tug Ibis is moored at berth 42. Her master is Captain Ibisen.\n"


def test_a_file_is_uploaded_and_asked_about(site, visit, tmp_path):
    page = visit(site())
    file = tmp_path / "notice-7.md"
    file.write_text(NEWS, "utf-8")
    page.locator("#corpus-open").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add files").click()
    chooser.value.set_files(str(file))
    page.locator(".toast").get_by_text("1 added").wait_for()
    page.locator("#corpus-open").get_by_text("9").wait_for()
    assert "berth 42" in answer(page, "Where is the tug Ibis moored?")


def test_files_are_dropped_on_the_page(site, visit):
    page = visit(site())
    drop(page, "dragenter", {"ibis.md": NEWS})
    page.get_by_text("Drop to add to the corpus").wait_for()
    drop(page, "drop", {"ibis.md": NEWS, "empty.zip": "PK"})
    toast = page.locator(".toast")
    toast.get_by_text("1 added").wait_for()
    assert "empty.zip" in toast.inner_text()
    assert not page.locator("#drop").is_visible()


def drop(page, kind: str, files: dict[str, str]) -> None:
    page.evaluate(
        """([kind, files]) => {
            const data = new DataTransfer();
            const all = Object.entries(files).map(([name, text]) => new File([text], name));
            for (const file of all) data.items.add(file);
            const how = { dataTransfer: data, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent(kind, how));
        }""",
        [kind, files],
    )


def test_the_corpus_shows_what_is_in_it_and_lets_it_go(site, visit):
    page = visit(site())
    page.locator("#corpus-open").click()
    rows = page.locator("dialog .rows li")
    rows.nth(7).wait_for()
    assert "Tug Anchor" in rows.first.inner_text()
    rows.first.get_by_role("button", name="Remove").click()
    rows.first.get_by_text("Really?").click()
    rows.nth(7).wait_for(state="detached")
    rows.first.locator(".row").click()
    assert "The tug Bittern" in page.locator("#details .whole").inner_text()


def test_a_run_has_an_address_and_can_be_taken_along(site, visit, tmp_path):
    from playwright.sync_api import expect

    server = site(two_rounds())
    page = visit(server)
    answer(page, question("Anchor"))
    page.get_by_role("link", name="Open run").click()
    page.locator(".stored .answer").wait_for()
    run = page.url.rsplit("/", 1)[1]
    expect(page.locator(".command")).to_contain_text(f"suffice graph --run {run}")
    page.locator('[data-node="search"]').click()
    expect(page.locator("#details .step")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert kept["events"][0]["run_id"] == run
    page.get_by_role("button", name="Ask again").click()
    page.locator("html[data-ready]").wait_for()
    expect(page.get_by_label("Your question")).to_have_value(question("Anchor"))


def test_two_runs_lie_side_by_side(site, visit):
    page = visit(site())
    answer(page, question("Anchor"))
    answer(page, question("Bittern"))
    page.locator("#history-open").click()
    page.get_by_role("button", name="Runs").click()
    page.locator("dialog a.row").first.click()
    page.get_by_role("button", name="Lay beside").click()
    page.locator("dialog a.row").first.click()
    sides = page.locator(".compare-head h2, .compare-head bdi")
    assert question("Bittern") in sides.first.inner_text()
    blocks = {
        block.locator("h3").inner_text(): block.inner_text()
        for block in page.locator(".compare .block").all()
    }
    assert list(blocks) == ["Verdict", "Queries", "Evidence", "Quotes"]
    assert blocks["Verdict"].count("Answered") == 2
    assert "only here" in blocks["Queries"]
    assert page.locator(".block li.both").count() > 0


def test_conversations_outlive_the_page(site, visit):
    server = site()
    page = visit(server)
    answer(page, question("Anchor"))
    answer(page, question("Bittern"))
    page.get_by_role("button", name="New", exact=True).click()
    assert page.locator(".turn").count() == 0
    other = visit(server)
    other.locator("#history-open").click()
    other.locator("dialog button.row").first.click()
    other.locator(".turn").nth(1).wait_for()
    assert "berth 4" in other.locator(ANSWER).inner_text()


def test_a_follow_up_shows_how_it_was_understood(site, visit):
    page = visit(site())
    answer(page, question("Anchor"))
    ask(page, "And who is her master?")
    page.locator(".turn").nth(1).locator(".answer").wait_for()
    rewritten = page.locator(".turn").nth(1).locator(".rewritten")
    assert "Anchor" in rewritten.inner_text()


def test_a_token_is_asked_for_once_and_never_put_in_an_address(site, visit, watched):
    server = site(tokens=[{"name": "ann", "token": "open-sesame-open-sesame-open-sesame"}])
    page = visit(server, ready=False)
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("does not know this token").wait_for()
    page.get_by_role("textbox", name="Token").fill("open-sesame-open-sesame-open-sesame")
    page.get_by_role("button", name="Go on").click()
    answer(page, question("Anchor"))
    page.reload()
    page.locator("html[data-ready]").wait_for()
    assert page.locator("dialog").count() == 0
    assert "sesame" not in page.url


def test_an_unknown_run_is_said_to_be_unknown(site, visit):
    page = visit(site(lacking("x")), "/runs/20200101-000000-aaaaaaaa")
    page.get_by_text("This run cannot be shown.").wait_for()
    assert page.get_by_role("link", name="Ask something").is_visible()


def test_conversations_outlive_the_server(own_folder, visit):
    for restarted in (False, True):
        with (
            Corpus.open(own_folder / "harbour", **QUICK) as corpus,
            Agent(corpus) as agent,
            serve(agent) as server,
        ):
            corpus.add(documents())
            page = visit(server)
            if restarted:
                page.locator("#history-open").click()
                page.locator("dialog button.row").first.click()
                page.locator(ANSWER).wait_for()
                assert page.locator(".chip").count() > 0
            else:
                answer(page, question("Anchor"))
            page.close()
