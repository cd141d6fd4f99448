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
FILES = ("questions.jsonl", "questions-hard.jsonl")
FIELDS = {"id", "question", "answers", "gold", "answerable", "type"}
LEAST = {
    "single-hop": 34,
    "bridge": 20,
    "three-hop": 6,
    "comparison": 10,
    "conflict": 6,
    "unanswerable": 20,
}

ABSENT = {
    "u01": ["recipe", "lemon"],
    "u02": ["world cup", "football"],
    "u03": ["PDF", "Word document"],
    "u04": ["ethanol", "boils at"],
    "u05": ["top speed"],
    "u07": ["shipyard", "Lurcher was built by"],
    "u09": ["e-mail address"],
    "u10": ["tonnes of grain", "grain, thousand tonnes"],
    "u11": ["Spaniel"],
    "u12": ["Fiona", "Dalgleish"],
    "u13": ["L6"],
    "u14": ["STS 7"],
    "u15": ["chose Tessaro"],
    "u17": ["collided"],
    "u19": ["tariff 2023"],
    "u20": ["Circular 7/2024"],
    "hard-u01": ["Peru", "capital"],
    "hard-u02": ["wine", "carpet"],
    "hard-u03": ["litres a day", "tonnes a day", "consumption"],
    "hard-u04": ["salary", "paid a year"],
    "hard-u05": ["tall", "focal height"],
    "hard-u06": ["Greyhound"],
    "hard-u07": ["N5"],
    "hard-u08": ["2024-023"],
    "hard-u09": ["fined", "a fine of", "penalty"],
    "hard-u10": ["sold to"],
    "hard-u11": ["in 2019", "since 2019"],
    "hard-u12": ["tariff 2022"],
    "hard-u14": ["insures the launches", "underwriter"],
    "hard-u17": ["parking space", "car park"],
    "hard-u18": ["chaplain", "padre"],
    "hard-u19": ["retirement age", "must retire"],
    "hard-u20": ["trade union", "the union"],
}
"""What would have to stand in a document if it answered the question after all."""


def fold(text: str) -> str:
    return " ".join(text.casefold().split())


def stands_in(phrase: str, text: str) -> bool:
    """Say whether `phrase` is in `text` as whole words, case and white space folded."""
    return re.search(rf"(?<!\w){re.escape(fold(phrase))}(?!\w)", fold(text)) is not None


def load_questions(name: str) -> list[dict[str, Any]]:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


BY_FILE = {name: load_questions(name) for name in FILES}
QUESTIONS = [question for name in FILES for question in BY_FILE[name]]
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


def test_the_hard_questions_are_told_by_their_ids() -> None:
    hard = {q["id"] for q in QUESTIONS if q["id"].startswith("hard-")}
    assert hard == {q["id"] for q in BY_FILE["questions-hard.jsonl"]}


@pytest.mark.parametrize("name", FILES)
def test_every_type_is_there_often_enough(name: str) -> None:
    counts = Counter(q["type"] for q in BY_FILE[name])
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


@pytest.mark.parametrize("name", FILES)
def test_every_document_is_asked_about(name: str) -> None:
    asked = {path for question in BY_FILE[name] for path in question["gold"]}
    assert set(TEXTS) - asked == set()


@pytest.mark.parametrize("name", FILES)
def test_the_readme_counts_the_questions_right(name: str) -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    said = {kind: int(n) for kind, n in re.findall(r"^\| `([\w-]+)` \| (\d+) \|", readme, re.M)}
    assert said == Counter(q["type"] for q in BY_FILE[name])
    assert f"{len(BY_FILE[name])} questions" in readme
    assert f"`{name}`" in readme
