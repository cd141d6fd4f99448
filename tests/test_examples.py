"""The example documents and their questions hold together.

Whoever measures on them relies on this: every gold file is there, every answer
stands in one, and what is called unanswerable is not answered by accident.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = Path(__file__).parent.parent / "examples"
HARBOUR = EXAMPLES / "harbour"
FIELDS = {"id", "question", "answers", "gold", "answerable", "type"}
LEAST = {
    "single-hop": 26,
    "bridge": 16,
    "three-hop": 5,
    "comparison": 8,
    "conflict": 4,
    "unanswerable": 14,
}

ABSENT = {
    "u01": ["Peru", "capital"],
    "u02": ["wine", "carpet"],
    "u03": ["litres a day", "tonnes a day", "consumption"],
    "u04": ["salary", "paid a year"],
    "u05": ["tall", "focal height"],
    "u06": ["Greyhound"],
    "u07": ["N5"],
    "u08": ["2024-023"],
    "u09": ["fined", "a fine of", "penalty"],
    "u10": ["sold to"],
    "u11": ["in 2019", "since 2019"],
    "u12": ["tariff 2022"],
    "u14": ["insures the launches", "underwriter"],
    "u17": ["parking space", "car park"],
    "u18": ["chaplain", "padre"],
    "u19": ["retirement age", "must retire"],
    "u20": ["trade union", "the union"],
}
"""What would have to stand in a document if it answered the question after all."""


def fold(text: str) -> str:
    return " ".join(text.casefold().split())


def stands_in(phrase: str, text: str) -> bool:
    """Say whether `phrase` is in `text` as whole words, case and white space folded."""
    return re.search(rf"(?<!\w){re.escape(fold(phrase))}(?!\w)", fold(text)) is not None


def load_questions() -> list[dict[str, Any]]:
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


QUESTIONS = load_questions()
ANSWERABLE = [q for q in QUESTIONS if q["answerable"]]
TEXTS = {
    path.relative_to(HARBOUR).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(HARBOUR.rglob("*.md"))
}


def by_id(question: dict[str, Any]) -> str:
    return str(question["id"])


def of_type(*types: str) -> list[dict[str, Any]]:
    return [q for q in QUESTIONS if q["type"] in types]


def holds_answer(question: dict[str, Any], path: str) -> bool:
    return any(stands_in(answer, TEXTS[path]) for answer in question["answers"])


@pytest.mark.parametrize("path", TEXTS)
def test_document_is_markdown_with_sound_front_matter(path: str) -> None:
    text = TEXTS[path]
    if text.startswith("---\n"):
        matter, body = text[4:].split("\n---\n", 1)
        fields = yaml.safe_load(matter)
        assert isinstance(fields, dict)
        assert fields["title"]
        assert isinstance(fields.get("year", 0), int)
        text = body
    assert text.lstrip().startswith("# ")


def test_documents_vary_in_length_and_form() -> None:
    words = [len(text.split()) for text in TEXTS.values()]
    with_front_matter = sum(text.startswith("---\n") for text in TEXTS.values())
    assert len(words) >= 25
    assert min(words) >= 120
    assert sum(count >= 1000 for count in words) >= 2
    assert 5 <= with_front_matter <= len(words) - 5


def test_questions_are_well_formed_and_differ() -> None:
    assert all(set(question) == FIELDS for question in QUESTIONS)
    assert len({q["id"] for q in QUESTIONS}) == len(QUESTIONS)
    assert len({fold(q["question"]) for q in QUESTIONS}) == len(QUESTIONS)


def test_every_type_is_there_often_enough() -> None:
    counts = Counter(q["type"] for q in QUESTIONS)
    assert set(counts) == set(LEAST)
    assert {kind for kind, least in LEAST.items() if counts[kind] < least} == set()


@pytest.mark.parametrize("question", ANSWERABLE, ids=by_id)
def test_every_answer_stands_in_a_gold_file(question: dict[str, Any]) -> None:
    assert question["answers"]
    assert set(question["gold"]) <= set(TEXTS)
    assert len(set(question["gold"])) == len(question["gold"])
    for answer in question["answers"]:
        assert any(stands_in(answer, TEXTS[path]) for path in question["gold"]), answer


@pytest.mark.parametrize("question", of_type("bridge", "three-hop"), ids=by_id)
def test_the_last_hop_holds_the_answer_and_the_first_does_not(question: dict[str, Any]) -> None:
    hops = {"bridge": 2, "three-hop": 3}[question["type"]]
    assert len(question["gold"]) == hops
    assert holds_answer(question, question["gold"][-1])
    assert not any(holds_answer(question, path) for path in question["gold"][:-1])


@pytest.mark.parametrize("question", of_type("conflict"), ids=by_id)
def test_the_current_file_comes_first_and_the_outdated_one_differs(
    question: dict[str, Any],
) -> None:
    current, outdated = question["gold"]
    assert stands_in(question["answers"][0], TEXTS[current])
    assert not stands_in(question["answers"][0], TEXTS[outdated])


@pytest.mark.parametrize("question", of_type("single-hop", "bridge", "three-hop"), ids=by_id)
def test_the_question_does_not_give_the_answer_away(question: dict[str, Any]) -> None:
    assert not any(stands_in(answer, question["question"]) for answer in question["answers"])


@pytest.mark.parametrize("question", of_type("unanswerable"), ids=by_id)
def test_the_unanswerable_are_not_answered(question: dict[str, Any]) -> None:
    assert not question["answerable"]
    assert question["answers"] == question["gold"] == []
    for phrase in ABSENT.get(question["id"], []):
        assert [path for path, text in TEXTS.items() if stands_in(phrase, text)] == []


def test_every_document_is_asked_about() -> None:
    asked = {path for question in ANSWERABLE for path in question["gold"]}
    assert set(TEXTS) - asked == set()


def test_the_readme_counts_the_questions_right() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    said = {kind: int(n) for kind, n in re.findall(r"^\| `([\w-]+)` \| (\d+) \|", readme, re.M)}
    assert said == Counter(q["type"] for q in QUESTIONS)
    assert f"{len(QUESTIONS)} questions" in readme
