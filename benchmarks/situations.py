"""Questions asked in earnest, and what the reasoner saw when it last thought about each.

A *case* is a question of a set, or one with the passages withheld that carry its answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from question_sets import HALVED, half, read_hops

from suffice import Agent, Corpus, Document
from suffice.agent.evaluation.outcome import Place, narrowed
from suffice.agent.evaluation.questions import EvalQuestion
from suffice.tools.reason.extractive import ExtractiveReasoner
from suffice.tools.reason.followup import standalone
from suffice.tools.reason.protocol import Draft, Followup, Plan, Say, Situation, Standalone, Verdict
from suffice.tools.types import Passage

EXAMPLES = Path(__file__).parent.parent / "examples"
HANDBOOKS = Path(__file__).parent / "handbooks"
"""Papers of organisations that were made up for tuning, each with its questions."""

LINKED = ("hotpotqa_train100", "2wiki_train500")
"""Sets whose questions take all their passages: without one of them nothing answers."""


@dataclass(frozen=True)
class Case:
    """What is asked, whether the documents answer it, and what must not be found for it."""

    set: str
    id: str
    question: str
    answerable: bool
    kind: str = "asked"
    exclude: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    type: str = ""

    @property
    def question_id(self) -> str:
        """What twins, steps and variants of one question share."""
        return self.id.split("/")[0].removesuffix("-U")


@dataclass
class Seen:
    """A case, the evidence of the last thought, and what came of it."""

    case: Case
    evidence: list[Passage]
    confidence: float = 0.0
    status: str = ""
    quotes: list[tuple[str, str]] = field(default_factory=list)


def cases(folder: Path, part: str | None) -> Iterator[Case]:
    """Yield the questions of a set as they are, of one half ("tune", "report") or all."""
    for row in rows(folder):
        if part is None or folder.name not in HALVED or half(row["id"]) == part:
            yield _case(folder.name, row)


def variants(folder: Path) -> Iterator[Case]:
    """Yield the tuning cases of a set, each answerable one also with its gold withheld."""
    for case in cases(folder, "tune"):
        yield case
        if case.answerable and case.gold:
            gone = case.gold
            if folder.name in LINKED:
                gone = (gone[int(draw("gone", case.id) * len(gone))],)
            yield replace(case, kind="withheld", answerable=False, exclude=(*case.exclude, *gone))


def hops(folder: Path) -> Iterator[Case]:
    """Yield the single steps that the questions of a set were composed of."""
    told = {h["gold"]: h["answer"] for row in rows(folder) for h in row.get("hops") or []}
    for hop in read_hops(folder).questions:
        answers = tuple(told[gold] for gold in hop.gold if gold in told)
        yield Case(folder.name, hop.id, hop.text, True, "hop", gold=hop.gold, answers=answers)


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the questions of a folder; of the examples those that are hard."""
    name = "questions-hard.jsonl" if folder == EXAMPLES else "questions.jsonl"
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def documents(folder: Path) -> Any:
    if folder == EXAMPLES:
        return folder / "harbour"
    if folder.parent == HANDBOOKS:
        return folder / "docs"
    lines = (folder / "passages.jsonl").read_text("utf-8").splitlines()
    read = map(json.loads, lines)
    return [Document(id=r["id"], title=r["title"], text=r["text"]) for r in read]


def see(corpus: Corpus, asked: Iterable[Case], **settings: Any) -> Iterator[Seen]:
    """Ask each case; yield it with the evidence that its answer was weighed on."""
    watching = Watching(ExtractiveReasoner(corpus._parts.embedder))
    sources = [Place(passage_id="", document_id=d.id, source=d.source) for d in corpus.documents()]
    with Agent(corpus, reasoner=watching, **settings) as agent:
        for case in asked:
            where = narrowed(None, case.exclude, sources)
            watching.last = None
            answer = agent.ask(case.question, where=where)
            evidence = list(watching.last.evidence) if watching.last else []
            quotes = [(c.document_id, c.quote) for c in answer.citations]
            yield Seen(case, evidence, answer.confidence, answer.status, quotes)


class Watching:
    """A reasoner that thinks as another, and remembers what it was last shown."""

    def __init__(self, inner: ExtractiveReasoner) -> None:
        self.name, self._inner = inner.name, inner
        self.last: Situation | None = None

    async def plan(self, situation: Situation) -> Plan:
        self.last = situation
        return await self._inner.plan(situation)

    async def judge(self, situation: Situation) -> Verdict:
        self.last = situation
        return await self._inner.judge(situation)

    async def write(self, situation: Situation, say: Say) -> Draft:
        return await self._inner.write(situation, say)

    async def contextualize(self, followup: Followup) -> Standalone:
        return await self._inner.contextualize(followup)

    async def close(self) -> None:
        await self._inner.close()


def stored(seen: Seen) -> str:
    """Return a seen case as a line of JSON."""
    kept = asdict(seen) | {"evidence": [p.model_dump(mode="json") for p in seen.evidence]}
    return json.dumps(kept)


def restored(line: str) -> Seen:
    kept = json.loads(line)
    case = Case(**{k: tuple(v) if isinstance(v, list) else v for k, v in kept.pop("case").items()})
    evidence = [Passage(**p) for p in kept.pop("evidence")]
    return Seen(case, evidence, **kept)


def draw(*names: str) -> float:
    """Return a number from 0 to 1 that depends on the names alone."""
    digest = hashlib.sha256(":".join(names).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def _case(name: str, row: dict[str, Any]) -> Case:
    return Case(
        set=name,
        id=row["id"],
        question=_alone(row),
        answerable=bool(row["answerable"]),
        exclude=tuple(row.get("exclude") or ()),
        gold=tuple(row["gold"]),
        answers=tuple(row["answers"]),
        type=str(row.get("type", "")),
    )


def _alone(row: dict[str, Any]) -> str:
    """The question as the rules make it stand alone, of one asked in a conversation."""
    asked = EvalQuestion(question=row["question"], history=row.get("history") or ())
    return standalone(asked.question, asked.turns).question if asked.turns else asked.question
