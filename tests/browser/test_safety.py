"""Documents and answers are data: whatever they hold, nothing is loaded, run or followed."""

from __future__ import annotations

import pytest
from browser_page import alone, answer
from scripted import ScriptedReasoner, claim, found, parts

from suffice import Document
from suffice.tools.reason.protocol import Draft, Plan, Situation

pytestmark = pytest.mark.slow

BAIT = "http://evil.invalid/x"
HOSTILE = [
    f'<script src="{BAIT}.js"></script><script>alert(1)</script>',
    f'<img src="{BAIT}.png" onerror="alert(1)">',
    f"![a picture]({BAIT}.png)",
    f"[press here](javascript:alert(1)) and [here]({BAIT})",
    f'<svg onload="alert(1)"><image href="{BAIT}.svg"/><use href="{BAIT}.svg#a"/></svg>',
    f'<iframe src="{BAIT}"></iframe><object data="{BAIT}"></object><embed src="{BAIT}">',
    f'<style>@import "{BAIT}.css"; body {{ background: url({BAIT}.png) }}</style>',
    f'<a href="{BAIT}" ping="{BAIT}">a link</a><form action="{BAIT}"><button>Send</button></form>',
    f'<link rel="stylesheet" href="{BAIT}.css"><meta http-equiv="refresh" content="0;url={BAIT}">',
    "\u202egnp.exe\u202c turned round \u2066isolated\u2069 \u200f and \u0000 nothing",
    "</textarea></title></p>--></style><b onclick=alert(1)>bold</b> &lt;i&gt; {{7*7}} ${7*7}",
]


def hostile() -> list[Document]:
    return [
        Document(
            id=f"bait-{n}", text=text, title=text, source=f"{text}.md", metadata={"team": text}
        )
        for n, text in enumerate(HOSTILE)
    ]


class Repeating(ScriptedReasoner):
    """Says the words of a passage as an answer, in every place an answer has."""

    def __init__(self) -> None:
        super().__init__([self._planned], [], [self._written], [alone])

    def _planned(self, situation: Situation) -> Plan:
        name, text = chosen(situation)
        finding = found("1", name, text).model_copy(update={"claim": text})
        return Plan(sufficient=True, subquestions=parts(text), findings=(finding,), confidence=0.9)

    def _written(self, situation: Situation) -> Draft:
        name, text = chosen(situation)
        return Draft(claims=(claim(name, text),), lead=text, missing=(text,), confidence=0.9)


def chosen(situation: Situation) -> tuple[str, str]:
    number = int(situation.question.split()[0])
    return f"bait-{number}", HOSTILE[number]


def planted(page) -> dict[str, int]:
    """Return what stands in the page that only a document could have put there."""
    return page.evaluate(
        """() => Object.fromEntries(
            ["script:not([src^='/assets/'])", "img", "iframe", "object", "embed", "image", "use",
             "style", "b", "form:not(#composer)", "link:not([href^='/assets/'])", "[onload]",
             "[onerror]", "[onclick]", "[style*='url']", "meta[http-equiv]",
             "a[href^='javascript']", "a[href*='evil']"]
            .map((kind) => [kind, document.querySelectorAll(kind).length])
            .filter(([, count]) => count))"""
    )


def test_a_hostile_document_is_shown_as_its_letters(site, visit):
    page = visit(site(Repeating(), holds=hostile()))
    for number, text in enumerate(HOSTILE):
        answer(page, f"{number} {text.replace(chr(0), '')}")
        assert planted(page) == {}
        page.locator(".turn:last-of-type .chip").first.click()
        marked = page.locator("#details mark").text_content()
        assert " ".join(marked.split()) in " ".join(text.split())
        page.get_by_role("link", name="The whole document").click()
        page.locator("#details .whole").wait_for()
        assert planted(page) == {}


def test_hostile_titles_stay_letters_in_every_list(site, visit):
    page = visit(site(Repeating(), holds=hostile()))
    answer(page, f"0 {HOSTILE[1]}")
    page.locator(".steps-fold summary").click()
    for node in ("survey", "plan", "write", "verify"):
        page.locator(f'[data-node="{node}"]').click()
        page.locator("#details .step summary").first.click()
        page.locator("#details .raw summary").last.click()
        assert planted(page) == {}
    page.locator("#corpus-open").click()
    page.locator("dialog .rows li").nth(len(HOSTILE) - 1).wait_for()
    assert planted(page) == {}
    page.keyboard.press("Escape")
    page.locator("#history-open").click()
    page.locator("dialog .rows li").first.wait_for()
    assert planted(page) == {}
    page.get_by_role("button", name="Runs").click()
    page.locator("dialog a.row").first.click()
    page.locator(".stored .answer").wait_for()
    assert planted(page) == {}


def test_an_address_cannot_ask_or_run_anything(site, visit):
    page = visit(site(), "/?ask=%3Cimg%20src=x%20onerror=alert(1)%3E&corpus=%3Cb%3E")
    assert page.get_by_label("Your question").input_value() == "<img src=x onerror=alert(1)>"
    assert page.locator(".turn").count() == 0
    assert planted(page) == {}
    page.goto(page.url.split("?")[0] + "runs/%3Cscript%3Ealert(1)")
    page.get_by_text("This run cannot be shown.").wait_for()
    assert planted(page) == {}
