"""Changes single settings in a settings file; every other line stays as it is."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SettingsError


def write_settings(path: Path, values: Mapping[str, Any]) -> None:
    """Set top-level settings in `path`, which is made if need be.

    Comments, order and all other settings stay. The file is put in place in one step: a
    killed process leaves the old one.

    Raises:
        SettingsError: it is not valid TOML, or cannot be read or written.
    """
    try:
        _put(path, changed(_text(path), values))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the settings in {path} cannot be changed: {error}") from error


def changed(text: str, values: Mapping[str, Any]) -> str:
    """Return the text of a settings file with `values` set. Raises `ValueError`."""
    import tomlkit

    document = tomlkit.parse(text)
    for name, value in values.items():
        document[name] = value
    made = tomlkit.dumps(document)
    return made.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else made


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _put(path: Path, text: str) -> None:
    """Write beside the file and move over it; a link stays a link."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
