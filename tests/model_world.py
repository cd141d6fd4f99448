"""A small corpus, and a model that answers about it as a careful small model would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from wire import Asked

from suffice import Corpus, Document
from suffice.agent.settings import Settings
from suffice.tools.types import Answer

QUESTION = "When was the director of Polonaise born?"
FILM = "Polonaise is a 1950 film directed by Jan Kowal. It stars nobody of note."
LIFE = "Jan Kowal (born 4 March 1910 in Lodz) was a Polish director of films."
DOCUMENTS = (
    Document(id="film", title="Polonaise (film)", text=FILM),
    Document(id="life", title="Jan Kowal", text=LIFE),
    Document(id="tug", title="Tug", text="A tug is a small strong ship. Tugs tow other ships."),
)
DIRECTED = "a 1950 film directed by Jan Kowal"
BORN = "Jan Kowal (born 4 March 1910 in Lodz)"

_SHOWN = re.compile(r"^\[([a-z]{3})\] (.*)$", re.MULTILINE)
SETTINGS = Settings(embedder="none", keep_runs_mb=50)


def shown_ids(prompt: str) -> dict[str, str]:
    """Return the ids under which a prompt shows passages, by their titles."""
    return {match[2]: match[1] for match in _SHOWN.finditer(prompt)}


def quote(ids: dict[str, str], title: str, text: str) -> dict[str, str]:
    return {"id": ids.get(title, "zzz"), "text": text}


def plan(ids: dict[str, str]) -> dict[str, Any]:
    return {
        "parts": [
            {
                "part": 1,
                "question": "Who directed Polonaise?",
                "answer": "Jan Kowal",
                "claim": "Polonaise was directed by Jan Kowal.",
                "quotes": [quote(ids, "Polonaise (film)", DIRECTED)],
            },
            {
                "part": 2,
                "question": "When was {1} born?",
                "after": [1],
                "queries": ["{1} born in Lodz"],
            },
        ]
    }


def judge(ids: dict[str, str]) -> dict[str, Any]:
    part = {
        "part": 2,
        "answer": "4 March 1910",
        "claim": "Jan Kowal was born on 4 March 1910.",
        "quotes": [quote(ids, "Jan Kowal", BORN)],
    }
    return {"parts": [part]}


def written(ids: dict[str, str]) -> str:
    return (
        "= 4 March 1910\n"
        "- Polonaise was directed by Jan Kowal.\n"
        f"> {ids['Polonaise (film)']}: {DIRECTED}\n"
        "- Jan Kowal was born on 4 March 1910.\n"
        f"> {ids['Jan Kowal']}: {BORN}\n"
    )


def step(system: str) -> str:
    """Tell which step a prompt is for by its instructions."""
    marks = {"You find out": "plan", "You check what new": "judge", "You answer": "write"}
    return next((name for mark, name in marks.items() if system.startswith(mark)), "support")


def careful(asked: Asked) -> str:
    """Reply to any step, truthfully, over the wire."""
    ids = shown_ids(asked.user)
    name = step(asked.system)
    if name == "write":
        return written(ids)
    return json.dumps(plan(ids) if name == "plan" else judge(ids))


def open_corpus(folder: Path, *documents: Document) -> Corpus:
    corpus = Corpus.open(folder / "corpus", settings=SETTINGS)
    corpus.add(list(documents or DOCUMENTS))
    return corpus


def check_citations(answer: Answer, documents: tuple[Document, ...] = DOCUMENTS) -> None:
    """Every citation is the letters of a document, and every claim has one."""
    texts = {document.id: document.text for document in documents}
    assert all(claim.citations for claim in answer.claims)
    for citation in answer.citations:
        assert texts[citation.document_id][citation.start : citation.end] == citation.quote
