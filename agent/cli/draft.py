"""`suffice eval --draft`: first questions for a corpus, for a person to edit."""

from __future__ import annotations

import sys
from pathlib import Path

from ...errors import InputError
from ..corpus import Corpus
from ..settings import Settings
from .ask import take_up
from .options import corpus_for
from .progress import asking_bar
from .screen import line, screen


def propose(
    settings: Settings, count: int, documents: list[Path], place: str | None, output: Path | None
) -> None:
    """Write `count` questions proposed from the corpus to `output`, or print them.

    Raises `InputError` where the file is there already: it may have been edited.
    """
    from ..evaluation.drafting import draft, to_lines
    from ..reasoner import NONE, chosen_models, model_opener

    if output is not None and output.exists():
        raise InputError(f"{output} is there already, and may have been edited; name another file")
    where = corpus_for(documents, place, settings)
    with Corpus.open(where, settings=settings, create=bool(documents)) as corpus:
        if documents:
            take_up(corpus, documents)
        small = chosen_models(settings)[0]
        model = None if small == NONE else model_opener(settings, corpus._parts.cache)(small)
        with asking_bar(screen(errors=True)) as progress:
            questions = draft(corpus, count, model, progress=progress)
    if output is None:
        sys.stdout.write(to_lines(questions))
    else:
        _write(output, to_lines(questions))
    _say(len(questions), count, rough=model is None, output=output)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error


def _say(made: int, wanted: int, *, rough: bool, output: Path | None) -> None:
    console = screen(errors=True)
    fewer = "" if made == wanted else f"; the corpus gave no more than that of {wanted}"
    console.print(line(f"{made} questions proposed{fewer}"))
    if rough:
        console.print(
            line("They are made by rule and marked as rough: mend the wording, drop what is dull.")
        )
    if output is not None:
        console.print(line(f"Edit {output}, then: suffice eval {output}"))
