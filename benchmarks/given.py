"""The answers given to question sets without a model: how sure, and whether right.

Each question is asked once, with nothing refused for want of confidence. What came of it
can be kept in a folder, one file of JSON Lines a set, and is not asked again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from question_sets import HALVED, half, read_set

from suffice import Agent, Corpus
from suffice.agent.evaluation.calibration import Given
from suffice.agent.evaluation.marking import is_right
from suffice.agent.evaluation.outcome import outcome_of
from suffice.agent.evaluation.questions import EvalQuestion, read_questions

SETS = {
    "clapnq": ("clapnq", "clapnq"),
    "northwind": ("northwind", "northwind"),
    "musique": ("musique_train100", "musique_dev100"),
    "mtrag": ("mtrag", "mtrag"),
}
"""The folders of each set: to tune on, and to report on."""


def given_answers(folder: Path, name: str, part: str, keep: Path | None) -> list[Given | None]:
    """Return for each question of a part its answer, or None where none was given.

    `part` is "tune" or "report"; sets in one folder are halved by question.
    """
    source = folder / SETS[name][part == "report"]
    questions = read_questions(source / "questions.jsonl")
    if source.name in HALVED:
        questions = tuple(q for q in questions if half(q.id) == part)
    file = keep / f"{name}-{part}.jsonl" if keep else None
    kept = _kept(file)
    if any(question.id not in kept for question in questions):
        for row in _asked(source, [q for q in questions if q.id not in kept]):
            kept[row["id"]] = row
            _keep(file, row)
    return [_given(kept[question.id]) for question in questions]


def _asked(source: Path, questions: list[EvalQuestion]) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place, Corpus.open(place, keep_runs_days=0) as corpus:
        corpus.add(read_set(source).documents)
        with Agent(corpus, small="none", threshold=0.0) as agent:
            for question in questions:
                hidden = list(question.exclude)
                where = {"document_id": {"not_in": hidden}} if hidden else None
                answer = agent.ask(question.standing, where=where)
                came = outcome_of(
                    answer, question_id=question.id, asked=question.asked, strategy="", seconds={}
                )
                good = is_right(question, came)
                sure = answer.confidence
                yield {"id": question.id, "given": came.given, "sure": sure, "right": good}


def _kept(file: Path | None) -> dict[str, dict[str, Any]]:
    if file is None or not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {row["id"]: row for row in rows}


def _keep(file: Path | None, row: dict[str, Any]) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")


def _given(row: dict[str, Any]) -> Given | None:
    return Given(row["sure"], bool(row["right"])) if row["given"] else None
