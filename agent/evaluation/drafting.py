"""First questions for a corpus, proposed from its own passages, for a person to edit.

With a model they are written and checked: an answer counts when its quote is found in the
passage and holds it; a question said to be unanswerable is asked, and kept when it is
refused. Without a model they are made by rule from sentences, and marked as rough.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import PurePath

from ...errors import CallFailed, InputError
from ...prompts import Template, load
from ...prompts.draft import DraftedQuestion, DraftReply
from ...tools.llm.protocol import LanguageModel
from ...tools.reason.verify_quotes import find_quote, fold
from ...tools.types import Passage
from ..corpus import Corpus
from ..sdk import Agent
from .marking import folded
from .questions import EvalQuestion
from .rough import rough_answerable, rough_unanswerable
from .runner import Asked

UNANSWERABLE = 0.25
"""The share of questions that the documents should not answer."""

AT_ONCE = 4
REPLY_TOKENS = 700
MOST_CHARS = 6000


def draft(
    corpus: Corpus,
    count: int,
    model: LanguageModel | None = None,
    *,
    progress: Callable[[Asked], None] | None = None,
) -> tuple[EvalQuestion, ...]:
    """Return up to `count` questions, a quarter of them without an answer in the corpus.

    Passages are taken from all documents in turn, in an order that is always the same.
    The model, where one is given, is closed.

    Raises:
        InputError: the corpus is empty.
        CallFailed: the model could not be reached, and wrote nothing at all.
    """
    passages = corpus._loop.run(_spread(corpus))
    if not passages:
        raise InputError(
            f"the corpus at {corpus.place} is empty; add documents with: suffice add FOLDER"
        )
    without = round(count * UNANSWERABLE)
    if model is None:
        able = rough_answerable(passages, count - without)
        unable = rough_unanswerable(passages, without)
    else:
        able, unable = _written(corpus, passages, model, count - without, without, progress)
    roots = corpus._loop.run(_roots(corpus))
    found = [_named(question, roots) for question in (*able, *unable)]
    return tuple(q.model_copy(update={"id": f"d{n:02}"}) for n, q in enumerate(found, 1))


def to_lines(questions: Sequence[EvalQuestion]) -> str:
    """Write questions as JSON Lines, each with what is known of it and no more."""
    lines = []
    for question in questions:
        row = question.model_dump(mode="json", exclude_defaults=True)
        row |= {
            "answers": list(question.answers),
            "gold": list(question.gold),
            "answerable": question.answerable,
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


async def _spread(corpus: Corpus) -> list[Passage]:
    """Return all passages, one of each document in turn."""
    by_document: dict[str, list[Passage]] = {}
    async for hit in corpus._parts.store.scroll():
        by_document.setdefault(hit.passage.document_id, []).append(hit.passage)
    for held in by_document.values():
        held.sort(key=lambda passage: _shuffled(passage.id))
    turns = zip_longest(*(by_document[key] for key in sorted(by_document, key=_shuffled)))
    return [passage for turn in turns for passage in turn if passage is not None]


async def _roots(corpus: Corpus) -> dict[str, str]:
    """Return what a person calls each document: its path in the folder added, or its id."""
    names = {}
    for record in await corpus._parts.store.documents():
        source, root = record.document.source, record.root
        inside = root and PurePath(source).is_relative_to(root) and source != root
        name = PurePath(source).relative_to(root).as_posix() if inside else source
        names[record.document.id] = name or record.document.id
    return names


def _named(question: EvalQuestion, roots: dict[str, str]) -> EvalQuestion:
    return question.model_copy(update={"gold": tuple(roots.get(g, g) for g in question.gold)})


def _shuffled(name: str) -> str:
    """An order without rhyme, and always the same."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _written(
    corpus: Corpus,
    passages: Sequence[Passage],
    model: LanguageModel,
    able: int,
    unable: int,
    progress: Callable[[Asked], None] | None,
) -> tuple[list[EvalQuestion], list[EvalQuestion]]:
    work = _Writing(model, load("draft", corpus.settings.prompts), able, unable, progress)
    with Agent(corpus) as agent:
        corpus._loop.run(work.run(agent, passages))
    return work.able[:able], work.unable[:unable]


class _Writing:
    """Has a model write questions, passage after passage, until there are enough."""

    def __init__(
        self,
        model: LanguageModel,
        template: Template,
        able: int,
        unable: int,
        progress: Callable[[Asked], None] | None,
    ) -> None:
        self.model, self.template, self.progress = model, template, progress
        self.wanted = (able, unable)
        self.able: list[EvalQuestion] = []
        self.unable: list[EvalQuestion] = []
        self.outage: CallFailed | None = None

    async def run(self, agent: Agent, passages: Sequence[Passage]) -> None:
        try:
            for start in range(0, len(passages), AT_ONCE):
                if self._enough():
                    return
                some = passages[start : start + AT_ONCE]
                await asyncio.gather(*(self._passage(agent, passage) for passage in some))
                if self.outage and not self.able:
                    raise self.outage
                self._tell()
        finally:
            await self.model.close()

    async def _passage(self, agent: Agent, passage: Passage) -> None:
        prompt = self.template.fill(
            answerable="1",
            unanswerable="1" if len(self.unable) < self.wanted[1] else "0",
            title=passage.title or passage.source,
            passage=passage.text[:MOST_CHARS],
        )
        try:
            reply = await self.model.reply(prompt, DraftReply, max_tokens=REPLY_TOKENS)
        except CallFailed as error:
            self.outage = error
            return
        self.able += [q for one in reply.value.answerable if (q := checked_answer(one, passage))]
        for one in reply.value.unanswerable:
            if one.question.strip() and await _refused(agent, one.question):
                self.unable.append(
                    EvalQuestion(question=one.question, answerable=False, type="unanswerable")
                )

    def _enough(self) -> bool:
        return len(self.able) >= self.wanted[0] and len(self.unable) >= self.wanted[1]

    def _tell(self) -> None:
        if self.progress is not None:
            done = min(len(self.able), self.wanted[0]) + min(len(self.unable), self.wanted[1])
            self.progress(Asked(done, sum(self.wanted), "drafting", math.nan))


def checked_answer(drafted: DraftedQuestion, passage: Passage) -> EvalQuestion | None:
    """Return a drafted question if its quote stands in the passage and holds its answer."""
    answer, question = folded(drafted.answer), drafted.question.strip()
    if not answer or not question or find_quote(drafted.quote, fold(passage.text)) is None:
        return None
    held = f" {answer} " in f" {folded(drafted.quote)} "
    given_away = f" {answer} " in f" {folded(question)} "
    if not held or given_away:
        return None
    return EvalQuestion(
        question=question,
        answers=(drafted.answer.strip(),),
        gold=(passage.document_id,),
        type="single-hop",
    )


async def _refused(agent: Agent, question: str) -> bool:
    """Tell whether the whole of Suffice finds no answer to a question either."""
    answer = await agent._ask(question, None, None, None, "")
    return answer.status == "abstained"
