"""What a corpus was built with: kept in a file, and checked before anything is mixed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sized
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...errors import StoreMismatch, StoreUnavailable
from .disk import sync
from .protocol import LAYOUT_VERSION, Manifest

FILE = "manifest.json"


def check_manifest(
    manifest: Manifest,
    embedder_fingerprint: str,
    dimensions: int,
    sparse_fingerprint: str,
    *,
    place: str = "this corpus",
) -> None:
    """Raise `StoreMismatch` unless the corpus was built with these embedders.

    Without an embedder the fingerprint is "" and dimensions are 0. `place` names the
    corpus in the message.
    """
    named, which = (place, "") if place == "this corpus" else (f'"{place}"', f" --corpus {place}")
    if (manifest.embedder, manifest.dimensions) != (embedder_fingerprint, dimensions):
        built = _named(manifest.embedder, manifest.dimensions)
        asked = _named(embedder_fingerprint, dimensions)
        raise StoreMismatch(
            f"{named} was built with {built}; you asked for {asked}."
            f" Re-embed with: suffice add --reembed{which}"
        )
    if manifest.sparse != sparse_fingerprint:
        raise StoreMismatch(
            f"{named} was built with the word weights {manifest.sparse}; this is"
            f" {sparse_fingerprint}. Re-embed with: suffice add --reembed{which}"
        )


def same_vectors(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests are of corpora whose vectors can be compared."""
    return (one.embedder, one.dimensions, one.sparse) == (
        other.embedder,
        other.dimensions,
        other.sparse,
    )


def check_dimensions(manifest: Manifest, vectors: Iterable[Sized | None]) -> None:
    """Raise `StoreMismatch` if a dense vector is not as long as those of the corpus."""
    for vector in vectors:
        if vector is not None and len(vector) != manifest.dimensions:
            built = _named(manifest.embedder if manifest.dimensions else "", manifest.dimensions)
            raise StoreMismatch(
                f"this corpus was built with {built}; a vector of {len(vector)} dims came in."
                " Use that embedder, or re-embed with: suffice add --reembed"
            )


def _named(embedder: str, dimensions: int) -> str:
    return f"{embedder} ({dimensions} dims)" if embedder else "no embedder (words only)"


def parse_manifest(data: Any, place: str) -> Manifest:
    """Return the manifest that was stored, or raise `StoreMismatch` if it is too new."""
    layout = data.get("layout") if isinstance(data, dict) else None
    if isinstance(layout, int) and layout > LAYOUT_VERSION:
        raise StoreMismatch(
            f'"{place}" has layout {layout}, written by Suffice {data.get("suffice", "?")};'
            f" this version reads up to {LAYOUT_VERSION}. Upgrade: pip install -U suffice"
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise StoreUnavailable(
            f'the manifest of "{place}" is damaged ({error.error_count()} fields are wrong).'
            " Restore it from a copy, or add the documents to a new place"
        ) from error


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a corpus folder; None if there is none."""
    try:
        text = (folder / FILE).read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(f'"{folder}" cannot be read: {error.strerror}') from error
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return parse_manifest(data, str(folder))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest so that a reader, or a power cut, finds the old or the new one."""
    draft = folder / (FILE + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=1) + "\n")
    sync(draft)
    draft.replace(folder / FILE)
    sync(folder)
