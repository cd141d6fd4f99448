"""Where passages are kept and searched: a folder, or a Qdrant server."""

from __future__ import annotations

from pathlib import Path

from ...errors import SettingsError
from .manifest import check_manifest
from .protocol import (
    DocumentRecord,
    Entry,
    Field,
    Hit,
    Manifest,
    SearchRequest,
    SparseVector,
    Store,
    Vector,
)
from .transfer import push

__all__ = [
    "DocumentRecord",
    "Entry",
    "Field",
    "Hit",
    "Manifest",
    "SearchRequest",
    "SparseVector",
    "Store",
    "Vector",
    "check_manifest",
    "open_store",
    "push",
]

COLLECTION = "suffice"


def open_store(
    place: str | Path, *, collection: str | None = None, api_key: str | None = None
) -> Store:
    """Return the store at a folder, or at the address of a Qdrant server.

    `collection` names the corpus on a server ("suffice" if it is not given). Nothing is
    opened, made or called yet; that is left to the store's first call. ":memory:" is a
    server for tests, in qdrant-client. Raises `SettingsError` for what a folder has not.
    """
    if str(place).startswith(("http://", "https://")) or place == ":memory:":
        from .server import ServerStore

        return ServerStore(str(place), collection or COLLECTION, api_key=api_key)
    if collection is not None or api_key is not None:
        raise SettingsError(
            f'"{place}" is a folder, which has no collection and no API key.'
            " For a server give its address: http://host:6333"
        )
    from .edge import EdgeStore

    return EdgeStore(place)
