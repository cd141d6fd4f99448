"""Files to Documents, by loaders chosen by suffix."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from ...errors import IngestError
from ..types import Document, Failure
from .loaders import UNREADABLE, PlainText, builtin_loaders
from .protocol import Loader
from .scan import SourceFile, printable


@dataclass(frozen=True, slots=True)
class Loaded:
    """One of the Documents of a file, and which part of the file it is, from 0 to 1."""

    document: Document | Failure
    share: float


_REGISTERED: dict[str, Loader] = {}


def register(loader: Loader) -> None:
    """Make `loader` the one for its suffixes, in place of what was there."""
    _REGISTERED.update(dict.fromkeys(loader.suffixes, loader))


def loader_for(name: str) -> Loader:
    """Return the loader for a file name; plain text where the suffix says nothing.

    Raises `ValueError` for a type that is known and cannot be read.
    """
    suffix = posixpath.splitext(name)[1].lower()
    loader = _REGISTERED.get(suffix) or _builtin().get(suffix)
    if loader is None and suffix in UNREADABLE:
        raise ValueError(f"is {UNREADABLE[suffix]}, which is not read")
    return loader or PlainText()


@cache
def _builtin() -> dict[str, Loader]:
    return {suffix: loader for loader in builtin_loaders() for suffix in loader.suffixes}


def load(file: SourceFile) -> Iterator[Loaded]:
    """Yield the Documents of one file; of an empty one, none.

    Raises:
        IngestError: the file cannot be read, with the reason.
    """
    yield from _loaded(file, lambda largest: _read(file, largest))


def load_bytes(file: SourceFile, data: bytes) -> Iterator[Loaded]:
    """Yield the Documents of a file that is in memory; `file` gives it a name alone.

    Raises:
        IngestError: it cannot be read, with the reason.
    """

    def given(largest: int) -> bytes:
        _check_size(len(data), largest)
        return data

    yield from _loaded(file, given)


def _loaded(file: SourceFile, read: Callable[[int], bytes]) -> Iterator[Loaded]:
    try:
        _check_name(file.path)
        loader = loader_for(file.path)
        data = read(loader.largest)
        if not data.strip():
            return
        share = 1 / max(loader.count(data), 1)
        for document in loader.load(file, data):
            yield Loaded(document, share)
    except OSError as error:
        raise IngestError(printable(file.path), _os_reason(error)) from error
    except ValueError as error:
        raise IngestError(printable(file.path), str(error)) from error
    except RecursionError as error:
        raise IngestError(printable(file.path), "is nested too deeply") from error


def _read(file: SourceFile, largest: int) -> bytes:
    with open(file.path, "rb") as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        _check_size(max(file.size, len(data)), largest)
    return data


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise ValueError(
            f"has {size / 1e6:,.1f} MB, more than the {largest / 1e6:,.0f} MB that are read of "
            "one file of its type; split it into smaller files"
        )


def _check_name(path: str) -> None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("its name is not valid UTF-8; rename it") from None


def _os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read by this user (permission denied)"
    if isinstance(error, FileNotFoundError):
        return "was gone before it could be read"
    return f"cannot be read: {error.strerror or error}"
