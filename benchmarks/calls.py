"""What a question costs in model calls and input tokens, with a model that makes no mistakes.

    python benchmarks/calls.py DATA hotpotqa_dev200 2wiki_dev164 musique_dev100

DATA is a folder of question sets. The model is an oracle: of a passage that it is shown
it knows whether it is gold, quotes it, and asks for what it has not been shown yet in the
words that the question and the gold passages seen so far put into its mouth; never by a
name it could not know. Tokens are counted with the embedder's own word pieces.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from question_sets import read_set

from suffice import Agent, Corpus
from suffice.prompts import Prompt
from suffice.testing import FunctionModel, Scripted, reasoner
from suffice.tools.types import Answer, Document

TOKENS_GOAL, CALLS_GOAL, SINGLE_GOAL = 3500, 2.0, 1.5
_SHOWN = re.compile(r"^\[([a-z]{3})\] (.*)$", re.MULTILINE)
_WORD = re.compile(r"\w+")
_REFERENCE = re.compile(r"#(\d)")
_PLAIN = frozenset(
    ["the", "of", "in", "is", "was", "a", "an", "and", "or", "to", "who", "what", "which", "did"]
)


@dataclass
class Asked:
    """A question with its gold passages, in the order of its hops."""

    text: str
    answers: list[str]
    gold: list[Document]
    hops: dict[int, str] = field(default_factory=dict)
    hop_answers: dict[int, str] = field(default_factory=dict)


@dataclass
class Oracle:
    """Replies as a perfect small model would, to one question at a time."""

    asked: Asked | None = None
    found: dict[int, str] = field(default_factory=dict)

    def begin(self, asked: Asked) -> None:
        self.asked, self.found = asked, {}

    def __call__(self, prompt: Prompt, schema: type[Any] | None) -> Scripted:
        assert self.asked is not None
        shown = _shown(prompt.user)
        seen = {n: shown[g.title] for n, g in enumerate(self.asked.gold, 1) if g.title in shown}
        if schema is None:
            return self._written(seen)
        new = {number: key for number, key in seen.items() if number not in self.found}
        self.found.update(new)
        plan = schema.__name__ == "PlanReply"
        parts = [self._part(n, new, plan=plan) for n in self._open(new, plan=plan)]
        if len(self.asked.gold) > 1:
            parts.append(self._last(plan=plan))
        return {"parts": parts}

    def _open(self, new: dict[int, str], *, plan: bool) -> list[int]:
        numbers = range(1, len(self._gold) + 1)
        return [n for n in numbers if plan or n in new or n not in self.found]

    def _part(self, number: int, new: dict[int, str], *, plan: bool) -> dict[str, Any]:
        part: dict[str, Any] = {"part": number}
        if plan:
            part["question"] = f"What is said of part {number} of the question?"
        if number in new:
            quote = self._quote(number)
            answer = self._answer_in(quote) or self._gold[number - 1].title
            return part | {
                "answer": answer,
                "claim": quote,
                "quotes": [{"id": new[number], "text": quote}],
            }
        return part | {"queries": self._queries(number)}

    def _last(self, *, plan: bool) -> dict[str, Any]:
        number = len(self._gold) + 1
        part: dict[str, Any] = {"part": number}
        if plan:
            part |= {"question": self._asked.text, "after": list(range(1, number))}
        if len(self.found) == len(self._gold):
            part |= {"answer": self._asked.answers[0], "claim": self._quote(number - 1)}
        return part

    def _queries(self, number: int) -> list[str]:
        """Ask for a passage by what is known: the hop's own question, its title, what is open.

        None while the hop waits for an answer that was not found yet.
        """
        hop = self._asked.hops.get(number, "")
        if any(int(n) not in self.found for n in _REFERENCE.findall(hop)):
            return []
        told = _REFERENCE.sub(lambda n: self._asked.hop_answers[int(n[1])], hop)
        title = re.sub(r"\s*\(.*\)$", "", self._gold[number - 1].title)
        known = [self._asked.text, *(self._gold[n - 1].text for n in self.found)]
        named = any(title.casefold() in text.casefold() for text in known)
        return [query for query in (told, title if named else self._rest(known)) if query][:2]

    def _rest(self, known: Sequence[str]) -> str:
        """The words of the question of which the gold passages found so far say nothing."""
        told = {word.casefold() for text in known[1:] for word in _WORD.findall(text)} | _PLAIN
        words = [word for word in _WORD.findall(self._asked.text) if word.casefold() not in told]
        return " ".join(words) or self._asked.text

    def _quote(self, number: int) -> str:
        text = self._gold[number - 1].text
        sentences = [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n+", text) if s.strip()]
        telling = [s for s in sentences if self._answer_in(s)] or sentences
        return telling[0][:400]

    def _answer_in(self, text: str) -> str:
        return next((a for a in self._asked.answers if a.casefold() in text.casefold()), "")

    def _written(self, seen: dict[int, str]) -> str:
        lines = [f"= {self._asked.answers[0]}"] if len(seen) == len(self._gold) else []
        for number, key in seen.items():
            quote = " ".join(self._quote(number).split())
            lines += [f"- {quote}", f"> {key}: {quote}"]
        return "\n".join(lines or ["? what was asked"])

    @property
    def _asked(self) -> Asked:
        assert self.asked is not None
        return self.asked

    @property
    def _gold(self) -> list[Document]:
        return self._asked.gold


def _shown(prompt: str) -> dict[str, str]:
    """Return the titles of the passages in a prompt, with the ids they are shown under."""
    return {match[2]: match[1] for match in _SHOWN.finditer(prompt)}


def read_questions(folder: Path, documents: Iterable[Document]) -> list[Asked]:
    by_id = {document.id: document for document in documents}
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    read = [json.loads(line) for line in lines if line.strip()]
    return [_asked(q, by_id) for q in read if q.get("answerable", True) and q["gold"]]


def _asked(question: dict[str, Any], by_id: dict[str, Document]) -> Asked:
    hops = list(enumerate(question.get("hops") or [], 1))
    gold = [hop["gold"] for _, hop in hops] or list(dict.fromkeys(question["gold"]))
    return Asked(
        question["question"],
        question["answers"] or [""],
        [by_id[key] for key in gold],
        {number: hop["question"] for number, hop in hops},
        {number: hop["answer"] for number, hop in hops},
    )


class WordPieces:
    """Counts tokens as the embedder's tokenizer does."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        from suffice.tools.embed.weights import find_weights

        self._tokenizer = Tokenizer.from_file(str(find_weights().tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, prompt: Prompt) -> int:
        return len(self._tokenizer.encode(f"{prompt.system}\n{prompt.user}").ids)


@dataclass
class Row:
    """What one question took."""

    hops: int
    calls: int
    tokens: int
    estimate: int
    answer: Answer
    complete: bool


def measure(
    corpus: Corpus, questions: Sequence[Asked], strategy: str, count: WordPieces
) -> list[Row]:
    oracle = Oracle()
    model = FunctionModel(oracle, name="test:oracle")
    rows: list[Row] = []
    with Agent(corpus, reasoner=reasoner(model), strategy=strategy) as agent:
        for asked in questions:
            oracle.begin(asked)
            model.prompts.clear()
            answer = agent.ask(asked.text[:8000])
            tokens = sum(count(prompt) for prompt in model.prompts)
            cited = {citation.document_id for citation in answer.citations}
            complete = cited >= {document.id for document in asked.gold}
            rows.append(
                Row(
                    len(asked.gold),
                    len(model.prompts),
                    tokens,
                    answer.usage.input_tokens,
                    answer,
                    complete,
                )
            )
    return rows


def show(name: str, strategy: str, rows: Sequence[Row]) -> None:
    for label, chosen in _groups(rows):
        if chosen:
            calls = statistics.mean(row.calls for row in chosen)
            tokens = statistics.mean(row.tokens for row in chosen)
            guessed = statistics.mean(row.estimate for row in chosen)
            complete = statistics.mean(row.complete for row in chosen)
            answered = statistics.mean(row.answer.status == "answered" for row in chosen)
            print(
                f"{name:18} {strategy:12} {label:8} {len(chosen):5} {calls:6.2f} {tokens:9.0f}"
                f" {guessed:9.0f} {complete:9.1%} {answered:9.1%}",
                flush=True,
            )


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    hops = sorted({row.hops for row in rows})
    groups = [(f"{hop}-hop", [row for row in rows if row.hops == hop]) for hop in hops]
    return [*groups, ("all", list(rows))] if len(groups) > 1 else groups


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--strategies", default="iterative,single_pass,long_context")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--corpora", type=Path, default=Path(".suffice/benchmarks/calls"))
    chosen = parser.parse_args(arguments)
    count = WordPieces()
    print(
        f"{'set':18} {'strategy':12} {'group':8} {'n':>5} {'calls':>6} {'tokens':>9}"
        f" {'estimate':>9} {'all gold':>9} {'answered':>9}"
    )
    for name in chosen.sets:
        known = read_set(chosen.data / name)
        questions = read_questions(chosen.data / name, known.documents)[: chosen.limit]
        with Corpus.open(chosen.corpora / name) as corpus:
            corpus.add(list(known.documents))
            for strategy in chosen.strategies.split(","):
                show(name, strategy, measure(corpus, questions, strategy, count))
    print(
        f"\ngoals: at most {CALLS_GOAL:g} calls and {TOKENS_GOAL} input tokens on two-hop "
        f"questions, {SINGLE_GOAL:g} calls on single-hop ones"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
