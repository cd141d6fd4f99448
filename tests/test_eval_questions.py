"""Question files: what is taken, and what a bad line is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from suffice.agent.evaluation.budgets import parse_budget
from suffice.agent.evaluation.questions import EvalQuestion, read_questions
from suffice.errors import InputError, QuestionError

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.mark.parametrize("name", ["questions.jsonl", "questions-hard.jsonl"])
def test_the_examples_are_read(name: str) -> None:
    questions = read_questions(EXAMPLES / name)
    assert len(questions) == 100
    assert sum(not q.answerable for q in questions) == 20


def test_a_question_alone_is_enough_and_gets_an_id_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, '{"question": "Who?"}', "", '{"question": "Where?"}', "")
    first, second = read_questions(path)
    assert first.answerable
    assert first.answers == first.gold == ()
    assert first.id != second.id
    assert read_questions(path)[0].id == first.id


def test_one_string_is_taken_for_a_list_of_one(tmp_path: Path) -> None:
    path = written(tmp_path, '{"question": "Who?", "answers": "Ann", "gold": "a.md", "near": 1}')
    (question,) = read_questions(path)
    assert (question.answers, question.gold) == (("Ann",), ("a.md",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"question": "Who?"', "this is not JSON"),
        ('["Who?"]', "this is a list, not an object"),
        ('{"answers": ["Ann"]}', '"question" is missing'),
        ('{"question": "  "}', "the question is empty"),
        ('{"question": "Who?", "anwsers": ["Ann"]}', 'did you mean "answers"?'),
        ('{"question": "Who?", "answerable": "perhaps"}', '"answerable"'),
        ('{"question": "Who?", "history": [["user"]]}', '"history.0'),
        ('{"id": "a", "question": "Who?"}', 'line 1 has the id "a" too'),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, '{"id": "a", "question": "Who?"}', line)
    with pytest.raises(QuestionError) as caught:
        read_questions(path)
    assert f"{path}, line 2: " in str(caught.value)
    assert said in str(caught.value)


def test_every_bad_line_is_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "x", '{"question": "Who?"}', "y", *["z"] * 30)
    with pytest.raises(QuestionError) as caught:
        read_questions(path)
    told = [str(caught.value), *caught.value.__notes__]
    assert told[0].startswith(f"{path}, line 1:")
    assert told[1].startswith(f"{path}, line 3:")
    assert told[-1] == f"{path}: and 12 more bad lines"


def test_no_file_no_question_and_another_encoding_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="cannot read the questions"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(QuestionError, match="holds no question"):
        read_questions(written(tmp_path, ""))
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"question": "Who?"}\n{"question": "Caf\xe9?"}')
    with pytest.raises(QuestionError, match="line 2: this is not UTF-8"):
        read_questions(path)


def test_what_is_asked_does_not_depend_on_what_is_known() -> None:
    asked = EvalQuestion(question="Who?", exclude=("a", "b"))
    known = EvalQuestion(id="x", question="Who?", exclude=("b", "a"), answers=("Ann",))
    assert asked.asked == known.asked
    assert asked.asked != EvalQuestion(question="Who?").asked


def test_earlier_turns_go_before_the_question_and_as_a_conversation() -> None:
    history = (("user", "Who is Ann?"), ("agent", "A pilot."), ("user", "And Bo?"))
    question = EvalQuestion(question="Since when?", history=history)
    assert question.standing == "Who is Ann? And Bo? Since when?"
    assert [(turn.asked, turn.text) for turn in question.turns] == [
        ("Who is Ann?", "A pilot."),
        ("And Bo?", ""),
    ]


def test_budgets_are_read_and_refused() -> None:
    budget = parse_budget(["usd=2", "tokens=500_000,seconds=60"])
    assert (budget.usd, budget.tokens, budget.seconds) == (2, 500_000, 60)
    assert (budget.rounds, budget.llm_calls) == (None, None)
    assert parse_budget(["$1.5"]).usd == 1.5
    with pytest.raises(InputError, match='did you mean "tokens"'):
        parse_budget(["token=3"])
    with pytest.raises(InputError, match="usd=much"):
        parse_budget(["usd=much"])
