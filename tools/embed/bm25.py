"""BM25 as sparse vectors, by the tokenizer and stemmer of Qdrant Edge.

A document's weights are BM25's term frequency part (Robertson and Zaragoza 2009); the
store multiplies in the inverse document frequency of its own passages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SettingsError
from ..store.protocol import SparseVector

if TYPE_CHECKING:
    from qdrant_edge import Bm25 as Engine

K = 1.2
B = 0.5
AVERAGE_LENGTH = 64.0
"""Chosen by recall@5 over seven question sets; the optimum is flat. Qdrant's own defaults
(0.75 and 256) lose 2 points, for they hardly tell a short passage from a long one."""

_VERSION = 1
"""Raised when the same text comes to have other tokens, so that a store can refuse to mix."""

# Scripts written without spaces, in which a "word" of the tokenizer would be a sentence:
# Thai, Lao, Myanmar, Khmer, kana, Han with its compatibility forms and extensions.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+")
# Accents, points and vowel signs that follow their letter; Python's \w leaves them out.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W_{_UNSPACED}]|[{_MARKS}])+")
# Zero-width characters vanish; halves of surrogate pairs, which no encoder takes, part words.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ud800-\udfff]")


class Bm25:
    """The sparse embedder of both stores.

    Words are folded to lower case without accents and stemmed; an identifier counts whole
    and by its parts (`max_retries`, `getUserName`); runs of Chinese, Japanese, Thai and
    the like count by character and by pair. Documents keep their stop words, so that a
    query of nothing else ("The Who") still has something to find; other queries drop them.

    Raises `SettingsError` for a language that has no stemmer here.
    """

    def __init__(self, language: str = "english") -> None:
        self.fingerprint = f"bm25:{language}/{_VERSION}"
        self._whole = _engine(language, stop_words=False)
        self._telling = _engine(language, stop_words=True)

    def embed_document(self, text: str) -> SparseVector:
        """Weigh the tokens of a stored text."""
        return _vector(self._whole.embed_document(_spaced(text)))

    def embed_query(self, text: str) -> SparseVector:
        """Weigh the tokens of a query: 1.0 each."""
        spaced = _spaced(text)
        found = _vector(self._telling.embed_query(spaced))
        return found if len(found.indices) else _vector(self._whole.embed_query(spaced))


class Stemmer:
    """Tells whether two words are the same after stemming.

    A stem is a number: the token id that `Bm25` gives the word, so that stems can be
    looked up in its vectors. Stop words are left out. Each distinct word is stemmed once.
    """

    def __init__(self, language: str = "english") -> None:
        self._engine = _engine(language, stop_words=True, identifiers=False)
        self._known: dict[str, tuple[int, ...]] = {}

    def stems(self, text: str) -> list[int]:
        """Return the stems of a text in its order, repeats included."""
        known = self._known
        found: list[int] = []
        for word in _WORD.findall(text):
            stems = known.get(word)
            found += self._learn(word) if stems is None else stems
        return found

    def spans(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, stem) of each word that is no stop word; offsets into `text`."""
        for match in _WORD.finditer(text):
            word = match.group()
            stems = self._known.get(word)
            for stem in self._learn(word) if stems is None else stems:
                yield match.start(), match.end(), stem

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(self._known) >= 1_000_000:  # a bound, not a budget: about 150 MB
            self._known.clear()
        stems = tuple(self._engine.embed_query(_folded(word)).indices)
        self._known[word] = stems
        return stems


def _engine(language: str, *, stop_words: bool, identifiers: bool = True) -> Engine:
    from qdrant_edge import Bm25, Bm25Config, StopwordsSet, TokenizerType

    options: dict[str, Any] = {} if stop_words else {"stopwords": StopwordsSet()}
    config = Bm25Config(
        k=K,
        b=B,
        avg_len=AVERAGE_LENGTH,
        tokenizer=TokenizerType.Code if identifiers else TokenizerType.Word,
        language=language,
        ascii_folding=True,
        **options,
    )
    try:
        return Bm25(config)
    except ValueError as error:
        raise SettingsError(f"BM25 knows no language {language!r}: {error}") from error


def _folded(text: str) -> str:
    if text.isascii():
        return text
    # Full width forms, ligatures and composed accents become one form on both sides.
    return _INVISIBLE.sub(_seen, unicodedata.normalize("NFKC", text))


def _seen(invisible: re.Match[str]) -> str:
    return " " if "\ud800" <= invisible.group() <= "\udfff" else ""


def _spaced(text: str) -> str:
    folded = _folded(text)
    if folded.isascii():
        return folded
    return _RUN.sub(lambda run: f" {' '.join(_grams(run.group()))} ", folded)


def _grams(run: str) -> Iterator[str]:
    yield from run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _vector(found: Any) -> SparseVector:
    return SparseVector(np.array(found.indices, np.int64), np.array(found.values, np.float32))
