"""The published weights in CTranslate2's form: converted once, kept, checked at load."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import WeightsError
from .weights import MODEL_SHA256, Published, file_sha256, find_weights

if TYPE_CHECKING:
    from ctranslate2.specs.transformer_spec import TransformerEncoderModelSpec

LAYERS = 6
HEADS = 12
LAYER_NORM_EPSILON = 1e-12
_FORM = 1
"""Raised when what `convert` writes changes, so that an older cache is not taken up."""

Tensors = dict[str, NDArray[np.float32]]
ModelFiles = dict[str, bytes]


def cache_folder() -> Path:
    """Return the folder for what can be made again: SUFFICE_CACHE, or the user's cache."""
    if named := os.environ.get("SUFFICE_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "suffice"


def load_model(precision: str, weights: Path | None = None) -> ModelFiles:
    """Return the files of the converted model by name, from the cache where it is whole.

    `precision` is "int8" or "float32". An explicit folder of `weights` is verified each
    time. Raises `WeightsError` where there is neither a converted model nor weights.
    """
    from ctranslate2.version import __version__ as engine

    published = find_weights(weights) if weights is not None else None
    # The engine's version, not its file format's: reading that would import PyTorch
    # wherever it is installed.
    folder = cache_folder() / f"minilm-{MODEL_SHA256[:8]}-{precision}-ct2.{engine}-{_FORM}"
    kept = _read(folder)
    if kept is not None:
        return kept
    published = published or find_weights()
    try:
        with tempfile.TemporaryDirectory(prefix="suffice-") as scratch:
            made = Path(scratch) / folder.name
            convert(published, made, precision)
            files = _read(made)
            _keep(made, folder)
    except OSError as error:
        raise WeightsError(f"the embedder's weights cannot be converted: {error}") from error
    if files is None:
        raise WeightsError(f"the model converted at {made} does not read back as written")
    return files


def convert(published: Published, folder: Path, precision: str) -> None:
    """Write the converted model, its tokenizer and `sha256.json` into a new `folder`."""
    from safetensors.numpy import load_file

    tokenizer = json.loads(published.tokenizer.read_bytes())
    spec = _spec(load_file(published.model))
    vocabulary = tokenizer["model"]["vocab"]
    spec.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    spec.config.unk_token = "[UNK]"  # noqa: S105 - a word piece, not a password
    spec.config.layer_norm_epsilon = LAYER_NORM_EPSILON
    spec.validate()
    spec.optimize(quantization=None if precision == "float32" else precision)
    folder.mkdir(parents=True)
    spec.save(str(folder))
    shutil.copyfile(published.tokenizer, folder / "tokenizer.json")
    hashes = {path.name: file_sha256(path) for path in folder.iterdir()}
    (folder / "sha256.json").write_text(json.dumps(hashes), encoding="utf-8")


def _read(folder: Path) -> ModelFiles | None:
    # The bytes that are hashed are the bytes that are loaded.
    try:
        hashes = json.loads((folder / "sha256.json").read_bytes())
        files = {name: (folder / name).read_bytes() for name in hashes}
    except (OSError, ValueError):
        return None
    whole = all(hashlib.sha256(files[name]).hexdigest() == hashes[name] for name in hashes)
    return files if whole and "model.bin" in files else None


def _keep(made: Path, folder: Path) -> None:
    # A rename within one file system is atomic: a reader sees all of it or nothing.
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError:
        return  # a cache that cannot be written costs a conversion at each start, no more
    try:
        shutil.copytree(made, staged, dirs_exist_ok=True)
        if folder.exists() and _read(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
    except OSError:
        pass  # the disk is full, or another process was first
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _spec(tensors: Tensors) -> TransformerEncoderModelSpec:
    from ctranslate2.specs.common_spec import Activation, EmbeddingsMerge
    from ctranslate2.specs.transformer_spec import (
        TransformerEncoderModelSpec,
        TransformerEncoderSpec,
    )

    encoder: Any = TransformerEncoderSpec(
        LAYERS,
        HEADS,
        pre_norm=False,
        activation=Activation.GELU,  # the exact one, by erf
        num_source_embeddings=2,
        embeddings_merge=EmbeddingsMerge.ADD,
        layernorm_embedding=True,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = tensors["embeddings.position_embeddings.weight"]
    _norm(encoder.layernorm_embedding, tensors, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        _layer(layer, tensors, f"encoder.layer.{number}.")
    return TransformerEncoderModelSpec(encoder)


def _layer(layer: Any, tensors: Tensors, at: str) -> None:
    attention = layer.self_attention
    inward = [f"{at}attention.self.{part}" for part in ("query", "key", "value")]
    attention.linear[0].weight = np.concatenate([tensors[f"{p}.weight"] for p in inward])
    attention.linear[0].bias = np.concatenate([tensors[f"{p}.bias"] for p in inward])
    _linear(attention.linear[1], tensors, f"{at}attention.output.dense")
    _norm(attention.layer_norm, tensors, f"{at}attention.output.LayerNorm")
    _linear(layer.ffn.linear_0, tensors, f"{at}intermediate.dense")
    _linear(layer.ffn.linear_1, tensors, f"{at}output.dense")
    _norm(layer.ffn.layer_norm, tensors, f"{at}output.LayerNorm")


def _linear(spec: Any, tensors: Tensors, at: str) -> None:
    spec.weight, spec.bias = tensors[f"{at}.weight"], tensors[f"{at}.bias"]


def _norm(spec: Any, tensors: Tensors, at: str) -> None:
    spec.gamma, spec.beta = tensors[f"{at}.weight"], tensors[f"{at}.bias"]
