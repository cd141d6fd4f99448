"""Retrieve once, retrieve in rounds, or put everything in the prompt: which wins where?

    python benchmarks/debate.py FOLDER [FILLER...] [--questions 50] [--sizes 50,200,1000]

The questions of FOLDER are asked of corpora of growing size, each holding all their gold
and then passages of FOLDER and of the FILLERs, under all three strategies: once without a
model, and once with the oracle of `benchmarks/calls.py`. The oracle makes no mistake on
what it is shown and is never distracted by what stands beside it, so its figures are what
each strategy can reach at best, and what it costs; a real model loses more, and most in
long prompts. It answers at once: its times are those of everything but a model.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calls import Asked, Oracle, read_questions
from question_sets import read_set

from suffice import Corpus, Document
from suffice.agent.evaluation.questions import EvalQuestion
from suffice.agent.evaluation.results import Results
from suffice.agent.evaluation.runner import evaluate
from suffice.agent.evaluation.summary import Summary, summarize
from suffice.prompts import Prompt
from suffice.testing import FunctionModel, Scripted, reasoner
from suffice.tools.llm.prices import Price
from suffice.tools.reason.protocol import Reasoner

STRATEGIES = ("single_pass", "iterative", "long_context")
SHOWN = ("right", "citation_recall", "wrong", "llm_calls", "input_tokens", "usd", "seconds_p50")
AMPLE = {"tokens": 50_000_000, "seconds": 3600.0, "usd": None, "llm_calls": 50}


@dataclass
class Oracles:
    """One oracle a question, found by the question that stands in the prompt."""

    asked: Sequence[Asked]
    known: dict[str, Oracle] = field(default_factory=dict)

    def __call__(self, prompt: Prompt, schema: type[Any] | None) -> Scripted:
        request = " ".join(prompt.user.split())
        named = [one for one in self.asked if " ".join(one.text.split()) in request]
        one = max(named, key=lambda a: len(a.text), default=None)
        if one is None:
            raise AssertionError(f"no question is known to stand in: {request[:300]}")
        oracle = self.known.setdefault(one.text, Oracle())
        if oracle.asked is None:
            oracle.begin(one)
        return oracle(prompt, schema)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("fillers", nargs="*", type=Path)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--sizes", default="100,300,1000,3000")
    parser.add_argument("--dollars-in", type=float, default=0.25, help="a million tokens sent")
    parser.add_argument("--dollars-out", type=float, default=2.0, help="a million written")
    chosen = parser.parse_args(arguments)
    documents = read_set(chosen.folder).documents
    filler = [d for folder in chosen.fillers for d in read_set(folder).documents]
    asked = read_questions(chosen.folder, documents)[: chosen.questions]
    price = Price(chosen.dollars_in, chosen.dollars_out)
    dollars = f"${chosen.dollars_in:g} a million tokens in, ${chosen.dollars_out:g} out"
    print(f"{chosen.folder.name}: {len(asked)} questions; {dollars}")
    heads = "".join(f"{name:>16}" for name in SHOWN)
    print(f"{'passages':>8} {'words':>9} {'model':8}{'strategy':14}{heads}")
    told: list[tuple[int, str, Summary]] = []
    for size in (int(part) for part in chosen.sizes.split(",")):
        held = corpus_of(asked, [*documents, *filler], size)
        for model, summary in both(held, asked, price):
            told.append((len(held), model, summary))
            show(held, model, summary)
    conclude(told)
    return 0


def corpus_of(asked: Sequence[Asked], documents: Sequence[Document], size: int) -> list[Document]:
    """All gold of the questions, and other passages up to `size`."""
    gold = {document.id: document for one in asked for document in one.gold}
    texts = {document.text for document in gold.values()}
    rest = [d for d in documents if d.id not in gold and d.text not in texts]
    return [*gold.values(), *rest[: max(size - len(gold), 0)]]


def both(
    held: Sequence[Document], asked: Sequence[Asked], price: Price
) -> list[tuple[str, Summary]]:
    """The same corpus without a model and with the oracle."""
    questions = [
        EvalQuestion(
            id=str(number),
            question=one.text,
            answers=tuple(one.answers),
            gold=tuple(dict.fromkeys(document.id for document in one.gold)),
        )
        for number, one in enumerate(asked)
    ]
    found = []
    with (
        tempfile.TemporaryDirectory() as place,
        Corpus.open(Path(place) / "corpus", small="none", budget=AMPLE) as corpus,
    ):
        corpus.add(list(held))
        for model in ("none", "oracle"):
            summaries = [
                summarize(
                    evaluate(
                        corpus,
                        questions,
                        strategies=(strategy,),
                        reasoner=None if model == "none" else oracle(asked, price),
                        at_once=1,
                        results=Results(Path(place) / model),
                    )
                )
                for strategy in STRATEGIES
            ]
            merged = summaries[0].model_copy(
                update={"strategies": tuple(s.strategies[0] for s in summaries)}
            )
            found.append((model, merged))
    return found


def oracle(asked: Sequence[Asked], price: Price) -> Reasoner:
    """The reasoner over the oracle, new to every question."""
    return reasoner(FunctionModel(Oracles(asked), name="test:oracle", price=price))


def show(held: Sequence[Document], model: str, summary: Summary) -> None:
    words = sum(len(document.text.split()) for document in held)
    for one in summary.strategies:
        cells = "".join(f"{_cell(one.measures[name].value):>16}" for name in SHOWN)
        print(f"{len(held):8,} {words:9,} {model:8}{one.strategy:14}{cells}", flush=True)


def conclude(told: Sequence[tuple[int, str, Summary]]) -> None:
    """Say from which size on each strategy costs less than putting everything in the prompt."""
    for strategy in ("single_pass", "iterative"):
        sizes = [
            size
            for size, model, summary in told
            if model == "oracle"
            and (summary.value("usd", strategy) or 0) < (summary.value("usd", "long_context") or 0)
        ]
        point = f"{min(sizes):,} passages on" if sizes else "none of these sizes"
        print(f"{strategy} costs less than long_context from {point}")


def _cell(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.4f}" if value < 0.1 else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
