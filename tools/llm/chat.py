"""The language model over any wire: retries, deadlines, second askings and prices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from pydantic import BaseModel

from ...errors import BudgetExceeded, CallFailed, CallRefused, ModelError, ReplyInvalid
from ...prompts import Prompt
from ..retry import Patience, as_model_error, with_retries
from ..types import Usage
from .faults import BrokenReply, complaint, explained, passing
from .forms import FormError, read_form
from .prices import Price
from .protocol import Reply
from .thoughts import ThoughtFilter
from .tokens import estimate
from .wire import Said, Wire

Form = TypeVar("Form", bound=BaseModel)
Result = TypeVar("Result")

_LONGER = 3
"""How many times the room for a reply grows, for good, once one was cut off for length:
a model that thinks aloud needs it."""


class ChatModel:
    """A `LanguageModel` over a `Wire`.

    At most `concurrency` calls are under way at a time; one that takes more than
    `call_seconds` counts as failed. `secrets` are never said in an error.
    """

    def __init__(
        self,
        name: str,
        wire: Wire,
        *,
        price: Price | None = None,
        patience: Patience | None = None,
        concurrency: int = 8,
        call_seconds: float = 45.0,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._wire = wire
        self._price = price
        self._patience = patience or Patience()
        self._turns = asyncio.Semaphore(concurrency)
        self._opening = asyncio.Lock()
        self._ready = False
        self._longer = 1
        self._call_seconds = call_seconds
        self._secrets = secrets

    def __repr__(self) -> str:
        """Return the name alone; what is beneath may hold a key."""
        return f"ChatModel({self.name!r})"

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what such a call would cost in US dollars, or None."""
        return self._price.of(input_tokens, output_tokens) if self._price else None

    async def close(self) -> None:
        """Close the client."""
        await self._wire.close()

    async def reply(
        self,
        prompt: Prompt,
        schema: type[Form],
        *,
        max_tokens: int = 1024,
        deadline: float | None = None,
        ask_again: bool = True,
    ) -> Reply[Form]:
        """Return a reply of the form `schema`; see `LanguageModel`."""
        first = await self._complete(prompt, schema, max_tokens * self._longer, deadline)
        usage, problem = self._usage(prompt, first), ""
        try:
            return Reply(read_form(first.text, schema), usage)
        except FormError as error:
            problem = _shortened(str(error), first)
        if first.finish == "length":
            self._longer = _LONGER
        if not ask_again:
            raise self._invalid(problem, usage, 1)
        second_prompt = Prompt(prompt.system, prompt.user + _complaint(problem))
        try:
            room = max_tokens * self._longer
            second = await self._complete(second_prompt, schema, room, deadline)
        except (CallFailed, CallRefused, BudgetExceeded) as error:
            error.usage = usage
            raise
        usage += self._usage(second_prompt, second)
        try:
            return Reply(read_form(second.text, schema), usage)
        except FormError as error:
            problem = _shortened(str(error), second)
        raise self._invalid(problem, usage, 2)

    async def stream(
        self, prompt: Prompt, *, max_tokens: int = 1024, deadline: float | None = None
    ) -> AsyncIterator[str | Usage]:
        """Yield text as it comes and last the usage; see `LanguageModel`.

        A stream is begun again only while nothing of it has been passed on.
        """
        await self._open()
        async with self._turns:
            pieces, piece, until = await self._persist(
                lambda: self._begin(prompt, max_tokens, deadline), deadline
            )
            spoken, thoughts = "", ThoughtFilter()
            async with aclosing(pieces):
                while isinstance(piece, str):
                    spoken += piece
                    if heard := thoughts.feed(piece):
                        yield heard
                    piece = await self._next(pieces, until, deadline)
            if rest := thoughts.rest():
                yield rest
            yield self._usage(prompt, piece, spoken)

    async def _open(self) -> None:
        """Open the wire in a thread, for importing a library takes long enough to be felt."""
        if self._ready:
            return
        async with self._opening:
            if not self._ready:
                await asyncio.to_thread(self._wire.open)
                self._ready = True

    async def _complete(
        self, prompt: Prompt, schema: type[BaseModel], max_tokens: int, deadline: float | None
    ) -> Said:
        async def call() -> Said:
            seconds = self._until(deadline) - time.monotonic()
            async with asyncio.timeout(seconds):
                return await self._wire.complete(prompt, schema, max_tokens, seconds)

        await self._open()
        async with self._turns:
            said = await self._persist(call, deadline)
        self._refuse_refusals(said)
        return said

    async def _begin(
        self, prompt: Prompt, max_tokens: int, deadline: float | None
    ) -> tuple[AsyncGenerator[str | Said, None], str | Said, float]:
        """Open a stream and wait for its first piece; return when it must have ended."""
        until = self._until(deadline)
        seconds = until - time.monotonic()
        pieces = self._wire.stream(prompt, max_tokens, seconds)
        try:
            async with asyncio.timeout(seconds):
                piece = await anext(pieces, None)
            return pieces, self._checked(piece), until
        except BaseException:
            await pieces.aclose()
            raise

    async def _next(
        self, pieces: AsyncGenerator[str | Said, None], until: float, deadline: float | None
    ) -> str | Said:
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return self._checked(await anext(pieces, None))
        except ModelError:
            raise
        except Exception as error:
            failure = as_model_error(error, self.name, self._secrets)
        if _past(deadline):
            raise BudgetExceeded("seconds", f"{self.name} was still writing when time was up")
        raise CallFailed(str(failure))

    def _checked(self, piece: str | Said | None) -> str | Said:
        """Return a piece of a stream; an end that was not announced is a cut."""
        if piece is None or (isinstance(piece, Said) and piece.finish == "cut"):
            raise BrokenReply("the stream ended before its end was announced")
        if isinstance(piece, Said):
            self._refuse_refusals(piece)
        return piece

    def _refuse_refusals(self, said: Said) -> None:
        if said.finish == "refused":
            why = self._clean(said.why or said.text or "no reason was given")
            error = CallRefused(f"{self.name} declined to reply: {why}")
            error.usage = self._usage(Prompt("", ""), said)
            raise error

    async def _persist(
        self, call: Callable[[], Awaitable[Result]], deadline: float | None
    ) -> Result:
        """Call, giving up features the server does not have and waiting out what can pass."""
        attempts = 0

        async def attempt() -> Result:
            nonlocal attempts
            attempts += 1
            while True:
                try:
                    return await call()
                except Exception as error:
                    said = complaint(error, self._secrets)
                    if said is None or not self._wire.adapt(error, said):
                        raise

        try:
            return await with_retries(
                attempt,
                what=self.name,
                deadline=deadline,
                patience=self._patience,
                retryable=passing,
                secrets=self._secrets,
            )
        except ModelError as error:
            failure = explained(error, self.name)
        if attempts == 1 and isinstance(failure, CallFailed) and _past(deadline):
            raise BudgetExceeded("seconds", f"{self.name} was still at work when time was up")
        raise failure

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text[:300]

    def _until(self, deadline: float | None) -> float:
        own = time.monotonic() + self._call_seconds
        return own if deadline is None else min(own, deadline)

    def _invalid(self, problem: str, usage: Usage, times: int) -> ReplyInvalid:
        asked = "once" if times == 1 else "twice"
        text = self._clean(problem)
        error = ReplyInvalid(f"{self.name} was asked {asked} and gave no usable reply: {text}")
        error.usage = usage
        return error

    def _usage(self, prompt: Prompt, said: Said | str, spoken: str = "") -> Usage:
        """Return what a call took, estimated where the provider did not say."""
        assert isinstance(said, Said)
        fresh, out = said.input_tokens, said.output_tokens
        fresh = estimate(prompt.system + prompt.user) if fresh is None else fresh
        out = estimate(spoken or said.text) if out is None else out
        price = self._price
        return Usage(
            llm_calls=1,
            input_tokens=fresh + said.cached + said.written,
            output_tokens=out,
            cost_usd=price.of(fresh, out, said.cached, said.written) if price else None,
        )


def _past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline - 0.01


def _shortened(problem: str, said: Said) -> str:
    return f"it was cut off for length ({problem})" if said.finish == "length" else problem


def _complaint(problem: str) -> str:
    return (
        f"\n\nYour last reply could not be used: {problem}. "
        "Reply again, shortly, with one JSON object of the form asked for and nothing else."
    )
