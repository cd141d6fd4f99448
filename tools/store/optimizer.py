"""Tidying the shards of a folder, and building the graph of a large one.

The engine reclaims deleted points in moments, but building the graph of many vectors
takes minutes, in which it would stop everything else in the process. So that is done
by a process of its own, on a copy, while searches go on; only writers wait.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from ...errors import StoreError
from .disk import require_space, size_of
from .folder import Folder, release, share

_BUILD = """
import sys, qdrant_edge
shard = qdrant_edge.EdgeShard.load(sys.argv[1])
shard.optimize()
shard.close()
"""


def optimize(folder: Folder) -> None:
    """Let the engine do what it finds worth while. Takes a turn at writing."""
    share(folder)
    try:
        with folder.turn():
            if not _graph_is_due(folder):
                with folder.gate.shared():
                    folder.passages.optimize()
                    folder.documents.optimize()
                return
            better = _copy(folder)
            _build(folder.path, better)
            with folder.gate.alone():
                folder.adopt_passages(better)
    finally:
        release(folder)


def _graph_is_due(folder: Folder) -> bool:
    """Whether there are more vectors outside the graph than are compared one by one.

    The engine counts vectors that are indexed: each sparse one, and the dense in the graph.
    """
    with folder.gate.shared():
        info = folder.passages.info()
    outside = 2 * info.points_count - info.indexed_vectors_count
    return outside * folder.manifest.dimensions * 4 > folder.exact_search_kb * 1024


def _copy(folder: Folder) -> Path:
    """Copy the passages as they are. Nobody writes, for this is our turn."""
    better = folder.path / "passages-new"
    with folder.gate.shared():
        folder.passages.flush()
        require_space(folder.path, 2 * size_of(folder.path / "passages"))
        shutil.rmtree(better, ignore_errors=True)
        shutil.copytree(folder.path / "passages", better)
    return better


def _build(path: Path, better: Path) -> None:
    done = subprocess.run(  # noqa: S603  our own interpreter, our own program
        [sys.executable, "-c", _BUILD, str(better)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(better, ignore_errors=True)
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise StoreError(
            f'the index of "{path}" could not be built: {said}. The corpus is unharmed;'
            " searching it is slower than it could be"
        )
