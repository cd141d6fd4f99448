"""Outcomes, kept as they come: a killed evaluation goes on where it was.

One folder for each corpus as it stands and the settings that bear on answers; in it one
file of JSON Lines for each strategy. An outcome is found again by what was asked, so that
a question whose wording changed is asked anew, and one whose gold answer was mended is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from ...errors import StoreUnavailable
from ...tools.store.protocol import Store
from ..parts import is_server
from ..settings import Settings
from .outcome import Outcome
from .questions import digest

BESIDE = ("corpus", "collection", "strategy", "prices", "server", "tokens")
"""Settings that do not bear on what is answered, or are told apart otherwise; and keep_…."""


class Results:
    """The outcomes kept in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, strategy: str) -> dict[str, Outcome]:
        """Return the outcomes of a strategy that need not be asked again, by what was asked.

        A line cut short by the end of a process is dropped, and what failed is asked again.
        Raises `StoreUnavailable`.
        """
        path = self._path(strategy)
        if not path.exists():
            return {}
        try:
            whole, _, torn = path.read_bytes().rpartition(b"\n")
            if torn:
                path.write_bytes(whole + b"\n" if whole else b"")
        except OSError as error:
            raise _unusable(path, error) from error
        found = (_outcome(line) for line in whole.splitlines())
        return {one.asked: one for one in found if one is not None and one.status != "failed"}

    def append(self, outcome: Outcome) -> None:
        """Keep one more outcome: once this returns, a killed process loses it no more."""
        path = self._path(outcome.strategy)
        line = outcome.model_dump_json(exclude_defaults=True) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                file.write(line.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise _unusable(path, error) from error

    def forget(self, strategies: Iterable[str]) -> None:
        """Drop what is kept of these strategies, so that all is asked anew."""
        for strategy in strategies:
            self._path(strategy).unlink(missing_ok=True)

    def _path(self, strategy: str) -> Path:
        return self.folder / f"{strategy}.jsonl"


async def results_key(store: Store, settings: Settings, reasoner: str) -> str:
    """Return a name for the corpus as it stands and all settings that bear on answers."""
    manifest = await store.manifest()
    documents = sorted((r.document.id, r.hash) for r in await store.documents())
    bearing = {
        name: value
        for name, value in settings.model_dump(mode="json", exclude={*BESIDE}).items()
        if not name.startswith("keep_")
    }
    told = [version("suffice"), reasoner, manifest and manifest.embedder, documents, bearing]
    return digest(json.dumps(told, sort_keys=True))


def results_folder(place: str, key: str) -> Path:
    """Return where results lie: in the corpus, if it is a folder, else in `.suffice` here."""
    home = Path(".suffice") if is_server(place) else Path(place).expanduser()
    return home / "eval" / key


def _outcome(line: bytes) -> Outcome | None:
    """Return the outcome of a line; None of one that another version wrote."""
    try:
        return Outcome.model_validate_json(line)
    except ValidationError:
        return None


def _unusable(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"the results in {path} cannot be read or written: {error.strerror}; make room, or "
        "name another folder with --results"
    )
