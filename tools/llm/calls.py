"""What was said to models and what they said, for whoever looks into a run afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pydantic import BaseModel

from ...errors import SufficeError
from ...prompts import Prompt
from ..types import Noun, Usage
from .protocol import LanguageModel, Reply

Form = TypeVar("Form", bound=BaseModel)


class Call(Noun):
    """One model call: the prompt, and the reply or what came instead of it.

    `reply` of a form is its JSON, as it was read.
    """

    model: str
    system: str
    user: str
    reply: str
    usage: Usage = Usage()


_HEARD: ContextVar[list[Call] | None] = ContextVar("heard", default=None)


@contextmanager
def heard() -> Iterator[list[Call]]:
    """Collect every call that is told within it, by this task or those it starts."""
    calls: list[Call] = []
    token = _HEARD.set(calls)
    try:
        yield calls
    finally:
        _HEARD.reset(token)


class Overheard:
    """A `LanguageModel` whose calls are collected by whoever has opened `heard`."""

    def __init__(self, model: LanguageModel) -> None:
        self.name = model.name
        self.cost = model.cost
        self.close = model.close
        self._model = model

    async def reply(self, prompt: Prompt, schema: type[Form], **options: Any) -> Reply[Form]:
        """Pass a call on; its reply is kept as it was read."""
        try:
            reply = await self._model.reply(prompt, schema, **options)
        except SufficeError as error:
            self._tell(prompt, str(error), error.usage)
            raise
        self._tell(prompt, reply.value.model_dump_json(), reply.usage)
        return reply

    async def stream(self, prompt: Prompt, **options: Any) -> AsyncIterator[str | Usage]:
        """Pass a stream on; what was said of it is kept, however it ends."""
        spoken, usage = "", Usage(llm_calls=1)
        stream: Any = self._model.stream(prompt, **options)
        try:
            async with aclosing(stream):
                async for piece in stream:
                    if isinstance(piece, Usage):
                        usage = piece
                    else:
                        spoken += piece
                    yield piece
        except SufficeError as error:
            spoken += f"\n{error}"
            raise
        finally:
            self._tell(prompt, spoken, usage)

    def _tell(self, prompt: Prompt, reply: str, usage: Usage | None) -> None:
        calls = _HEARD.get()
        if calls is not None:
            said = {"system": prompt.system, "user": prompt.user, "reply": reply}
            calls.append(Call(model=self.name, usage=usage or Usage(), **said))
