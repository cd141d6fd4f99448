"""Which part lost a question: each fault, planted on purpose, is called by its name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tugs

from suffice import Agent, Corpus
from suffice.agent.evaluation.attribution import Blame, attribute
from suffice.agent.evaluation.diagnosis import Diagnosis, diagnose, weigh
from suffice.agent.evaluation.questions import EvalQuestion
from suffice.agent.evaluation.results import Results
from suffice.agent.evaluation.runner import evaluate
from suffice.testing import Liar, NaySayer, ReversedReranker, YesSayer
from suffice.tools.reason.extractive import ExtractiveReasoner
from suffice.tools.reason.protocol import Draft, Reasoner, Say, Situation

ROOT = Path(__file__).parent.parent
MOORED = [
    EvalQuestion(
        id=name,
        question=tugs.question(name),
        answers=(f"berth {number + 3}",),
        gold=(f"tugs/{name.lower()}.md",),
    )
    for number, name in enumerate(tugs.NAMES)
]
UNKNOWN = EvalQuestion(id="none", question="What colour is the tug Heron?", answerable=False)
ABSENT = EvalQuestion(
    id="gone",
    question="Where is the tug Ibis moored?",
    answers=("berth 40",),
    gold=("tugs/ibis.md",),
)


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    with Corpus.open(tmp_path / "corpus", **tugs.QUICK) as opened:
        opened.add(tugs.documents())
        yield opened


Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def why(corpus: Corpus, tmp_path: Path) -> Diagnose:
    """Return what asks questions with a fault in the agent, and says where they were lost."""

    def why(
        questions: list[EvalQuestion], reasoner: Reasoner | None = None, **settings: object
    ) -> Diagnosis:
        evaluation = evaluate(
            corpus,
            questions,
            settings=corpus.settings.changed(**settings),
            reasoner=reasoner,
            results=Results(tmp_path / "results"),
        )
        return diagnose(corpus, evaluation, reasoner=reasoner)

    return why


def parts(why: Diagnosis) -> set[str]:
    return {blame.part for blame in why.blames}


def test_where_nothing_failed_nothing_is_blamed(why: Diagnose) -> None:
    found = why(MOORED)
    assert (found.asked, found.blames, found.gains, found.swap) == (8, (), (), None)


def test_a_reader_that_lies_is_named(why: Diagnose) -> None:
    found = why(MOORED, Liar(ExtractiveReasoner()))
    assert len(found.blames) == 8
    assert parts(found) == {"read"}
    assert all(blame.proven and blame.failed == "wrong" for blame in found.blames)


def test_a_judge_that_always_says_no_is_named(why: Diagnose) -> None:
    found = why(MOORED, NaySayer(ExtractiveReasoner()))
    assert parts(found) == {"judge"}
    assert {blame.failed for blame in found.blames} == {"refused"}


def test_a_judge_that_always_says_yes_is_named(why: Diagnose) -> None:
    found = why([UNKNOWN], YesSayer(ExtractiveReasoner(enough=0.0)))
    assert parts(found) == {"judge"}
    assert "nothing answers it" in found.blames[0].detail


def test_a_reversed_reranker_is_named(corpus: Corpus, why: Diagnose) -> None:
    parts_of = corpus._parts
    assert parts_of.reranker is not None
    parts_of.reranker = ReversedReranker(parts_of.reranker)
    found = why(MOORED, evidence=2)
    assert len(found.blames) >= 4
    assert parts(found) == {"rerank"}


def test_what_is_not_in_the_corpus_is_no_parts_fault(why: Diagnose) -> None:
    found = why([ABSENT])
    assert parts(found) == {"corpus"}
    assert "tugs/ibis.md" in found.blames[0].detail
    assert found.swap is not None
    assert "Add the documents" in found.swap.sentence


def test_what_a_threshold_refuses_is_put_down_to_it(why: Diagnose) -> None:
    found = why(MOORED[:2], threshold=0.999)
    assert parts(found) == {"threshold"}


class Boaster(Liar):
    """Quotes rightly, and claims a year more than the quote does."""

    async def write(self, situation: Situation, say: Say) -> Draft:
        draft = await self.inner.write(situation, say)
        claims = (
            claim.model_copy(update={"text": f"{claim.text} In 1066."}) for claim in draft.claims
        )
        return draft.model_copy(update={"claims": tuple(claims), "lead": ""})


def test_what_verification_takes_away_is_put_down_to_it(why: Diagnose) -> None:
    found = why(MOORED[:2], Boaster(ExtractiveReasoner()))
    assert parts(found) == {"verify"}
    assert "1066" in found.blames[0].detail


def test_what_came_out_well_the_second_time_is_chance(corpus: Corpus, why: Diagnose) -> None:
    """The outcome is of a run with a lie in it, the agent that is asked again is honest."""
    found = why(MOORED[:1], Liar(ExtractiveReasoner()))
    assert parts(found) == {"read"}
    with Agent(corpus, reasoner=Liar(ExtractiveReasoner())) as liar:
        lied = liar.ask(MOORED[0].question)
    from suffice.agent.evaluation.outcome import outcome_of

    outcome = outcome_of(
        lied, question_id="Anchor", asked=MOORED[0].asked, strategy="iterative", seconds={}
    )
    with Agent(corpus) as honest:
        blame = attribute(honest, MOORED[0], outcome)
    assert (blame.part, blame.failed) == ("chance", "wrong")


def test_gains_are_shares_of_all_questions_and_only_of_what_is_proven() -> None:
    def blame(number: int, part: str, proven: bool = True) -> Blame:
        return Blame(
            question_id=str(number), failed="wrong", part=part, proven=proven, detail="seen"
        )

    gains = weigh(
        [blame(1, "rerank"), blame(2, "read"), blame(3, "read"), blame(4, "rerank", False)], 40
    )
    assert [(g.part, g.lost, g.proven, g.points) for g in gains] == [
        ("read", 2, 2, 5.0),
        ("rerank", 2, 1, 2.5),
    ]


def test_what_there_is_to_gain_is_said_in_a_sentence_with_what_to_swap(why: Diagnose) -> None:
    found = why([*MOORED[:3], ABSENT], NaySayer(ExtractiveReasoner()))
    assert found.sentence == (
        "If judging what suffices were perfect you would gain 75.0 points; "
        "if the documents were, 25.0."
    )
    assert found.swap is not None
    assert found.swap.setting.startswith('small = "')
    assert "$" in found.swap.money
    assert found.swap.time.startswith("thinking takes")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["two", "noise", "reversed", "lies", "says yes", "says no"])
def test_faults_planted_in_the_examples_are_named(fault: str) -> None:
    """One question in eight of the examples; benchmarks/planted.py asks all."""
    script = ROOT / "benchmarks" / "planted.py"
    ran = subprocess.run(
        [sys.executable, str(script), "--every", "8", "--fault", fault],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    line = ran.stdout.splitlines()[1]
    broken, share = re.search(r"(\d+) +(\d+)%", line).groups()
    assert int(broken) >= 1
    assert int(share) >= 75, line
