"""Callers: who asks, what they may do, and the filter that is forced onto all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import SettingsError
from ...tools.types import Document, Where
from ..access import Right, Token

NOTHING: Where = {"document_id": {"in": []}}
"""A filter that lets nothing through."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. Without tokens everybody is the same caller, who may do all."""

    name: str = ""
    where: Where = field(default_factory=dict)
    may: tuple[Right, ...] = ("ask", "add", "remove")

    @property
    def owner(self) -> str:
        """Return whose the runs and threads are.

        It changes with the fixed filter, so that what was seen under wider rights is not
        seen any more under narrower ones.
        """
        return f"{self.name}:{self.view}" if self.where else self.name

    @property
    def view(self) -> str:
        """Return a name for what this caller sees: "" for everything."""
        if not self.where:
            return ""
        text = json.dumps(self.where, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def sees(self) -> str | None:
        """Return whose runs can be looked at; None is everybody's."""
        return self.owner or None

    @property
    def stamp(self) -> dict[str, Any]:
        """Return the metadata that whatever this caller adds has to carry."""
        return {name: _only(asked) for name, asked in self.where.items()}

    def narrowed(self, asked: Where | None) -> Where | None:
        """Return the fixed filter joined with what was asked for; never wider than either."""
        return joined(self.where, asked or {}) or None

    def stamped(self, document: Document) -> Document:
        """Return the document with the fields that make it this caller's own."""
        if not self.where:
            return document
        return document.model_copy(update={"metadata": {**document.metadata, **self.stamp}})


def caller_of(token: Token) -> Caller:
    """Return the caller that a token stands for.

    Raises:
        SettingsError: it may add, but its filter does not say what to mark documents with.
    """
    caller = Caller(token.name, token.where, token.may)
    if "add" in token.may:
        unclear = [name for name, asked in token.where.items() if _only(asked) is None]
        reserved = [name for name in token.where if name in ("document_id", "source", "title")]
        if unclear or reserved:
            raise SettingsError(
                f'token "{token.name}" may add, but its where on {(unclear or reserved)[0]!r} '
                "does not say with which value its documents are to be marked; give one value, "
                f'such as where = {{ team = "pilots" }}, or take "add" from what it may'
            )
    return caller


def _only(asked: Any) -> Any:
    """Return the one value that meets a condition, or None where there is no such value."""
    if not isinstance(asked, Mapping):
        return asked
    if set(asked) == {"eq"}:
        return asked["eq"]
    if set(asked) == {"in"} and len(asked["in"]) == 1:
        return asked["in"][0]
    return None


def joined(fixed: Where, asked: Where) -> Where:
    """Return a filter that lets through only what both let through."""
    both: Where = dict(asked)
    for name, condition in fixed.items():
        both[name] = (
            _both(_operators(condition), _operators(asked[name])) if (name in asked) else condition
        )
    return both


def _operators(condition: Any) -> dict[str, Any]:
    return dict(condition) if isinstance(condition, Mapping) else {"eq": condition}


def _both(fixed: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Join the conditions on one field. Two of a kind become one that is no wider."""
    out = {**asked, **fixed}
    if "eq" in fixed and "eq" in asked and fixed["eq"] != asked["eq"]:
        out["in"] = _within(out.get("in"), [asked["eq"]])
    if "in" in fixed and "in" in asked:
        out["in"] = _within(asked["in"], fixed["in"])
    if "not_in" in fixed and "not_in" in asked:
        out["not_in"] = [*fixed["not_in"], *asked["not_in"]]
    for bound, tighter in (("gte", max), ("lte", min)):
        if bound in fixed and bound in asked:
            out[bound] = _tighter(tighter, fixed[bound], asked[bound])
    return out


def _within(some: Iterable[Any] | None, others: Iterable[Any]) -> list[Any]:
    held = list(others)
    return held if some is None else [value for value in some if value in held]


def _tighter(choose: Any, fixed: Any, asked: Any) -> Any:
    """Return the tighter of two bounds; the fixed one where they cannot be compared.

    Dates are compared as text, which is right for those of the same form; a bare date and
    a time of that day are not, and the fixed one stands.
    """
    comparable = isinstance(asked, (int, float)) == isinstance(fixed, (int, float))
    same = not isinstance(fixed, str) or not isinstance(asked, str) or len(fixed) == len(asked)
    return choose(fixed, asked) if comparable and same else fixed
