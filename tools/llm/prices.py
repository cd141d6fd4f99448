"""What models cost, as their providers listed it on `AS_OF`. An unknown model costs None, never 0.

Sources: https://developers.openai.com/api/docs/pricing and
https://platform.claude.com/docs/en/about-claude/pricing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

AS_OF = "2026-11-06"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Without prices of its own, cached input costs like any.

    Prompts of more than `long_from` tokens cost `long_factor` times as much.
    """

    input: float
    output: float
    cached: float | None = None
    written: float | None = None
    long_from: int | None = None
    long_factor: float = 1.0

    def of(self, fresh: int, output: int, cached: int = 0, written: int = 0) -> float:
        """Return the dollars for a call: fresh, cached and cache-writing input, and output."""
        cached_price = self.input if self.cached is None else self.cached
        written_price = self.input if self.written is None else self.written
        sum_ = fresh * self.input + cached * cached_price + written * written_price
        sum_ += output * self.output
        long = self.long_from is not None and fresh + cached + written > self.long_from
        return sum_ * (self.long_factor if long else 1.0) / 1_000_000


PRICES: Mapping[str, Price] = {
    "openai:gpt-6-luna": Price(0.10, 0.50, 0.01, 0.125, 272_000, 2.0),
    "openai:gpt-6-sol": Price(2.00, 10.00, 0.20, 2.50, 272_000, 2.0),
    "openai:gpt-6-astra": Price(10.00, 50.00, 1.00),
    "openai:gpt-5.6-luna": Price(0.20, 1.20, 0.02, 0.25, 272_000, 2.0),
    "openai:gpt-5.4-mini": Price(0.75, 4.50, 0.075),
    "openai:gpt-5-mini": Price(0.25, 2.00, 0.025),
    "openai:gpt-5-nano": Price(0.05, 0.40, 0.005),
    "openai:gpt-4.1-mini": Price(0.40, 1.60, 0.10),
    "openai:gpt-4.1-nano": Price(0.10, 0.40, 0.025),
    "openai:gpt-4o-mini": Price(0.15, 0.60, 0.075),
    "anthropic:claude-haiku-5-5": Price(0.10, 0.50, 0.01, 0.125, 100_000, 5.0),
    "anthropic:claude-sonnet-5-5": Price(2.00, 10.00, 0.10, 2.50),
    "anthropic:claude-sonnet-5": Price(2.00, 10.00, 0.20, 2.50),
    "anthropic:claude-opus-5-5": Price(4.00, 20.00, 0.20, 5.00),
    "anthropic:claude-haiku-4-5": Price(1.00, 5.00, 0.10, 1.25),
}

_DATED = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


def price_of(name: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """Return the price of `provider:model`: one's own, else the table's, else None.

    A model with a date (`gpt-5-mini-2025-08-07`) costs what it costs without; a model
    served from another address (`… @ http://…`) costs what one's own table says.
    """
    if own and name in own:
        return own[name]
    return PRICES.get(name) or PRICES.get(_DATED.sub("", name))
