"""What a server serves: corpora by name, each with an agent for every strategy."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ...errors import FilterError, SettingsError
from ...tools.types import Where
from ..access import Serving, Token, hashed
from ..corpus import Corpus
from ..parts import is_server
from ..sdk import Agent
from .refusals import refusal
from .rights import NOTHING, Caller, caller_of
from .runs import LiveRuns

STRATEGIES = ("iterative", "single_pass", "long_context")
"""The graphs that answer."""


@dataclass(slots=True)
class Hosted:
    """One corpus with its agents. Documents are added by one caller at a time."""

    name: str
    agent: Agent
    adding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _agents: dict[str, Agent] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    @property
    def corpus(self) -> Corpus:
        """Return the corpus."""
        return self.agent.corpus

    @property
    def part_names(self) -> dict[str, str]:
        """Return which embedder, reranker and reasoner are in use."""
        parts = self.corpus._parts
        return {
            "embedder": parts.fingerprint or "none",
            "reranker": parts.reranker.name if parts.reranker else "none",
            "reasoner": self.agent._reasoner.name,
        }

    def agent_for(self, strategy: str | None) -> Agent:
        """Return the agent that answers by this strategy; they share parts and kept runs."""
        strategy = strategy or self.agent.settings.strategy
        if strategy == self.agent.settings.strategy:
            return self.agent
        if strategy not in self._agents:
            settings = self.agent.settings.changed(strategy=strategy)
            agent = Agent(self.corpus, settings=settings, reasoner=self.agent._reasoner)
            agent.runs, agent.threads = self.agent.runs, self.agent.threads
            self._agents[strategy] = agent
        return self._agents[strategy]

    async def filter_for(self, caller: Caller, asked: Where | None = None) -> Where | None:
        """Return the filter under which this caller looks and asks here.

        A corpus without the fields of a caller's fixed filter has nothing for the caller;
        that is no mistake of the caller's.
        """
        if caller.where and caller.view not in self._met:
            try:
                await self.corpus.acount(caller.where)
            except FilterError:
                return NOTHING
            self._met.add(caller.view)
        return caller.narrowed(asked)

    def changed(self) -> None:
        """Forget what was known of the documents, as some have come or gone."""
        self._met.clear()


@dataclass(slots=True)
class Served:
    """All that a server knows: its corpora, its callers, its limits, the runs under way."""

    hosted: dict[str, Hosted]
    serving: Serving
    callers: dict[str, Caller]
    live: LiveRuns

    @property
    def guarded(self) -> bool:
        """Return whether a token is needed."""
        return bool(self.callers)

    def corpus(self, name: str | None) -> Hosted:
        """Return a corpus by its name, or the first. Raises a 404."""
        if name is None:
            return next(iter(self.hosted.values()))
        if name not in self.hosted:
            known = ", ".join(self.hosted)
            raise refusal(404, "there is no corpus of that name here", f"there are: {known}")
        return self.hosted[name]

    def caller(self, secret: str) -> Caller | None:
        """Return whose token this is. Every hash is compared, and each in constant time."""
        try:
            given = hashed(secret)
        except ValueError:
            return None
        found: Caller | None = None
        for known, caller in self.callers.items():
            if hmac.compare_digest(known, given):
                found = caller
        return found


def serve(agents: Mapping[str, Agent], serving: Serving, callers: Mapping[str, Caller]) -> Served:
    """Return what a server knows at its start."""
    hosted = {name: Hosted(name, agent) for name, agent in agents.items()}
    return Served(hosted, serving, dict(callers), LiveRuns(serving.resume_seconds))


def callers_of(tokens: Iterable[Token], environment: Mapping[str, str]) -> dict[str, Caller]:
    """Return the callers by the hash of their token.

    `SUFFICE_TOKEN` is the token of a caller who may do everything.

    Raises:
        SettingsError: a variable is not set, or two tokens have a name or a secret in common.
    """
    found: dict[str, Caller] = {}
    for token in tokens:
        caller = caller_of(token)
        if any(other.name == caller.name for other in found.values()):
            raise SettingsError(f'two tokens are called "{token.name}"; give each its own name')
        digest = token.sha256 or _from_environment(token, environment)
        if digest in found:
            raise SettingsError(f'"{token.name}" and "{found[digest].name}" have the same token')
        found[digest] = caller
    if secret := environment.get("SUFFICE_TOKEN"):
        try:
            found.setdefault(hashed(secret), Caller("owner"))
        except ValueError as error:
            raise SettingsError(f"SUFFICE_TOKEN: {error}") from None
    return found


def _from_environment(token: Token, environment: Mapping[str, str]) -> str:
    secret = environment.get(token.token_env)
    if not secret:
        raise SettingsError(f'token "{token.name}": the variable {token.token_env} is not set')
    try:
        return hashed(secret)
    except ValueError as error:
        raise SettingsError(f'token "{token.name}" ({token.token_env}): {error}') from None


def named(agents: Iterable[Agent]) -> dict[str, Agent]:
    """Return the agents by a short name of their corpus, each name once."""
    found: dict[str, Agent] = {}
    for agent in agents:
        place = agent.corpus.place
        stem = agent.settings.collection if is_server(place) else Path(place).resolve().name
        base = re.sub(r"[^\w.\-]+", "-", stem).strip("-.") or "corpus"
        names = (base if number == 1 else f"{base}-{number}" for number in count(1))
        found[next(name for name in names if name not in found)] = agent
    return found


def served_of(request: Request) -> Served:
    """Return what the server knows, in a route."""
    served: Served = request.app.state.served
    return served


def caller_here(request: Request) -> Caller:
    """Return who sent a request, as the gate found out."""
    caller: Caller = request.scope["caller"]
    return caller


def asker_here(request: Request) -> Caller:
    """Return who sent a request, if that caller may ask and look. Raises a 403."""
    caller = caller_here(request)
    if "ask" not in caller.may:
        raise refusal(403, "this token may not ask or look")
    return caller


Here = Annotated[Served, Depends(served_of)]
Anyone = Annotated[Caller, Depends(caller_here)]
By = Annotated[Caller, Depends(asker_here)]
