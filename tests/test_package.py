"""The package as it is installed: nothing forgotten, nothing heavy, imports that go down."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import suffice

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]

NOT_SHIPPED = {"tests", "examples", "benchmarks", "docs", "build", "dist", "node_modules"}
FLOORS = {"errors": 0, "prompts": 1, "tools": 2, "graphs": 3, "agent": 4}
ROOF = 5
HEAVY = {
    "anthropic",
    "ctranslate2",
    "fastapi",
    "huggingface_hub",
    "langgraph",
    "numpy",
    "openai",
    "pydantic",
    "qdrant_client",
    "qdrant_edge",
    "rich",
    "tokenizers",
    "typer",
    "uvicorn",
    "yaml",
}


def shipped() -> Iterator[Path]:
    """Yield every file of the package, as a path below the root."""
    for path in sorted(ROOT.iterdir()):
        if path.name.startswith(".") or path.name in NOT_SHIPPED or path.suffix == ".egg-info":
            continue
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
            yield from (p.relative_to(ROOT) for p in sorted(inside))
        elif path.suffix in (".py", ".typed"):
            yield path.relative_to(ROOT)


def name_of(path: Path) -> str:
    """Return the package a file below the root belongs to."""
    return ".".join(("suffice", *path.parent.parts))


# What is shipped


def test_no_sub_package_is_forgotten() -> None:
    found = {name_of(path) for path in shipped() if path.suffix == ".py"}
    assert sorted(SETUPTOOLS["packages"]) == sorted(found)


def test_every_folder_of_the_package_has_an_init() -> None:
    folders = {path.parent for path in shipped() if path.suffix == ".py"}
    assert [str(f) for f in folders if not (ROOT / f / "__init__.py").exists()] == []


def test_no_data_file_is_forgotten() -> None:
    globs = SETUPTOOLS["package-data"]
    data = [path for path in shipped() if path.suffix != ".py"]
    forgotten = [
        str(path)
        for path in data
        if not any(fnmatch(path.name, glob) for glob in globs.get(name_of(path), ()))
    ]
    assert forgotten == []
    assert Path("py.typed") in data
    assert {path.name for path in data if path.parent == Path("prompts")} >= {"plan.md", "write.md"}


def test_the_version_is_one() -> None:
    assert suffice.__version__ == PROJECT["project"]["version"]
    assert importlib.metadata.version("suffice") == suffice.__version__
    assert f"## {suffice.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_dependencies_are_bounded_on_both_sides() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    every = [*PROJECT["project"]["dependencies"], *(need for extra in extras for need in extra)]
    assert [need for need in every if ">=" not in need or "<" not in need] == []


def test_no_lock_file_and_nothing_machine_made_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [Path(name).name for name in listed.stdout.splitlines()]
    assert {"uv.lock", "package-lock.json", ".DS_Store"}.isdisjoint(names)
    assert not [name for name in names if name.endswith((".pyc", ".safetensors", ".bin"))]


# The face


def test_every_public_name_is_there() -> None:
    for name in suffice.__all__:
        assert getattr(suffice, name) is not None
    assert set(suffice.__all__) <= set(dir(suffice))
    assert {"Agent", "Answer", "Corpus", "Document", "Settings", "SufficeError"} <= set(
        suffice.__all__
    )


def test_the_face_tells_type_checkers_the_same_as_python() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    typed = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert typed == set(suffice.__all__) - {"__version__"}


def test_every_error_is_on_the_face() -> None:
    from suffice import errors

    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes <= {*suffice.__all__, "Any"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Agnet"):
        _ = suffice.Agnet


# What is imported, and when


def modules_after(*code: str) -> set[str]:
    """Run code in a fresh process and return the top-level modules it has loaded."""
    script = "\n".join(
        [
            *code,
            "import sys, json",
            "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_suffice_loads_nothing_heavy() -> None:
    assert HEAVY.isdisjoint(modules_after("import suffice"))


def test_the_help_of_the_command_line_loads_no_engine_and_no_graph() -> None:
    loaded = modules_after("import suffice.agent.cli")
    assert (HEAVY - {"pydantic", "rich", "typer"}).isdisjoint(loaded)


def test_opening_an_agent_loads_no_provider() -> None:
    loaded = modules_after(
        "import tempfile, suffice",
        "place = tempfile.mkdtemp()",
        "with suffice.Agent(place, embedder='none', small='none') as agent: pass",
    )
    assert {"openai", "anthropic", "qdrant_client", "torch", "transformers"}.isdisjoint(loaded)


# Imports go down


def modules() -> Iterator[tuple[tuple[str, ...], Path]]:
    """Yield each module of the package with its dotted path below the package."""
    for path in shipped():
        if path.suffix == ".py":
            parts = path.with_suffix("").parts
            yield (parts[:-1] if parts[-1] == "__init__" else parts), ROOT / path


def imports(path: Path, *, typing_too: bool = True) -> Iterator[tuple[str, ...] | str]:
    """Yield what a module imports: paths below the package, and names of other packages."""
    package = path.relative_to(ROOT).parent.parts
    for node in _statements(ast.parse(path.read_text("utf-8")), typing_too):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                deeper = ROOT.joinpath(*base, alias.name)
                inside = deeper.is_dir() or deeper.with_suffix(".py").exists()
                yield (*base, alias.name) if inside else base


def _statements(tree: ast.AST, typing_too: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if (
            isinstance(node, ast.If)
            and "TYPE_CHECKING" in ast.unparse(node.test)
            and not typing_too
        ):
            continue
        yield node
        yield from _statements(node, typing_too)


def floor(module: tuple[str, ...]) -> int:
    return FLOORS.get(module[0], ROOF) if module else ROOF


def test_imports_go_down_only() -> None:
    upward = [
        f"{'.'.join(module)} imports {'.'.join(target) or 'the face'}"
        for module, path in modules()
        for target in imports(path)
        if isinstance(target, tuple) and floor(target) > floor(module)
    ]
    assert upward == []


def test_inside_the_package_imports_are_relative() -> None:
    absolute = [str(path) for _, path in modules() if "suffice" in set(imports(path))]
    assert absolute == []


def room(module: tuple[str, ...]) -> str:
    return ".".join(module[:2])


def test_the_rooms_of_tools_form_no_circle() -> None:
    below: dict[str, set[str]] = {}
    for module, path in modules():
        if module[:1] == ("tools",) and len(module) > 1:
            targets = {
                room(target)
                for target in imports(path, typing_too=False)
                if isinstance(target, tuple) and target[:1] == ("tools",)
            }
            below.setdefault(room(module), set()).update(targets - {room(module)})
    order = list(TopologicalSorter(below).static_order())
    assert order.index("tools.types") < order.index("tools.store") < order.index("tools.search")


def test_everything_imported_is_declared() -> None:
    declared = {
        need.split(">=")[0].split("[")[0].lower().replace("_", "-")
        for group in (
            PROJECT["project"]["dependencies"],
            *PROJECT["project"]["optional-dependencies"].values(),
        )
        for need in group
    }
    owners = importlib.metadata.packages_distributions()
    missing = set()
    for module, path in modules():
        for name in imports(path):
            if not isinstance(name, str) or name in sys.stdlib_module_names or name == "suffice":
                continue
            owned = {owner.lower().replace("_", "-") for owner in owners.get(name, [name])}
            if not owned & declared:
                missing.add(f"{'.'.join(module)} imports {name}")
    assert sorted(missing) == []


# Where it is used


def test_a_folder_with_its_own_tools_and_agent_is_no_trap(tmp_path: Path) -> None:
    for name in ("tools", "agent", "graphs", "prompts"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('{name} of the user')")
    (tmp_path / "errors.py").write_text("raise SystemExit('errors of the user')")
    for command in (["-m", "suffice", "graph"], ["-c", "from suffice import Agent, Corpus"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
