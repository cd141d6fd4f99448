"""Where the answer to a question stands in a corpus, as it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...tools.embed.protocol import SparseEmbedder
from ...tools.reason.protocol import Quote
from ...tools.reason.verify_quotes import find_quote, fold
from ...tools.store.protocol import DocumentRecord, Hit, SearchRequest, Store, Vector
from ...tools.types import Document, Passage
from .outcome import Place
from .questions import EvalQuestion

YES_OR_NO = ("yes", "no")
MOST_HOLDING = 50
"""Passages looked at for an answer where nothing is named as gold."""

SENTENCE_ENDS = ".!?\n"


@dataclass(frozen=True, slots=True)
class Group:
    """One thing named as gold, and the passages that will do for it.

    `holding` tells whether they are those that hold an answer word for word, and not simply
    all there are of the document. `uncut` are the passages there could have been instead of
    those that end in the midst of a paragraph; empty where none does.
    """

    name: str
    passages: tuple[Passage, ...] = ()
    holding: bool = False
    uncut: tuple[Passage, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of its passages."""
        return frozenset(passage.id for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Gold:
    """What carries the answer of a question; `vector` is the middle of its passages'."""

    groups: tuple[Group, ...]
    answers: tuple[str, ...]
    vector: Vector | None = None

    @property
    def lead(self) -> str:
        """Return the yes or no that has to lead the answer, or nothing."""
        first = self.answers[0] if self.answers else ""
        return first if first.casefold() in YES_OR_NO else ""

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of all its passages."""
        return frozenset().union(*(group.ids for group in self.groups))

    def absent(self, ids: Iterable[str]) -> tuple[Group, ...]:
        """Return the groups of which nothing is among these passages."""
        held = set(ids)
        return tuple(group for group in self.groups if not group.ids & held)

    def quotes(self, passages: Sequence[Passage]) -> tuple[Quote, ...]:
        """Return what to quote of these passages: the sentences that hold an answer.

        Of gold passages without one, as those of a yes or no, all there is.
        """
        ours = [passage for passage in passages if passage.id in self.ids]
        told = [(p, sentence(p.text, self.answers)) for p in ours]
        held = [(p, text) for p, text in told if text]
        chosen = held or [(p, p.text) for p in ours]
        return tuple(Quote(passage_id=p.id, text=text) for p, text in chosen)


async def find_gold(
    store: Store,
    sparse: SparseEmbedder,
    records: Sequence[DocumentRecord],
    question: EvalQuestion,
    max_chars: int,
) -> Gold:
    """Look up all that is named as gold; a group without passages is not in the corpus.

    Where nothing is named, it is what holds an answer word for word, among the passages that
    share most words with question and answer.

    Args:
        records: all documents of the corpus, as `Store.documents` lists them.
        max_chars: the size of a passage that is cut elsewhere.
    """
    answers = tuple(a for a in question.answers if a.casefold() not in YES_OR_NO)
    groups, vectors = [], []
    if answers and not question.gold:
        words = sparse.embed_query(" ".join((question.question, *answers)))
        request = SearchRequest(sparse=words, limit=MOST_HOLDING, with_vectors=True)
        (hits,) = await store.search([request])
        hits = [hit for hit in hits if sentence(hit.passage.text, answers)]
        passages = tuple(hit.passage for hit in hits)
        groups.append(Group(answers[0], passages, holding=bool(hits)))
        vectors += [hit.dense for hit in hits if hit.dense is not None]
    for name in question.gold:
        hits = [hit for key in _documents(name, records) for hit in await _hits(store, key)]
        if not hits:
            hits = [Hit(p, 0.0) for p in await store.passages([name])]
        group, chosen = await _group(store, name, hits, answers, max_chars)
        groups.append(group)
        vectors += [hit.dense for hit in chosen if hit.dense is not None]
    return Gold(tuple(groups), question.answers, _middle(vectors))


def sentence(text: str, answers: Sequence[str]) -> str:
    """Return the sentence, or the line, of a text that holds one of the answers; or nothing."""
    folded = fold(text)
    for answer in answers:
        span = find_quote(answer, folded)
        if span is not None:
            start, end = around(text, *span)
            return text[start:end].strip()
    return ""


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentences, or lines, in which a span stands."""
    before = max(_end_of_sentence(text, start, back=True), 0)
    after = _end_of_sentence(text, end, back=False)
    return before, after


def _end_of_sentence(text: str, place: int, *, back: bool) -> int:
    steps = range(place - 1, -1, -1) if back else range(place, len(text))
    for at in steps:
        if text[at] == "\n" or (text[at] in SENTENCE_ENDS and text[at + 1 : at + 2].isspace()):
            return at + 1
    return 0 if back else len(text)


def _documents(name: str, records: Sequence[DocumentRecord]) -> list[str]:
    """Return the ids of the documents that a name means."""
    return [record.document.id for record in records if source(record).named(name)]


def source(record: DocumentRecord) -> Place:
    """Return where a document as a whole stands."""
    document = record.document
    return Place(passage_id="", document_id=document.id, source=document.source)


async def _hits(store: Store, document_id: str) -> list[Hit]:
    where = {"document_id": document_id}
    found = [hit async for hit in store.scroll(where, with_vectors=True)]
    return sorted(found, key=lambda hit: hit.passage.start)


async def _group(
    store: Store, name: str, hits: Sequence[Hit], answers: Sequence[str], max_chars: int
) -> tuple[Group, list[Hit]]:
    """Return the group and the hits it is made of; with a window if the answer is cut."""
    holding = [hit for hit in hits if sentence(hit.passage.text, answers)]
    chosen = holding or list(hits)
    whole: tuple[Passage, ...] = ()
    record = await store.document(hits[0].passage.document_id) if len(hits) > 1 else None
    if record is not None:
        whole = uncut(record.document, [hit.passage for hit in hits], answers, max_chars)
    passages = tuple(hit.passage for hit in chosen)
    return Group(name, passages, bool(holding), whole), chosen


def uncut(
    document: Document, passages: Sequence[Passage], answers: Sequence[str], max_chars: int
) -> tuple[Passage, ...]:
    """Return passages as they could have been cut, where a paragraph was cut apart.

    Neighbours are joined that share a paragraph, as long as they make no more than a passage
    may be; and of a paragraph with an answer that still has no passage to itself, one is
    made with what stands around it.
    """
    joined = _joined(document, passages, max_chars)
    window = _window(document, [*passages, *joined], answers, max_chars)
    return (*joined, window) if window else joined


def _joined(document: Document, passages: Sequence[Passage], max_chars: int) -> tuple[Passage, ...]:
    runs: list[list[Passage]] = []
    for passage in passages:
        last = runs[-1] if runs else []
        room = bool(last) and passage.end - last[0].start <= max_chars
        if room and _one_paragraph(document.text, last[-1], passage):
            last.append(passage)
        else:
            runs.append([passage])
    return tuple(_span(document, run[0], run[0].start, run[-1].end) for run in runs if run[1:])


def _one_paragraph(text: str, before: Passage, after: Passage) -> bool:
    """Tell whether no paragraph ends between two neighbours."""
    near = text[max(before.end - 2, 0) : after.start + 2]
    return after.start <= before.end + 2 and "\n\n" not in near


def _window(
    document: Document, passages: Sequence[Passage], answers: Sequence[str], max_chars: int
) -> Passage | None:
    folded, text = fold(document.text), document.text
    for answer in answers:
        span = find_quote(answer, folded)
        if span is None:
            continue
        start, end = _paragraph(text, *span, max_chars)
        if any(p.start <= start and end <= p.end for p in passages):
            return None
        near = min(passages, key=lambda p: abs((p.start + p.end) - (start + end)))
        return _span(document, near, *_widened(text, start, end, max_chars))
    return None


def _span(document: Document, like: Passage, start: int, end: int) -> Passage:
    """Return a passage of a document with the title and the headings of another."""
    text = document.text[start:end]
    changed = {"id": f"{like.id}:uncut", "text": text, "start": start, "end": end}
    return like.model_copy(update=changed)


def _paragraph(text: str, start: int, end: int, max_chars: int) -> tuple[int, int]:
    """Return the paragraph of a span; of one too long for a passage, its sentence."""
    first = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    last = text.find("\n\n", end)
    last = len(text) if last < 0 else last
    if last - first > max_chars:
        first, last = around(text, start, end)
    while first < last and text[first].isspace():
        first += 1
    while last > first and text[last - 1].isspace():
        last -= 1
    return first, last


def _widened(text: str, start: int, end: int, max_chars: int) -> tuple[int, int]:
    """Return a span of up to `max_chars` about another, from sentence to sentence."""
    room = max(0, max_chars - (end - start)) // 2
    first, last = max(0, start - room), min(len(text), end + room)
    first = min(start, _end_of_sentence(text, first, back=False) if first else 0)
    last = max(end, _end_of_sentence(text, last, back=True) if last < len(text) else last)
    return first, last


def _middle(vectors: Sequence[Vector]) -> Vector | None:
    if not vectors:
        return None
    total = np.sum(vectors, axis=0)
    return np.asarray(total / (np.linalg.norm(total) + 1e-9), np.float32)
