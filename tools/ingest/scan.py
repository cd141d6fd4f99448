"""What a person names (paths, folders, globs, Documents) to files and Documents, in order."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any, TypeAlias

from ...errors import InputError
from ..types import Document, Failure

Source: TypeAlias = "str | os.PathLike[str] | Document | Iterable[Any]"
"""A path, a folder, a glob, a Document, or an iterable of these, mixed as you like."""

SKIPPED_FOLDERS = frozenset({"node_modules", "bower_components", "__pycache__", "__MACOSX"})
"""Not entered, as are folders whose name starts with a dot."""

MARKERS = (
    frozenset({"pyvenv.cfg"}),
    frozenset({"CACHEDIR.TAG"}),
    frozenset({"manifest.json", "passages", "documents"}),
)
"""A folder that holds all of one of these is machine-made: an environment, a cache, a corpus."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file to be read.

    `path` is absolute, resolved and posix; `relative` is the path below the added folder
    (the bare name where the file itself was named); `root` is what the person named;
    `size` is in bytes; `named` tells that the person named this very file.
    """

    path: str
    relative: str
    root: str
    size: int
    named: bool = False


@dataclass(slots=True)
class Scan:
    """What was found. Iterators among the sources are left unread, to be read as needed.

    `roots` are the folders, files and globs that were named, as `SourceFile.root` has
    them; `failed` names what could not be listed.
    """

    items: list[SourceFile | Document | Iterator[Any]] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    def add(self, file: SourceFile) -> None:
        """Take a file in, once."""
        if file.path not in self.paths:
            self.paths.add(file.path)
            self.items.append(file)

    def fail(self, path: str, reason: str) -> None:
        """Note a path that cannot be read."""
        self.failed.append(Failure(source=printable(path), reason=reason))


def scan(sources: Source) -> Scan:
    """List all that `sources` names, folders recursively, in a fixed order.

    Symbolic links are followed, each folder and file is taken once. Hidden files and
    folders, `SKIPPED_FOLDERS` and machine-made folders are left out unless named.

    Raises:
        InputError: a path does not exist, a glob matches nothing, or a source is neither
            a path nor a Document. Nothing has been read by then.
    """
    found = Scan()
    _take(sources, found)
    return found


def _take(source: Any, found: Scan) -> None:
    if isinstance(source, Document):
        found.items.append(source)
    elif isinstance(source, (str, os.PathLike)):
        _take_path(os.fspath(source), found)
    elif isinstance(source, (bytes, Mapping)) or not isinstance(source, Iterable):
        raise InputError(
            f"cannot add a {type(source).__name__}; give a path, a folder, a glob, a Document, "
            "or a list of these"
        )
    elif isinstance(source, Iterator):
        found.items.append(source)
    else:
        for each in source:
            _take(each, found)


def _take_path(name: Any, found: Scan) -> None:
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise InputError(f"{name!r} is not a path")
    path = os.path.abspath(os.path.expanduser(name))
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if glob.has_magic(name):
            return _take_glob(name, path, found)
        raise InputError(_missing(name, path, error)) from error
    root = resolved(path)
    found.roots.append(root)
    if stat.S_ISDIR(mode):
        for file in _walk(root, root, found):
            found.add(file)
    elif stat.S_ISREG(mode):
        size = os.stat(path).st_size
        found.add(SourceFile(root, os.path.basename(path), root, size, named=True))
    else:
        found.fail(path, "is a device, a pipe or a socket, not a file")
    return None


def _missing(name: str, path: str, error: OSError) -> str:
    if re.match(r"[a-z][a-z0-9+.-]+://", name):
        return f"cannot add {name!r}: only files are read; download it first"
    if isinstance(error, FileNotFoundError):
        return f"cannot add {name!r}: there is no file or folder {path}"
    return f"cannot add {name!r}: {error.strerror or error}"


def _take_glob(name: str, pattern: str, found: Scan) -> None:
    parts = pattern.split(os.sep)
    magic = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    base = resolved(os.sep.join(parts[:magic]) or os.sep)
    root = f"{base.rstrip('/')}/{'/'.join(parts[magic:])}"
    before = len(found.items)
    for file in _matches(base, parts[magic:], root, found):
        found.add(file)
    if len(found.items) == before and not _already(base, parts[magic:], root, found):
        raise InputError(f"cannot add {name!r}: nothing matches {pattern}")
    found.roots.append(root)


def _already(base: str, parts: list[str], root: str, found: Scan) -> bool:
    return any(file.path in found.paths for file in _matches(base, parts, root, Scan()))


def _matches(base: str, parts: list[str], root: str, found: Scan) -> Iterator[SourceFile]:
    if "**" in parts:
        # The standard library's `**` walks symbolic link loops; the walk here does not.
        wanted = re.compile(_regex(parts))
        yield from (f for f in _walk(base, root, found) if wanted.fullmatch(f.relative))
        return
    for match in sorted(glob.glob(os.sep.join([glob.escape(base), *parts]))):
        if os.path.isdir(match):
            if os.path.basename(match) not in SKIPPED_FOLDERS:
                yield from _walk(match, root, found, base)
        elif os.path.isfile(match):
            relative = os.path.relpath(match, base)
            yield SourceFile(resolved(match), relative, root, os.path.getsize(match), named=True)


def _regex(parts: list[str]) -> str:
    """Translate a glob; what matches a folder takes in all that is below it."""
    pieces = ["(?:[^/]+/)*" if part == "**" else _segment(part) + "/" for part in parts]
    if parts[-1] == "**":
        return "".join(pieces) + ".*"
    return "".join(pieces)[:-1] + "(?:/.*)?"


def _segment(part: str) -> str:
    return translate(part).replace(r"\Z", "").replace("(?s:", "(?:").replace(".*", "[^/]*")


def _walk(folder: str, root: str, found: Scan, base: str = "") -> Iterator[SourceFile]:
    """Yield the files below `folder`: those of a folder first, then its folders by name."""
    base = base or folder
    waiting = [folder]
    entered: set[tuple[int, int]] = set()
    while waiting:
        current = waiting.pop()
        try:
            status = os.stat(current)
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.fail(current, f"cannot be listed: {error.strerror or error}")
            continue
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        if current != folder and _machine_made(entry.name for entry in entries):
            continue
        place = _Place(base, root, os.path.realpath(current), [])
        for entry in entries:
            yield from _entry(entry, place, found)
        waiting.extend(reversed(place.folders))


def _machine_made(names: Iterable[str]) -> bool:
    present = set(names)
    return any(marks <= present for marks in MARKERS)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder being listed: where it really is, and the folders found in it."""

    base: str
    root: str
    real: str
    folders: list[str]


def _entry(entry: os.DirEntry[str], place: _Place, found: Scan) -> Iterator[SourceFile]:
    if entry.name.startswith("."):
        return
    try:
        if entry.is_dir():
            if entry.name not in SKIPPED_FOLDERS:
                place.folders.append(entry.path)
        elif entry.is_file():
            path = os.path.join(place.real, entry.name)
            path = resolved(path) if entry.is_symlink() else posix(path)
            relative = posix(os.path.relpath(entry.path, place.base))
            yield SourceFile(path, relative, place.root, entry.stat().st_size)
        elif entry.is_symlink() and not os.path.exists(entry.path):
            found.fail(entry.path, "is a symbolic link to nothing")
    except OSError as error:
        found.fail(entry.path, f"cannot be looked at: {error.strerror or error}")


def listed(relative: str) -> bool:
    """Tell whether a path below a folder is one that listing the folder would come to."""
    *folders, name = relative.split("/")
    hidden = name.startswith(".") or any(folder.startswith(".") for folder in folders)
    return not hidden and SKIPPED_FOLDERS.isdisjoint(folders)


def resolved(path: str) -> str:
    """Return the absolute posix path with every symbolic link followed."""
    return posix(os.path.realpath(path))


def posix(path: str) -> str:
    """Return `path` with forward slashes."""
    return path.replace(os.sep, "/") if os.sep != "/" else path


def printable(path: str) -> str:
    """Return `path` with bytes that are no text written out, fit for a report."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
