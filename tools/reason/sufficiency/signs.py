"""Signs that the evidence answers a part: numbers that mean much the same in any corpus."""

from __future__ import annotations

import math
import re

import numpy as np

from ..extractive.meaning import Array, Marks, Meaning
from ..extractive.question import Part
from ..extractive.support import Sheet
from ..extractive.words import words_of
from .reading import Reading, reading_of

UNKNOWN = float("nan")

BY_WORDS = {
    "score1": 1, "score2": 1, "score_gap": 1, "entropy": -1, "score_rest": -1,
    "lex_top": 1, "lex_piece": 1, "lex_own": 1, "lex_three": 1, "lex_all": 1,
    "lex_relation": 1, "lex_names": 1, "rarest": 1, "open": -1, "open_required": -1,
    "apart": -1, "apart_linked": -1,
    "typed": 1, "refers": -1, "step_open": 1, "step_cover": 1, "step_trust": 1,
    "pairs": 1,
}  # fmt: skip
"""Signs that need no embedder, and whether they speak for an answer (1) or against it (-1)."""

BY_MEANING = {
    "read1": 1, "read2": 1, "read_alone": 1, "read_gain": 1,
    "cosine1": 1, "cosine2": 1, "cosine_gain": 1, "cosine_trusted": 1, "cosine_top": 1,
    "cosine_usual": -1, "piece1": 1, "piece2": 1, "piece_gain": 1, "piece_top": 1,
    "relation1": 1, "relation2": 1, "relation_best": 1,
    "words_passage": 1, "words_piece": 1, "words_top": 1, "words_all": 1, "words_gain": 1,
    "words_piece_gain": 1, "words_spread": -1, "words_usual": -1,
    "least": 1, "least_next": 1, "least_piece": 1, "least_piece_next": 1, "least_all": 1,
    "names": 1, "others_piece": 1, "others_passage": 1, "others_best": 1,
    "asking": 1, "asking_any": 1, "agree": 1, "trust_passage": 1, "trust_piece": 1,
    "typed_gap": -1, "step": 1, "step_strength": 1, "step_words": 1, "step_left": 1,
    "handed": 1, "handed_gain": 1, "handed_least": 1,
}  # fmt: skip
"""Signs that need the meaning of the evidence as well."""

ALL = 0.75
"""How well a required word must be met."""

FORM = ("names_asked", "clauses", "of", "possessives", "words_asked", "capital", "articles")
"""What tells a question that takes several steps from a plain one; they speak neither way."""

_CLAUSE = re.compile(r"\b(?:that|which|where|whose|who|whom|when)\b")

REFERRING = words_of(
    """it its they them their that this those these he she his her there one ones"""
)
VALUES = ("text", "yesno", "name")
"""Kinds of which no span is looked for."""


def signs(weighed: Sheet) -> dict[str, float]:
    """Return the signs by name; one that cannot be told is left out.

    score…: the reranker's best scores in log-odds, how far the first leads, and how the belief
    is spread; lex_…: the share of the part's words, the rare ones first, that the top passage,
    a piece (with its title, alone), three passages or all meet; open…: words that nothing
    meets; apart…: required words that no one piece meets, or no two of which the first leads to
    the second; typed: the most promising piece holds a value of the kind asked for; cosine…,
    piece…, relation…: cosines of passages and pieces, also against what is usual here; words_…:
    the same word by word; least…: the word that is met worst; asking: what the question word
    meets; read…: the log-odds that the reader gives the best pieces; agree: the best by score,
    cosine and words is the same passage; step…, handed: how well a second passage goes on from
    a name that the first gives.
    """
    scored = {**_scored(weighed), **form(weighed.part)}
    if not len(weighed.close.rows):
        return scored
    reading = reading_of(weighed)
    found = {**scored, **_worded(reading), **_stepped(reading)}
    if reading.meaning is not None:
        found |= _near(reading, reading.meaning) | _word_by_word(reading, reading.meaning)
        found |= _handed(reading, reading.meaning) | _read(weighed)
    return {name: value for name, value in found.items() if not math.isnan(value)}


def form(part: Part) -> dict[str, float]:
    """Return the form of a question, by the names of `FORM`."""
    low = part.text.lower()
    return {
        "names_asked": float(len(part.names)),
        "clauses": float(len(_CLAUSE.findall(low[5:]))),
        "of": float(low.count(" of ")),
        "possessives": float(low.count("'s")),
        "words_asked": float(len(low.split())),
        "capital": float(part.text[:1].isupper()),
        "articles": float(low.count(" the ")),
    }


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability, kept within a thousandth of its ends."""
    kept = min(max(probability, 1e-3), 1 - 1e-3)
    return math.log(kept / (1 - kept))


def _scored(weighed: Sheet) -> dict[str, float]:
    scores = np.clip([p.score for p in weighed.passages], 0.0, 1.0)
    first, second = (*scores[:2].tolist(), 0.0, 0.0)[:2]
    share = scores / (float(scores.sum()) + 1e-9)
    return {
        "score1": log_odds(first),
        "score2": log_odds(second),
        "score_gap": log_odds(first) - log_odds(second),
        "score_rest": math.log(float(scores[3:].sum()) + 1e-3),
        "entropy": float(-(share * np.log(share + 1e-9)).sum()),
    }


def _read(weighed: Sheet) -> dict[str, float]:
    """What the reader says of the best two pieces, of the best by itself, and what names add."""
    first, second = _two(weighed.scores)
    alone = float(weighed.first.max())
    return {"read1": first, "read2": second, "read_alone": alone, "read_gain": first - alone}


def _worded(reading: Reading) -> dict[str, float]:
    part, rare = reading.part, reading.rare
    held = reading.held[: reading.count]
    every = held.max(axis=0)
    named = np.array([t.name >= 0 for t in part.terms], dtype=np.bool_)
    content = np.array([t.weight >= 1.0 for t in part.terms], dtype=np.bool_)
    required = np.array([t.required for t in part.terms], dtype=np.bool_)
    return {
        "lex_top": float(held[0] @ rare),
        "lex_piece": float((reading.cover @ rare).max()),
        "lex_own": float((reading.own @ rare).max()),
        "lex_three": float(held[:3].max(axis=0) @ rare),
        "lex_all": float(every @ rare),
        "lex_relation": _share(reading.cover, rare, ~named),
        "lex_names": _share(reading.cover, rare, named),
        "rarest": float(every[int(np.argmax(rare))]),
        "open": float((every[content] < 0.5).sum()),
        "open_required": float((every[required] < 0.5).sum()),
        "typed": _typed(reading, int(np.argmax(reading.worth))),
        "refers": float(sum(w in REFERRING for w in part.text.lower().split())),
    }


def _share(grid: Array, weights: Array, chosen: Marks) -> float:
    total = float(weights[chosen].sum())
    return float((grid[:, chosen] @ weights[chosen]).max()) / total if total > 0 else UNKNOWN


def _typed(reading: Reading, row: int) -> float:
    """Whether a piece holds a value of the kind asked for that the part does not name."""
    return UNKNOWN if reading.part.kind in VALUES else float(reading.typed[row])


def _near(reading: Reading, meaning: Meaning) -> dict[str, float]:
    usual = float(meaning.background.mean()) if len(meaning.background) else UNKNOWN
    first, second = _two(meaning.passages)
    piece, next_piece = _two(meaning.pieces)
    relation, next_relation = _two(meaning.relation)
    best = int(np.argmax(reading.promise))
    at, trust = reading.at, reading.trust
    top = meaning.pieces[at == 0]
    whole = meaning.whole @ meaning.weights + meaning.passages
    agree = (int(np.argmax(whole)) == 0) + (int(np.argmax(meaning.passages)) == 0) + (at[best] == 0)
    return {
        "cosine1": first,
        "cosine2": second,
        "cosine_gain": first - usual,
        "cosine_top": float(meaning.passages[0]),
        "cosine_trusted": float((meaning.passages * trust).sum() / (trust.sum() + 1e-9)),
        "cosine_usual": usual,
        "piece1": piece,
        "piece2": next_piece,
        "piece_gain": piece - usual,
        "piece_top": float(top.max()) if len(top) else UNKNOWN,
        "relation1": relation,
        "relation2": next_relation,
        "relation_best": float(meaning.relation[best]),
        "agree": float(agree),
        "trust_passage": log_odds(float(trust[int(np.argmax(whole))])),
        "trust_piece": log_odds(float(trust[at[best]])),
    }


def _word_by_word(reading: Reading, meaning: Meaning) -> dict[str, float]:
    weights, asking, content = meaning.weights, meaning.asking, meaning.content
    others = content & ~meaning.names
    passages, pieces = meaning.whole @ weights, meaning.words @ weights
    every = meaning.whole.max(axis=0)
    best, passage = int(np.argmax(reading.promise)), int(np.argmax(passages + meaning.passages))
    usual = float((meaning.usual @ weights).mean()) if len(meaning.usual) else UNKNOWN
    least, least_next = _two(-meaning.whole[passage][content])
    least_piece, least_piece_next = _two(-meaning.words[best][content])
    worth = reading.promise
    typed = [row for row in np.argsort(-worth)[:12] if _typed(reading, int(row)) == 1.0]
    valued = reading.part.kind not in VALUES
    return {
        "words_passage": float(passages.max()),
        "words_piece": float(pieces.max()),
        "words_top": float(passages[0]),
        "words_all": float(every @ weights),
        "words_gain": float(passages.max()) - usual,
        "words_piece_gain": float(pieces.max()) - usual,
        "words_spread": float(every @ weights - passages.max()),
        "words_usual": usual,
        "least": -least,
        "least_next": -least_next,
        "least_piece": -least_piece,
        "least_piece_next": -least_piece_next,
        "least_all": float(every[content].min()),
        "names": _share(meaning.words, weights, meaning.names),
        "others_piece": _share(meaning.words, weights, others),
        "others_passage": _share(meaning.whole, weights, others),
        "others_best": float(meaning.words[best][others].mean()) if others.any() else UNKNOWN,
        "asking": float(meaning.words[best][asking].max()) if asking.any() else UNKNOWN,
        "asking_any": float(meaning.whole[:, asking].max()) if asking.any() else UNKNOWN,
        "typed_gap": float(worth.max() - (worth[typed[0]] if typed else 0.0))
        if valued
        else UNKNOWN,
    }


def _stepped(reading: Reading) -> dict[str, float]:
    """The step that meets most of what its start leaves open, by words."""
    required = [c for c, term in enumerate(reading.part.terms) if term.required]
    apart = (reading.cover[:, required] < ALL).sum(axis=1)
    found = {"step_open": 0.0, "step_cover": 0.0, "step_trust": 0.0}
    linked = float(apart.min())
    pairs: dict[tuple[int, int], float] = {}
    for step in reading.steps:
        for row in step.units:
            both = np.maximum(reading.cover[step.start], reading.cover[row])
            ends = sorted((int(reading.at[step.start]), int(reading.at[row])))
            least = min(reading.trust[end] for end in ends)
            opened = reading.opened(step, row)
            linked = min(linked, float((both[required] < ALL).sum()))
            pairs[ends[0], ends[1]] = float(reading.trust[ends[0]] * reading.trust[ends[1]])
            found["step_open"] = max(found["step_open"], opened)
            found["step_cover"] = max(found["step_cover"], float(both @ reading.rare))
            found["step_trust"] = max(found["step_trust"], float(least) * (0.2 + opened))
    return {
        **found,
        "apart": float(apart.min()),
        "apart_linked": linked,
        "pairs": math.log(sum(pairs.values()) + 0.01),
    }


def _handed(reading: Reading, meaning: Meaning) -> dict[str, float]:
    """How well a second piece goes on from a name that the first gives, by meaning."""
    weights, found = meaning.weights, dict.fromkeys(("step", "step_strength", "step_words"), 0.0)
    alone = meaning.words @ weights
    worth = reading.worth / max(float(reading.worth.max()), 1e-9)
    best, gain, left_best, least = 0.0, 0.0, 0.0, 0.0
    for number, step in enumerate(reading.steps):
        left = weights * np.clip(1 - meaning.words[step.start], 0, 1)
        left = left / max(float(left.sum()), 1e-9)
        for row in step.units:
            cosine = _nearness(reading, number, row)
            opened = reading.opened(step, row)
            trust = 0.3 + float(reading.trust[reading.at[row]])
            sure = float(worth[step.start]) * (0.3 + step.bridge.nearness) * trust
            joined = np.maximum(meaning.words[step.start], meaning.words[row])
            both = float(joined @ weights)
            least = max(least, float(joined[meaning.content].min()))
            found["step"] = max(found["step"], cosine)
            found["step_words"] = max(found["step_words"], cosine * (0.3 + opened))
            found["step_strength"] = max(found["step_strength"], sure * (0.2 + opened + cosine))
            left_best = max(left_best, float(meaning.words[row] @ left))
            if both > best:
                best, gain = both, both - float(max(alone[step.start], alone[row]))
    return {
        **found,
        "step_left": left_best,
        "handed": best,
        "handed_gain": gain,
        "handed_least": least,
    }


def _nearness(reading: Reading, step: int, row: int) -> float:
    """How near in meaning a piece is to what a step asks, 0 where it was not compared."""
    cosine = float(reading.along[step, row]) if reading.along is not None else 0.0
    return 0.0 if math.isnan(cosine) else max(0.0, cosine)


def _two(values: Array) -> tuple[float, float]:
    """The largest two; one alone stands twice."""
    ordered = np.sort(values)[::-1]
    return float(ordered[0]), float(ordered[min(1, len(ordered) - 1)])
