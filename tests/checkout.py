"""A clean checkout of this working tree, and fresh environments to try it in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def clean_checkout(place: Path) -> Path:
    """Copy what a clone would hold, with what is not committed yet, to `place`."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    return place


def fresh_environment(place: Path) -> Path:
    """Make an empty virtual environment and return its folder of commands."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    return place / "bin"


def variables(bin_folder: Path, **more: str) -> dict[str, str]:
    """Return what a fresh shell would have with the environment's commands first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SUFFICE_", "VIRTUAL_ENV", "UV_PROJECT", "UV_RUN", "PYTEST"))
        and not name.endswith("_API_KEY")
    }
    return {**kept, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", **more}


def run(
    *command: str | Path, cwd: Path, env: dict[str, str], status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command that has to end with `status`; what it printed is shown where it does not."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done
