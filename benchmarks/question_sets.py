"""Question sets in folders: `passages.jsonl` and `questions.jsonl`, read and split.

A passage has `id`, `title` and `text`; a question `id`, `question` and `gold` (the ids of
the passages that support its answer), and where given `history` and `hops`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suffice.tools.types import Document

HALVED = ("chunking472", "clapnq", "northwind", "mtrag")
"""Sets whose questions are halved: one half to tune on, the other to report on."""

TURNS = 4
"""Earlier turns of the asker that are folded into a question asked in a conversation."""


@dataclass(frozen=True)
class Question:
    id: str
    text: str
    gold: tuple[str, ...]
    answerable: bool = True


@dataclass(frozen=True)
class QuestionSet:
    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]

    def untitled(self, title: str = "") -> QuestionSet:
        """The same set with one title on every passage, or none at all."""
        documents = tuple(d.model_copy(update={"title": title}) for d in self.documents)
        return replace(self, documents=documents)

    def part(self, name: str) -> QuestionSet:
        """The questions of one half, "tune" or "report"; all passages stay."""
        return replace(self, questions=tuple(q for q in self.questions if half(q.id) == name))


def half(question_id: str) -> str:
    """The half a question belongs to: by the first byte of the SHA-256 of its id."""
    even = hashlib.sha256(question_id.encode()).digest()[0] % 2 == 0
    return "tune" if even else "report"


def read_set(folder: Path) -> QuestionSet:
    passages = _lines(folder / "passages.jsonl")
    documents = tuple(Document(id=p["id"], title=p["title"], text=p["text"]) for p in passages)
    questions = tuple(_question(q) for q in _lines(folder / "questions.jsonl"))
    return QuestionSet(folder.name, documents, questions)


def read_hops(folder: Path) -> QuestionSet:
    """The single-hop questions that the multi-hop questions of a set were composed of."""
    whole = read_set(folder)
    known = {document.id for document in whole.documents}
    found: dict[str, Question] = {}
    for row in _lines(folder / "questions.jsonl"):
        hops = row.get("hops") or []
        for number, hop in enumerate(hops):
            text = _filled(hop["question"], [h["answer"] for h in hops[:number]])
            if "#" not in text and ">>" not in text and hop["gold"] in known:
                found.setdefault(text, Question(f"{row['id']}/{number}", text, (hop["gold"],)))
    return QuestionSet(f"{folder.name}-hops", whole.documents, tuple(found.values()))


def merged(sets: Sequence[QuestionSet], name: str = "merged") -> QuestionSet:
    """All passages in one corpus, all questions asked of it."""
    documents = tuple(
        d.model_copy(update={"id": f"{s.name}/{d.id}"}) for s in sets for d in s.documents
    )
    questions = tuple(
        replace(q, gold=tuple(f"{s.name}/{g}" for g in q.gold)) for s in sets for q in s.questions
    )
    return QuestionSet(name, documents, questions)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _question(row: dict[str, Any]) -> Question:
    turns = [text for speaker, text in row.get("history") or [] if speaker == "user"]
    text = " ".join([*turns[-TURNS:], row["question"]])
    return Question(row["id"], text, tuple(row["gold"]), bool(row["answerable"]))


def _filled(text: str, answers: Sequence[str]) -> str:
    for number, answer in enumerate(answers, 1):
        text = text.replace(f"#{number}", answer)
    return text
