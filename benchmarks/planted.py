"""Whether the part that is broken is the part that is named: faults planted on purpose.

    uv run --group benchmarks python benchmarks/planted.py
    uv run --group benchmarks python benchmarks/planted.py --every 4 --fault reranker

The example questions are asked of the example documents, without a model; then once more
with one part broken. Each question that came out well before and does not now was broken
by the fault, and `suffice.agent.evaluation.attribution` says which part lost it.

Columns: questions that came out well before; that the fault broke; of these the share put
down to the broken part; and what the others were put down to.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cutting import cut_in_two

from suffice import Agent, Corpus
from suffice.agent.evaluation.attribution import Blame, attribute, came_well
from suffice.agent.evaluation.outcome import Outcome, outcome_of
from suffice.agent.evaluation.questions import EvalQuestion, read_questions
from suffice.agent.parts import Parts
from suffice.testing import Liar, NaySayer, NoiseEmbedder, ReversedReranker, YesSayer
from suffice.tools.reason.extractive import ExtractiveReasoner
from suffice.tools.reason.protocol import Reasoner
from suffice.tools.rerank import open_reranker
from suffice.tools.search import Searcher

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FILES = ("questions.jsonl", "questions-hard.jsonl")


@dataclass(frozen=True)
class Fault:
    """A part that is broken: `named` is what it must be called.

    `parts` breaks the parts before documents are added, `corpus` what was added,
    `reasoner` the reasoner.
    """

    named: str
    parts: Callable[[Parts], None] | None = None
    corpus: Callable[[Corpus, Sequence[EvalQuestion]], None] | None = None
    reasoner: Callable[[Parts], Reasoner] | None = None


def _noise(parts: Parts) -> None:
    assert parts.embedder is not None
    parts.embedder = NoiseEmbedder(parts.embedder)
    parts.searcher = Searcher(parts.store, parts.embedder, parts.sparse)
    parts.reranker = open_reranker("evidence", embedder=parts.embedder, sparse=parts.sparse)


def _reversed(parts: Parts) -> None:
    assert parts.reranker is not None
    parts.reranker = ReversedReranker(parts.reranker)


def _cut(corpus: Corpus, questions: Sequence[EvalQuestion]) -> None:
    parts = corpus._parts
    assert parts.embedder is not None
    answers = [answer for q in questions for answer in q.answers if answer not in ("yes", "no")]
    corpus._loop.run(cut_in_two(parts.store, parts.embedder, parts.sparse, answers))


FAULTS = {
    "chunk cut in two": Fault("chunking", corpus=_cut),
    "embedder of noise": Fault("dense", parts=_noise),
    "reranker reversed": Fault("rerank", parts=_reversed),
    "reader that lies": Fault("read", reasoner=lambda p: Liar(ExtractiveReasoner(p.embedder))),
    "judge that says yes": Fault(
        "judge", reasoner=lambda p: YesSayer(ExtractiveReasoner(p.embedder, enough=0.0))
    ),
    "judge that says no": Fault(
        "judge", reasoner=lambda p: NaySayer(ExtractiveReasoner(p.embedder))
    ),
}


@contextmanager
def planted(fault: Fault, questions: Sequence[EvalQuestion]) -> Iterator[Agent]:
    """An agent over the example documents with one part broken."""
    with (
        tempfile.TemporaryDirectory() as place,
        Corpus.open(place, keep_runs_days=0, embedder="minilm") as corpus,
    ):
        if fault.parts:
            fault.parts(corpus._parts)
        corpus.add(EXAMPLES / "harbour")
        if fault.corpus:
            fault.corpus(corpus, questions)
        made = fault.reasoner(corpus._parts) if fault.reasoner else None
        with Agent(corpus, small="none", reasoner=made) as agent:
            yield agent


def questions(every: int, start: int = 0) -> list[EvalQuestion]:
    """The example questions, every so manyth of them, from the one at `start` on."""
    return [q for name in FILES for q in read_questions(EXAMPLES / name)][start::every]


def outcome(agent: Agent, question: EvalQuestion) -> tuple[Outcome, bool]:
    """Ask a question; return what came of it, and whether that is well."""
    answer = agent.ask(question.standing)
    came = outcome_of(
        answer, question_id=question.id, asked=question.asked, strategy="iterative", seconds={}
    )
    return came, came_well(question, came)


def well(agent: Agent, question: EvalQuestion) -> bool:
    return outcome(agent, question)[1]


def broken(fault: Fault, asked: Sequence[EvalQuestion]) -> list[Blame]:
    """Ask what came out well once more, with a fault; blame for all that it broke."""
    with planted(fault, asked) as agent:
        found = [(question, *outcome(agent, question)) for question in asked]
        return [attribute(agent, question, what) for question, what, good in found if not good]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="ask every so manyth question only")
    parser.add_argument("--start", type=int, default=0, help="from this question on")
    parser.add_argument("--fault", default="", help="plant only faults with this in their name")
    parser.add_argument("--show", action="store_true", help="print every question that broke")
    chosen = parser.parse_args()
    asked = questions(chosen.every, chosen.start)
    with planted(Fault(""), asked) as agent:
        asked = [question for question in asked if well(agent, question)]
    print(f"{'fault':22}{'well':>6}{'broken':>8}{'named':>8}  others")
    for name, fault in FAULTS.items():
        if chosen.fault in name:
            _print(name, fault, asked, chosen.show)


def _print(name: str, fault: Fault, asked: Sequence[EvalQuestion], show: bool) -> None:
    blames = broken(fault, asked)
    right = sum(blame.part == fault.named for blame in blames)
    share = f"{right / len(blames):.0%}" if blames else "-"
    others = Counter(blame.part for blame in blames if blame.part != fault.named)
    listed = ", ".join(f"{part} {count}" for part, count in others.most_common())
    print(f"{name:22}{len(asked):>6}{len(blames):>8}{share:>8}  {listed}", flush=True)
    if show:
        for blame in blames:
            print(f"    {blame.question_id} {blame.failed}: {blame.part}, {blame.detail}")


if __name__ == "__main__":
    main()
