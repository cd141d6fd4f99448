"""The disk beneath a corpus folder: room on it, and its errors and the engine's as ours."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import StoreError, StoreLocked, StoreUnavailable

SPARE_BYTES = 128 * 2**20
"""Free space below which nothing is opened or written: the engine maps its files into
memory, and writing to a mapped file on a full disk kills the process."""

_SYSTEM_CODE = re.compile(r"os error (\d+)")
_LACKING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}
_LACKING |= {errno.EIO, errno.ENOTDIR, errno.EMFILE, errno.ENFILE}


def require_space(path: Path, needed: int = 0) -> None:
    """Raise `StoreUnavailable` unless the disk has `needed` bytes, and some to spare."""
    free = shutil.disk_usage(path).free
    if free < needed + SPARE_BYTES:
        raise StoreUnavailable(
            f'the disk of "{path}" is full: {free // 2**20} MB are free and'
            f" {(needed + SPARE_BYTES) // 2**20} MB are needed. What was there is safe."
            " Make room and try again"
        )


def size_of(path: Path) -> int:
    """Return the bytes of all files beneath a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def sync(path: Path) -> None:
    """Have the system write a file to the disk, or the names in a folder where it can."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


RENAMED_MEANWHILE = 20
"""Times that a folder is listed again because a file in it took another name."""


def sync_all(folder: Path) -> None:
    """Have the system write all files of a folder to the disk, and their names.

    The engine makes its next files in the background and renames them when they are ready: what
    is gone when it is to be opened stands there under another name.
    """
    for attempt in range(RENAMED_MEANWHILE):
        try:
            for file in (*folder.iterdir(), folder):
                sync(file)
        except FileNotFoundError:
            if attempt == RENAMED_MEANWHILE - 1 or not folder.exists():
                raise
        else:
            return


@contextmanager
def engine_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors, and the engine's plain `Exception`s, into ours."""
    try:
        yield
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except BaseException as error:
        # What is not the engine's is either ours already, or a fault to be seen.
        if type(error) in (Exception, ValueError) or type(error).__name__ == "PanicException":
            raise _translated(path, str(error)) from error
        raise


def _translated(path: Path, message: str) -> StoreError:
    if "WouldBlock" in message:
        return StoreLocked(
            f'"{path}" is open in another process. Close that one (a chat, a server or a'
            " notebook may hold it), or work on a copy of the folder"
        )
    if "Shard is not initialized" in message:
        return StoreError(f'"{path}" was closed while this call was waiting')
    code = _SYSTEM_CODE.search(message)
    if code and int(code[1]) in _LACKING:
        return _unusable(path, os.strerror(int(code[1])))
    return StoreError(f'the engine refused an operation on "{path}": {message}')


def _unusable(path: Path, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f'"{path}" cannot be used: {reason}. What was there is safe. Give the folder room'
        " and write permission, or choose another, and try again"
    )
