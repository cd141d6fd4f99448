"""Evaluations as they run: asked once, kept, gone on with, and within their budget."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tugs

from suffice import Corpus
from suffice.agent.evaluation.comparison import compare
from suffice.agent.evaluation.drafting import checked_answer, draft, to_lines
from suffice.agent.evaluation.judging import judge_answers
from suffice.agent.evaluation.purse import UNLIMITED, Purse
from suffice.agent.evaluation.questions import EvalQuestion, read_questions
from suffice.agent.evaluation.results import Results
from suffice.agent.evaluation.runner import Asked, evaluate
from suffice.agent.evaluation.summary import summarize
from suffice.errors import CallFailed
from suffice.prompts import Prompt
from suffice.prompts.draft import DraftedQuestion
from suffice.testing import FunctionModel, Scripted, reasoner
from suffice.tools.types import Budget, Usage


def questions() -> list[EvalQuestion]:
    known = [
        EvalQuestion(
            id=name,
            question=tugs.question(name),
            answers=(tugs.answer(name),),
            gold=(f"tugs/{name.lower()}.md",),
        )
        for name in tugs.NAMES
    ]
    unknown = EvalQuestion(id="none", question="Who owns the quarry?", answerable=False)
    return [*known, unknown]


@pytest.fixture
def corpus(own_folder: Path) -> Any:
    with Corpus.open("notes", **tugs.QUICK) as opened:
        opened.add(tugs.documents())
        yield opened


def test_all_is_asked_marked_and_measured(corpus: Corpus) -> None:
    told: list[Asked] = []
    evaluation = evaluate(corpus, questions(), progress=told.append)
    assert (evaluation.fresh, evaluation.unasked) == (9, 0)
    assert [one.done for one in told] == list(range(10))
    summary = summarize(evaluation)
    assert summary.value("recall@1") == 1
    assert summary.value("right") == 1
    assert summary.value("refusal_recall") == 1
    assert summary.value("citations_found") == 1
    assert summary.value("citation_precision") == 1
    assert summary.value("llm_calls") == 0
    parts = summary.strategies[0].parts
    assert parts["survey"]["questions"] == 9
    assert all(0 <= part["p50"] <= part["p95"] for part in parts.values())


def test_nothing_is_asked_twice_and_a_mended_answer_is_marked_anew(corpus: Corpus) -> None:
    evaluate(corpus, questions())
    asked = questions()
    asked[0] = asked[0].model_copy(update={"answers": ("at sea",)})
    asked[1] = asked[1].model_copy(update={"question": "Where does the tug Bittern lie?"})
    evaluation = evaluate(corpus, asked)
    assert evaluation.fresh == 1
    outcomes = evaluation.outcomes["iterative"]
    assert outcomes[0] is not None
    assert outcomes[0].right is False
    assert evaluate(corpus, asked, fresh=True).fresh == 9


def test_a_changed_corpus_or_setting_is_asked_anew(corpus: Corpus) -> None:
    first = evaluate(corpus, questions())
    other = evaluate(corpus, questions(), settings=corpus.settings.changed(evidence=5))
    assert (other.fresh, other.folder == first.folder) == (9, False)
    corpus.remove(corpus.documents()[0].id)
    assert evaluate(corpus, questions()).fresh == 9


def test_a_line_cut_short_is_dropped_and_its_question_asked_again(
    corpus: Corpus, tmp_path: Path
) -> None:
    kept = Results(tmp_path / "kept")
    evaluate(corpus, questions(), results=kept)
    path = kept.folder / "iterative.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert evaluate(corpus, questions(), results=kept).fresh == 1
    assert len(path.read_bytes().splitlines()) == 9
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


KILLED = """
import sys
from suffice import Corpus
from suffice.agent.evaluation.questions import read_questions
from suffice.agent.evaluation.runner import evaluate

def told(asked):
    print(asked.done, flush=True)

with Corpus.open("notes", embedder="none", small="none") as corpus:
    evaluate(corpus, read_questions("questions.jsonl"), progress=told, at_once=1)
"""


def test_killed_and_started_again_it_asks_only_what_is_left(own_folder: Path) -> None:
    with Corpus.open("notes", **tugs.QUICK) as opened:
        opened.add(tugs.documents())
    (own_folder / "questions.jsonl").write_text(to_lines(questions()), "utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, cwd=own_folder
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 3:
                process.send_signal(signal.SIGKILL)
                break
    with Corpus.open("notes", **tugs.QUICK) as opened:
        evaluation = evaluate(opened, read_questions("questions.jsonl"))
    kept = 9 - evaluation.fresh
    assert 3 <= kept < 9
    assert evaluation.unasked == 0


def test_what_is_to_be_hidden_is_not_found(corpus: Corpus) -> None:
    hidden = questions()[0].model_copy(
        update={"answerable": False, "exclude": ("tugs/anchor.md",), "answers": ()}
    )
    outcome = evaluate(corpus, [hidden]).outcomes["iterative"][0]
    assert outcome is not None
    assert all(place.source != "tugs/anchor.md" for place in outcome.ranked)


def test_gold_that_nothing_goes_by_is_said(corpus: Corpus) -> None:
    lost = questions()[0].model_copy(update={"gold": ("tugs/anchr.md",)})
    assert "tugs/anchr.md" in evaluate(corpus, [lost]).notices[0]


def test_strategies_side_by_side_and_their_difference(corpus: Corpus) -> None:
    summary = summarize(
        evaluate(corpus, questions(), strategies=("iterative", "single_pass", "long_context"))
    )
    assert [one.strategy for one in summary.strategies] == [
        "iterative",
        "single_pass",
        "long_context",
    ]
    assert [pair.second for pair in summary.differences] == ["single_pass", "long_context"]
    assert summary.value("recall@5", "long_context") is None
    assert all(len(one.outcomes) == 3 for one in summary.questions)


def test_two_settings_are_compared_on_the_same_questions(corpus: Corpus) -> None:
    settings = corpus.settings.changed(threshold=1.0)
    first, second = evaluate(corpus, questions()), evaluate(corpus, questions(), settings=settings)
    found = compare(("a", "b"), first, second)
    assert found is not None
    assert found.changed == {"threshold": (0.0, 1.0)}
    assert len(found.pair.flips.lost) == 8
    assert found.pair.measures["correct"].beyond_noise
    assert [flip.gained for flip in found.flipped] == [False] * 8


# outages and budgets


def down(prompt: Prompt, schema: Any) -> Scripted:
    return CallFailed("the model is down")


def test_what_failed_is_no_refusal_and_is_asked_again(corpus: Corpus) -> None:
    broken = reasoner(FunctionModel(down))
    asked = [q.model_copy(update={"answerable": False}) for q in questions()[:8]]
    summary = summarize(evaluate(corpus, asked, reasoner=broken))
    assert (summary.value("failed"), summary.value("refusal_recall")) == (1, 0)
    assert evaluate(corpus, asked, reasoner=broken).fresh == 8


def test_where_nothing_but_failures_come_it_stops(corpus: Corpus) -> None:
    many = [EvalQuestion(id=str(n), question=f"Where is tug Anchor on day {n}?") for n in range(30)]
    with pytest.raises(CallFailed, match="first 10 questions all failed"):
        evaluate(corpus, many, reasoner=reasoner(FunctionModel(down)))


def says_nothing(prompt: Prompt, schema: Any) -> Scripted:
    if schema is None:
        return "? what was asked"
    return {"parts": [{"part": 1, "question": "Where?", "answer": "", "queries": []}]}


def test_the_whole_stays_within_one_budget(corpus: Corpus) -> None:
    model = FunctionModel(says_nothing)
    budget = UNLIMITED.model_copy(update={"llm_calls": 5})
    evaluation = evaluate(corpus, questions(), reasoner=reasoner(model), budget=budget, at_once=3)
    assert 0 < len(model.prompts) <= 5
    assert evaluation.unasked > 0
    assert evaluation.fresh + evaluation.unasked == 9


def test_a_purse_sets_aside_what_it_grants() -> None:
    async def spend() -> None:
        purse = Purse(UNLIMITED.model_copy(update={"tokens": 100}))
        own = Budget(tokens=80, seconds=None)
        first = await purse.grant(own)
        second = await purse.grant(own)
        assert first is not None
        assert second is not None
        assert (first.tokens, second.tokens) == (80, 20)
        waiting = asyncio.create_task(purse.grant(own))
        await asyncio.sleep(0)
        assert not waiting.done()
        await purse.settle(first, Usage(input_tokens=30))
        third = await waiting
        assert third is not None
        assert third.tokens == 50
        await purse.settle(second, Usage(input_tokens=20))
        await purse.settle(third, Usage(input_tokens=40))
        assert await purse.grant(own) is None  # 10 are left, and one took 40

    asyncio.run(spend())


# the judge


def test_a_model_marks_answers_once(corpus: Corpus) -> None:
    def marks(prompt: Prompt, schema: Any) -> Scripted:
        assert "never an instruction" in prompt.system
        return {"mark": "wrong" if "Anchor" in prompt.user else "right", "why": "…"}

    for calls in (8, 0):
        model = FunctionModel(marks, name="test:judge")
        evaluation = evaluate(corpus, questions())
        judge_answers(corpus, evaluation, model, budget=UNLIMITED, at_once=2)
        assert len(model.prompts) == calls  # of nine, the refused one is not marked
        rights = [one.right for one in evaluation.outcomes["iterative"] if one is not None]
        assert rights == [False, *[True] * 7, None]


def test_where_the_judge_is_down_the_rule_marks(corpus: Corpus) -> None:
    evaluation = evaluate(corpus, questions())
    judge_answers(corpus, evaluation, FunctionModel(down), budget=UNLIMITED, at_once=2)
    assert summarize(evaluation).value("right") == 1
    assert "8 answers could not be marked" in evaluation.notices[-1]


# first questions


def test_rough_questions_are_marked_and_read_back(corpus: Corpus, tmp_path: Path) -> None:
    drafted = draft(corpus, 8)
    path = tmp_path / "drafted.jsonl"
    path.write_text(to_lines(drafted), "utf-8")
    assert read_questions(path) == drafted
    assert all(question.rough for question in drafted)
    able = [question for question in drafted if question.answerable]
    texts = {document.source: corpus.document(document.id) for document in corpus.documents()}
    assert able
    for question in able:
        document = texts[question.gold[0]]
        assert document is not None
        assert question.answers[0] in document.text
        assert question.answers[0] not in question.question


def test_what_a_model_drafts_is_checked() -> None:
    passage = next(iter(passages()))
    quote = "Her master is Captain Anchorsen, who was appointed in 2015."
    good = DraftedQuestion(
        question="Who commands the Anchor?", answer="Captain Anchorsen", quote=quote
    )
    kept = checked_answer(good, passage)
    assert kept is not None
    assert (kept.answers, kept.gold, kept.rough) == (("Captain Anchorsen",), ("d",), False)
    for wrong in (
        {"quote": "Her master is Captain Nobody."},
        {"answer": "Captain Nobody"},
        {"answer": ""},
        {"question": "Is Captain Anchorsen her master?"},
    ):
        assert checked_answer(good.model_copy(update=wrong), passage) is None


def passages() -> list[Any]:
    from suffice.tools.types import Passage

    return [Passage(id="d", document_id="d", title="Tug Anchor", text=tugs.text("Anchor"))]


def test_a_question_said_to_be_unanswerable_is_asked_first(corpus: Corpus) -> None:
    def drafts(prompt: Prompt, schema: Any) -> Scripted:
        name = next(name for name in tugs.NAMES if f"The tug {name} " in prompt.user)
        return {
            "answerable": [],
            "unanswerable": [
                {"question": tugs.question(name)},
                {"question": "Who owns the quarry behind the chapel?"},
            ],
        }

    drafted = draft(corpus, 4, FunctionModel(drafts))
    asked = [question.question for question in drafted if not question.answerable]
    assert asked == ["Who owns the quarry behind the chapel?"]
