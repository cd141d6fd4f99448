"""Models for tests: no key, no network, no chance.

They are ordinary language models, with the same reading of replies, the same second
asking and the same streaming as a provider's:

    from suffice import Agent
    from suffice.testing import ScriptedModel, reasoner

    model = ScriptedModel([{"parts": [{"part": 1, "question": "…", "answer": "…", …}]}])
    with Agent("notes", reasoner=reasoner(model)) as agent:
        answer = agent.ask("Who signs off night berthing?")
    assert len(model.prompts) == 1
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
from .tools.retry import Patience

if TYPE_CHECKING:
    from .tools.llm.protocol import LanguageModel
    from .tools.store.protocol import Vector

__all__ = ["FunctionModel", "HashEmbedder", "Scripted", "ScriptedModel", "reasoner"]

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
