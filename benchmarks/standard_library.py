"""A question set of source code, made from Python's own standard library.

    python benchmarks/standard_library.py FOLDER [--questions 200]

Writes `passages.jsonl` (every documented function, without its docstring, under the name of
its file) and `questions.jsonl` (the first sentence of a docstring; gold is the function it
stood in). Nothing is trained or tuned on it: it shows what the ranker does on a family that
it has never seen. The set depends on the version of Python, so compare within a run only.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGES = ("", "asyncio", "concurrent/futures", "email", "http", "importlib", "json", "logging")
PACKAGES += ("multiprocessing", "unittest", "urllib", "xml/etree", "zipfile")
FEWEST_WORDS = 5
LONGEST = 2_000
"""Characters of a function: about what one passage holds."""


def functions() -> Iterator[dict[str, str]]:
    """Each documented function: its id, file, source without docstring, first sentence."""
    home = Path(sysconfig.get_paths()["stdlib"])
    for package in PACKAGES:
        for path in sorted((home / package).glob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            for node in ast.walk(ast.parse("\n".join(lines))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    name = str(path.relative_to(home))
                    found = _function(node, lines, name)
                    if found:
                        yield found


def _function(node: Any, lines: list[str], file: str) -> dict[str, str] | None:
    said = ast.get_docstring(node)
    if not said:
        return None
    held = node.body[0]
    kept = [*lines[node.lineno - 1 : held.lineno - 1], *lines[held.end_lineno : node.end_lineno]]
    text = "\n".join(kept)
    sentence = re.split(r"(?<=[.?!])\s|\n\n", said, maxsplit=1)[0]
    sentence = " ".join(sentence.split())
    words = len(sentence.split())
    if not FEWEST_WORDS <= words <= 40 or len(text) > LONGEST or len(kept) < 3:
        return None
    return {"id": f"{file}:{node.lineno}", "title": file, "text": text, "question": sentence}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    chosen = parser.parse_args()
    found = list(functions())
    asked: dict[str, str] = {}
    for one in found:  # a sentence that two functions share asks for neither
        asked[one["question"]] = "" if one["question"] in asked else one["id"]
    drawn = sorted((i for i in asked.values() if i), key=_draw)[: chosen.questions]
    texts = {one["id"]: one["question"] for one in found}
    chosen.folder.mkdir(parents=True, exist_ok=True)
    passages = [{key: one[key] for key in ("id", "title", "text")} for one in found]
    questions = [
        {"id": i, "question": texts[i], "gold": [i], "answers": [], "answerable": True}
        for i in drawn
    ]
    for name, rows in (("passages", passages), ("questions", questions)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (chosen.folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    print(f"{chosen.folder}: {len(passages):,} passages, {len(questions)} questions")


def _draw(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


if __name__ == "__main__":
    main()
