"""Questions to be judged by: read from JSON Lines, each bad line named.

One object a line. `question` is all that must be there:

    {"question": "Who signs off night berthing?", "answers": ["the duty harbour master"],
     "gold": ["pilotage/night-berthing.md"], "answerable": true}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from ...errors import QuestionError
from ...tools.reason.protocol import Turn
from ...tools.types import Noun, Where
from ..corpus import checked

TURNS = 4
"""Earlier turns of the asker that are folded into a question asked in a conversation."""

SHOWN_FAULTS = 20
"""Bad lines that are named in full; of more, how many."""

ASKER = "user"


class EvalQuestion(Noun):
    """One question and what is known of it.

    Args:
        answers: spellings of the one right answer; the first is what a person would say.
        gold: what carries the answer: ids of passages or documents, or sources; of a path
            its end will do.
        answerable: false where the documents do not say.
        type: a name to group by.
        history: earlier turns, as [speaker, text]; what the asker said has the speaker "user".
        where: narrows every search by metadata.
        exclude: documents that must not be found for this question, named as in `gold`.
    """

    id: str = ""
    question: str
    answers: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    answerable: bool = True
    type: str = ""
    history: tuple[tuple[str, str], ...] = ()
    where: Where | None = None
    exclude: tuple[str, ...] = ()
    rough: bool = Field(False, description="drafted by rule, and not yet read by a person")

    @field_validator("question")
    @classmethod
    def _askable(cls, text: str) -> str:
        return checked(text)

    @field_validator("answers", "gold", "exclude", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        """Take one string for a list of one, and null for none."""
        return (value,) if isinstance(value, str) else () if value is None else value

    @field_validator("history", mode="before")
    @classmethod
    def _turns(cls, value: Any) -> Any:
        return () if value is None else value

    @property
    def standing(self) -> str:
        """The question with what its asker said before, so that it can stand alone."""
        turns = [text for speaker, text in self.history if speaker == ASKER]
        return " ".join([*turns[-TURNS:], self.question])

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The earlier turns as a conversation keeps them: what was asked, and the reply."""
        found: list[Turn] = []
        for speaker, text in self.history:
            if speaker == ASKER:
                found.append(Turn(asked=text, question=text, status="answered"))
            elif found:
                found[-1] = found[-1].model_copy(update={"text": text})
        return tuple(found)

    @property
    def asked(self) -> str:
        """A digest of all that is asked, and of nothing that is known of the answer."""
        asked = [self.question, self.history, self.where, sorted(self.exclude)]
        return digest(json.dumps(asked, sort_keys=True, ensure_ascii=False))


def read_questions(path: str | Path) -> tuple[EvalQuestion, ...]:
    """Read questions from a file of JSON Lines. Empty lines are passed over.

    A question without an `id` is called by a digest of what it asks. Fields that are not
    known are passed over, unless they look like a misspelt one.

    Raises:
        QuestionError: the file cannot be read or holds no question; or some of its lines are
            none, each named with its number and what is wrong with it.
    """
    path = Path(path)
    found: list[tuple[int, EvalQuestion]] = []
    faults: list[str] = []
    for number, line in _lines(path):
        try:
            found.append((number, _question(line)))
        except ValueError as error:
            faults.append(f"{path}, line {number}: {error}")
    faults += _twice(path, found)
    if faults:
        raise _refused(path, faults)
    if not found:
        raise QuestionError(
            f'{path} holds no question; write one a line, such as {{"question": "Who …?"}}'
        )
    return tuple(question for _, question in found)


def digest(text: str) -> str:
    """Return a short name for a text, the same wherever it is made."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuestionError(f"cannot read the questions in {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        place = path.read_bytes()[: error.start].count(b"\n") + 1
        raise QuestionError(
            f"{path}, line {place}: this is not UTF-8; save the file in that encoding"
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _question(line: str) -> EvalQuestion:
    """Return the question of one line. Raises `ValueError` with what is wrong."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(row, dict):
        raise ValueError(f'this is {_kind(row)}, not an object such as {{"question": "Who …?"}}')
    _check_names(row)
    try:
        question = EvalQuestion(**{k: v for k, v in row.items() if k in EvalQuestion.model_fields})
    except ValidationError as error:
        raise ValueError("; ".join(_said(fault) for fault in error.errors())) from None
    return question if question.id else question.model_copy(update={"id": question.asked})


def _check_names(row: dict[str, Any]) -> None:
    """Raise `ValueError` for a name that is nearly one that is known."""
    known = [name for name in EvalQuestion.model_fields if name not in row]
    for name in row:
        near = get_close_matches(name, known, 1, cutoff=0.8)
        if name not in EvalQuestion.model_fields and near:
            raise ValueError(f'there is no "{name}"; did you mean "{near[0]}"?')


def _said(fault: Any) -> str:
    """Say in a line what one fault of a question is."""
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f'"{place}" is missing'
    wrong = fault["msg"].removeprefix("Value error, ")
    given = "" if fault["type"] == "value_error" else f", got {str(fault['input'])[:60]!r}"
    return f'"{place}": {wrong}{given}'


def _twice(path: Path, found: Iterable[tuple[int, EvalQuestion]]) -> list[str]:
    """Return a fault for each id that an earlier line has already."""
    first: dict[str, int] = {}
    faults = []
    for number, question in found:
        earlier = first.setdefault(question.id, number)
        if earlier != number:
            faults.append(f'{path}, line {number}: line {earlier} has the id "{question.id}" too')
    return faults


def _refused(path: Path, faults: list[str]) -> QuestionError:
    more = len(faults) - SHOWN_FAULTS
    shown = faults[:SHOWN_FAULTS] + ([f"{path}: and {more} more bad lines"] if more > 0 else [])
    error = QuestionError(shown[0])
    for fault in shown[1:]:
        error.add_note(fault)
    return error


def _kind(value: Any) -> str:
    names = {str: "text", int: "a number", float: "a number", list: "a list", bool: "a truth value"}
    return names.get(type(value), "null")
