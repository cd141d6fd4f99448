"""Models for tests, and parts that do their work badly: no key, no network, no chance.

They are ordinary language models, with the same reading of replies, the same second
asking and the same streaming as a provider's:

    from suffice import Agent
    from suffice.testing import ScriptedModel, reasoner

    model = ScriptedModel([{"parts": [{"part": 1, "question": "…", "answer": "…", …}]}])
    with Agent("notes", reasoner=reasoner(model)) as agent:
        answer = agent.ask("Who signs off night berthing?")
    assert len(model.prompts) == 1

The bad parts stand at the same seams. Whoever watches over quality can plant one and see
whether it is noticed: `Agent(corpus, reasoner=Liar(ExtractiveReasoner()))`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from .prompts import Prompt
from .tools.llm.chat import ChatModel
from .tools.llm.prices import Price
from .tools.llm.tokens import estimate
from .tools.llm.wire import Said
from .tools.reason.llm import LlmReasoner
from .tools.reason.protocol import Draft, DraftClaim, Finding, Followup, Quote, Standalone
from .tools.retry import Patience

if TYPE_CHECKING:
    from .tools.embed.protocol import Embedder
    from .tools.llm.protocol import LanguageModel
    from .tools.reason.protocol import Plan, Reasoner, Say, Situation, Verdict
    from .tools.rerank.protocol import Candidate, Reranker
    from .tools.store.protocol import Vector
    from .tools.types import Passage

__all__ = [
    "FunctionModel",
    "HashEmbedder",
    "Liar",
    "NaySayer",
    "NoiseEmbedder",
    "ReversedReranker",
    "Scripted",
    "ScriptedModel",
    "YesSayer",
    "reasoner",
]

Scripted = BaseModel | dict[str, Any] | str | BaseException
"""What a fake model replies: a form, its fields, any text, or an exception to raise."""

Answerer = Callable[[Prompt, type[BaseModel] | None], Scripted]
"""Called with the prompt and the form asked for; None where text is to be streamed."""


class FunctionModel(ChatModel):
    """A model whose replies a function makes.

    `prompts` holds what it was sent, in order. Tokens are estimates; the price is 0
    unless another is given, so that budgets in money can be tested.
    """

    def __init__(
        self, function: Answerer, *, name: str = "test:function", price: Price | None = None
    ) -> None:
        self.prompts: list[Prompt] = []
        super().__init__(
            name,
            _FunctionWire(function, self.prompts),
            price=price or Price(0.0, 0.0),
            patience=Patience(attempts=2, first_wait=0.001, longest_wait=0.01),
        )


class ScriptedModel(FunctionModel):
    """A model that gives prepared replies, one a call. A call too many is an error."""

    def __init__(
        self,
        replies: Iterable[Scripted],
        *,
        name: str = "test:scripted",
        price: Price | None = None,
    ) -> None:
        left = iter(tuple(replies))

        def next_reply(prompt: Prompt, schema: type[BaseModel] | None) -> Scripted:
            for reply in left:
                return reply
            raise AssertionError(
                f"{name} was called more often than it has replies; the last prompt was:\n"
                f"{prompt.user[:500]}"
            )

        super().__init__(next_reply, name=name, price=price)


def reasoner(
    small: LanguageModel, writer: LanguageModel | None = None, **options: Any
) -> LlmReasoner:
    """Return the reasoner that an agent would build over these models."""
    return LlmReasoner(small, writer, **options)


class HashEmbedder:
    """An embedder without weights: texts are alike as far as they share words."""

    def __init__(self, dimensions: int = 256) -> None:
        self.fingerprint = f"test:hash@{dimensions}"
        self.dimensions = dimensions

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector a text."""
        return [self._embed(text) for text in texts]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return the same as for documents."""
        return [self._embed(text) for text in texts]

    async def close(self) -> None:
        """There is nothing to close."""

    def _embed(self, text: str) -> Vector:
        import numpy as np

        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in re.findall(r"\w+", text.casefold()) or [""]:
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest()
            vector[int.from_bytes(digest, "big") % self.dimensions] += 1.0
        unit: Vector = vector / np.linalg.norm(vector)
        return unit


@dataclass
class NoiseEmbedder:
    """An embedder whose vectors say nothing of the text: the same text has the same noise."""

    inner: Embedder

    def __post_init__(self) -> None:
        self.fingerprint, self.dimensions = self.inner.fingerprint, self.inner.dimensions

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return noise for each text."""
        return [self._noise(text) for text in texts]

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Return other noise for each text."""
        return [self._noise(f"query: {text}") for text in texts]

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""

    def _noise(self, text: str) -> Vector:
        import numpy as np

        seed = hashlib.blake2b(text.encode(), digest_size=8).digest()
        drawn = np.random.default_rng(int.from_bytes(seed)).normal(size=self.dimensions)
        noise: Vector = np.asarray(drawn / np.linalg.norm(drawn), np.float32)
        return noise


@dataclass
class ReversedReranker:
    """A reranker that puts the worst first."""

    inner: Reranker
    name: str = "reversed"

    async def rank(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        """Return the inner scores, taken from one."""
        return [1.0 - score for score in await self.inner.rank(question, candidates)]

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""


@dataclass
class _Around:
    """A reasoner that does as another does, but for what a fault changes."""

    inner: Reasoner
    name: str = "planted"

    async def contextualize(self, followup: Followup) -> Standalone:
        """Make a follow-up into a question that stands alone."""
        return await self.inner.contextualize(followup)

    async def plan(self, situation: Situation) -> Plan:
        """Plan as the inner one does."""
        return await self.inner.plan(situation)

    async def judge(self, situation: Situation) -> Verdict:
        """Judge as the inner one does."""
        return await self.inner.judge(situation)

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Write as the inner one does."""
        return await self.inner.write(situation, say)

    async def close(self) -> None:
        """The inner one belongs to whoever opened it."""


class Liar(_Around):
    """Reads well, and says something else: words that do stand in the evidence, elsewhere."""

    async def write(self, situation: Situation, say: Say) -> Draft:
        """Write as many claims as the inner one, each a quotation from elsewhere."""
        draft = await self.inner.write(situation, say)
        used = {quote.passage_id for claim in draft.claims for quote in claim.quotes}
        others = [p for p in situation.evidence if p.id not in used] or [*situation.evidence]
        lies = [_first_sentence(others[n % len(others)]) for n, _ in enumerate(draft.claims)]
        claims = tuple(DraftClaim(text=lie.text, quotes=(lie,)) for lie in lies)
        return draft.model_copy(update={"claims": claims, "lead": ""})


class YesSayer(_Around):
    """A judge for whom whatever was found is always enough."""

    async def plan(self, situation: Situation) -> Plan:
        """Plan nothing further."""
        thought = await self.inner.plan(situation)
        parts = [part.id for part in thought.subquestions] or ["1"]
        return thought.model_copy(update=_enough(situation, thought.findings, parts))

    async def judge(self, situation: Situation) -> Verdict:
        """Find everything."""
        thought = await self.inner.judge(situation)
        parts = [part.id for part in situation.subquestions] or ["1"]
        return thought.model_copy(update=_enough(situation, thought.findings, parts))


class NaySayer(_Around):
    """A judge for whom nothing is ever enough, and who knows nothing further to look for."""

    async def plan(self, situation: Situation) -> Plan:
        """Find nothing in the survey."""
        thought = await self.inner.plan(situation)
        return thought.model_copy(update=_never([part.id for part in thought.subquestions]))

    async def judge(self, situation: Situation) -> Verdict:
        """Find nothing."""
        thought = await self.inner.judge(situation)
        return thought.model_copy(update=_never([part.id for part in situation.subquestions]))


def _enough(situation: Situation, known: Sequence[Finding], parts: Sequence[str]) -> dict[str, Any]:
    said = {finding.subquestion: finding for finding in known if finding.found}
    quote = _first_sentence(situation.evidence[0])
    anything = {
        part: Finding(subquestion=part, found=True, text=quote.text, quotes=(quote,))
        for part in parts
    }
    findings = tuple((anything | said).values())
    return {"sufficient": True, "queries": (), "findings": findings, "confidence": 0.9}


def _never(parts: Sequence[str]) -> dict[str, Any]:
    findings = tuple(Finding(subquestion=part, found=False) for part in parts or ["1"])
    return {"sufficient": False, "queries": (), "findings": findings, "confidence": 0.1}


def _first_sentence(passage: Passage) -> Quote:
    """Return the first sentence of some length of a passage, as a quote."""
    lines = (line.strip() for line in passage.text.split("\n"))
    told = next((line for line in lines if len(line) > 40 and line[0] != "#"), passage.text)
    return Quote(passage_id=passage.id, text=told)


@dataclass(slots=True)
class _FunctionWire:
    """Lies where a provider's client would."""

    function: Answerer
    prompts: list[Prompt]

    def open(self) -> None:
        """There is nothing to open."""

    async def complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, seconds: float
    ) -> Said:
        return self._said(prompt, self._text(prompt, schema))

    async def stream(
        self, prompt: Prompt, max_tokens: int, seconds: float
    ) -> AsyncGenerator[str | Said, None]:
        text = self._text(prompt, None)
        for piece in re.findall(r"\S+\s*|\s+", text):
            yield piece
        yield self._said(prompt, text)

    def adapt(self, error: Exception, complaint: str) -> bool:
        return False

    async def close(self) -> None:
        """There is nothing to close."""

    def _text(self, prompt: Prompt, schema: type[BaseModel] | None) -> str:
        self.prompts.append(prompt)
        reply = self.function(prompt, schema)
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, BaseModel):
            return reply.model_dump_json()
        return reply if isinstance(reply, str) else json.dumps(reply)

    def _said(self, prompt: Prompt, text: str) -> Said:
        taken = estimate(prompt.system) + estimate(prompt.user)
        return Said(text, input_tokens=taken, output_tokens=estimate(text))
