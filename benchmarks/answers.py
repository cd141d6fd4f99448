"""How well questions are answered without a language model, by type of question.

    python -m suffice.benchmarks.answers        (or: python benchmarks/answers.py)
    python benchmarks/answers.py FOLDER...      other question sets
    python benchmarks/answers.py --half tune FOLDER

Without a folder: the example documents and questions of this project. A folder holds
`passages.jsonl` (id, title, text) and `questions.jsonl` (id, question, answers, gold,
answerable, type, and `exclude`: ids that must not be found for this question).

Columns: `gold` share of answerable questions with a gold answer inside the quoted text
(yes or no: leading the answer); `told` share that got any answer; `refused` share of
unanswerable ones that were refused; `cited` share of citations that resolve to the
stored text; median time and median length of all quotes of an answer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import tempfile
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice import Agent, Answer, Corpus, Document

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ABSTAINED = ("abstained", "failed")


@dataclass(frozen=True)
class Outcome:
    """One question, what came of it, and how long that took."""

    question: dict[str, Any]
    answer: Answer
    milliseconds: float
    resolved: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for each question set named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--half", choices=("tune", "report"), help="by the hash of the id")
    parser.add_argument("--limit", type=int, help="at most so many questions of each set")
    parser.add_argument("--show", choices=("wrong", "all"), help="print questions and answers")
    parser.add_argument("--embedder", default="minilm", help='"none" for words alone')
    chosen = parser.parse_args(arguments)
    for folder in chosen.folders or [EXAMPLES]:
        questions = _questions(folder, chosen.half)[: chosen.limit]
        with tempfile.TemporaryDirectory() as place:
            outcomes = run(Path(place), folder, questions, chosen.embedder)
        _print_table(folder.name, outcomes)
        if chosen.show:
            _print_answers(outcomes, wrong_only=chosen.show == "wrong")


def run(
    place: Path, folder: Path, questions: Sequence[dict[str, Any]], embedder: str
) -> list[Outcome]:
    """Index a question set into `place` and ask all its questions, one after another."""
    with Corpus.open(place / "corpus", embedder=embedder) as corpus:
        corpus.add(_sources(folder))
        texts: dict[str, str] = {}
        with Agent(corpus, small="none") as agent:
            return [_ask(corpus, agent, question, texts) for question in questions]


def _sources(folder: Path) -> list[Any]:
    passages = folder / "passages.jsonl"
    if passages.exists():
        rows = (json.loads(line) for line in passages.read_text("utf-8").splitlines())
        return [Document(id=row["id"], title=row["title"], text=row["text"]) for row in rows]
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]


def _questions(folder: Path, half: str | None) -> list[dict[str, Any]]:
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.strip()]
    if half is None:
        return found
    odd = half == "report"
    return [q for q in found if int(hashlib.sha256(q["id"].encode()).hexdigest(), 16) % 2 == odd]


def _ask(corpus: Corpus, agent: Agent, question: dict[str, Any], texts: dict[str, str]) -> Outcome:
    hidden = question.get("exclude")
    where = {"document_id": {"not_in": hidden}} if hidden else None
    began = time.perf_counter()
    answer = agent.ask(question["question"], where=where)
    took = 1000 * (time.perf_counter() - began)
    resolved = sum(
        _text(corpus, cited.document_id, texts)[cited.start : cited.end] == cited.quote
        for cited in answer.citations
    )
    return Outcome(question, answer, took, resolved)


def _text(corpus: Corpus, document_id: str, known: dict[str, str]) -> str:
    if document_id not in known:
        found = corpus.document(document_id)
        known[document_id] = found.text if found else ""
    return known[document_id]


def folded(text: str) -> str:
    """Return `text` in small letters, without accents and marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).strip()


def right(outcome: Outcome) -> bool:
    """Say whether a gold answer stands in the quotes; a yes or no must lead the answer."""
    if outcome.answer.status in ABSTAINED:
        return False
    golds = [folded(gold) for gold in outcome.question["answers"]]
    if golds and golds[0] in ("yes", "no"):
        return folded(outcome.answer.text).split(" ")[:1] == golds[:1]
    quoted = folded(" | ".join(cited.quote for cited in outcome.answer.citations))
    if any(gold and f" {gold} " in f" {quoted} " for gold in golds):
        return True
    return any(_told(gold, quoted) for gold in golds)


def _told(gold: str, quoted: str) -> bool:
    """A gold answer of sentences is told where half of the quoted words are its words."""
    if len(gold) < 80:
        return False
    theirs, ours = set(gold.split()), quoted.split()
    return sum(word in theirs for word in ours) >= 0.6 * max(len(ours), 1)


def _print_table(name: str, outcomes: Sequence[Outcome]) -> None:
    print(f"\n{name}")
    print(
        f"{'type':22}{'n':>5}{'gold':>7}{'told':>7}{'refused':>9}{'cited':>7}{'ms':>7}{'chars':>7}"
    )
    for kind, group in [*_by_type(outcomes), ("all", list(outcomes))]:
        print(f"{kind:22}{len(group):>5}{_figures(group)}")


def _by_type(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[Outcome]]]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[str(outcome.question.get("type", ""))].append(outcome)
    yield from sorted(groups.items())


def _figures(group: Sequence[Outcome]) -> str:
    able = [o for o in group if o.question["answerable"]]
    unable = [o for o in group if not o.question["answerable"]]
    told = [o for o in able if o.answer.status not in ABSTAINED]
    cited = [o for o in group if o.answer.citations]
    links = sum(len(o.answer.citations) for o in cited)
    lengths = [sum(len(c.quote) for c in o.answer.citations) for o in cited]
    return (
        f"{_share(sum(map(right, able)), len(able)):>7}{_share(len(told), len(able)):>7}"
        f"{_share(sum(o.answer.status == 'abstained' for o in unable), len(unable)):>9}"
        f"{_share(sum(o.resolved for o in cited), links):>7}"
        f"{statistics.median(o.milliseconds for o in group):>7.0f}"
        f"{statistics.median(lengths) if lengths else 0:>7.0f}"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _print_answers(outcomes: Sequence[Outcome], *, wrong_only: bool) -> None:
    for outcome in outcomes:
        question, answer = outcome.question, outcome.answer
        good = right(outcome) if question["answerable"] else answer.status == "abstained"
        if not (wrong_only and good):
            print(f"\n{'+' if good else '-'} {question['id']} {question['question']}")
            print(f"  gold: {question['answers'][:2]}; {answer.status}, {answer.confidence:.2f}")
            print("  " + answer.text.replace("\n", "\n  "))


if __name__ == "__main__":
    main()
