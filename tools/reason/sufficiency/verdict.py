"""A judge's word weighed with the evidence: a model alone is right only part of the time."""

from __future__ import annotations

import math

EVIDENCE = 0.7
"""What the log-odds of the evidence count for. Less than 1, for the judge saw it too."""

STATED = 0.5
"""What the log-odds of a judge's own stated confidence count for: models state too much."""

FOUND = math.log(0.9 / 0.4)
"""Log-odds for "found, with a quote that stands there": a judge says so of nine in ten parts
that can be answered, and of four in ten that cannot."""

MISSING = math.log(0.1 / 0.6)
"""Log-odds for "missing", by the same two rates."""

SUREST = 0.95
"""No stated confidence counts for more than this, nor for less than the rest to 1."""


def combined(evidence: float | None, *, found: bool, stated: float | None = None) -> float:
    """Return the probability that a part is answered rightly.

    `evidence` is what the head says of the passages (None where nothing was estimated),
    `found` the judge's verdict, and `stated` how sure it says it is of having found it. The
    weights are set, not fitted: see `docs/sufficiency.md`.
    """
    total = FOUND if found else MISSING
    total += EVIDENCE * _log_odds(evidence) if evidence is not None else 0.0
    total += STATED * _log_odds(stated) if found and stated is not None else 0.0
    return 1 / (1 + math.exp(-total))


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1 - SUREST), SUREST)
    return math.log(kept / (1 - kept))
