"""A small world for tests of the SDK and the command line: tugs, masters, years, teams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from suffice import Document

NAMES = ["Anchor", "Bittern", "Curlew", "Dunlin", "Egret", "Fulmar", "Gannet", "Heron"]
QUICK: dict[str, Any] = {"embedder": "none", "small": "none"}
"""Settings for tests that are about anything but meaning: words alone, and no model."""


def text(name: str) -> str:
    number = NAMES.index(name)
    return (
        f"The tug {name} is moored at berth {number + 3}. "
        f"Her master is Captain {name}sen, who was appointed in {2015 + number}."
    )


def question(name: str) -> str:
    return f"Where is the tug {name} moored?"


def answer(name: str) -> str:
    return f"moored at berth {NAMES.index(name) + 3}"


def documents() -> list[Document]:
    return [
        Document(
            text=text(name),
            title=f"Tug {name}",
            source=f"tugs/{name.lower()}.md",
            metadata={"year": 2015 + number, "team": "pilots" if number % 2 else "engineers"},
        )
        for number, name in enumerate(NAMES)
    ]


def write_folder(folder: Path) -> Path:
    """Write the same as Markdown files with front matter, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents():
        front = "\n".join(f"{key}: {json.dumps(v)}" for key, v in document.metadata.items())
        body = f"---\ntitle: {document.title}\n{front}\n---\n{document.text}\n"
        (folder / Path(document.source).name).write_text(body, "utf-8")
    return folder
