"""Prompts: one Markdown file each, with its reply schema beside it.

A file has two parts, parted by a line `---`: the instructions, which never change and
so can be cached by a provider, and the request, whose `{placeholders}` are filled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..errors import PromptError

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "contextualize": frozenset({"history", "question"}),
    "plan": frozenset({"question", "fields", "searches", "evidence"}),
    "judge": frozenset({"question", "parts", "fields", "searches", "evidence"}),
    "write": frozenset({"question", "findings", "evidence"}),
    "support": frozenset({"question", "claims"}),
    "grade": frozenset({"question", "answers", "answer"}),
    "draft": frozenset({"answerable", "unanswerable", "title", "passage"}),
    "rerank": frozenset({"question", "evidence"}),
}
"""What each prompt is filled with; a file must hold all of them and no others."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PARTING = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent: `system` is the same in every call, `user` is this request."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt file, checked. `origin` says where it was read from."""

    name: str
    system: str
    user: str
    origin: str

    def fill(self, **values: str) -> Prompt:
        """Return the prompt with its placeholders filled; values are not filled again."""
        return Prompt(self.system, _PLACEHOLDER.sub(lambda match: values[match[1]], self.user))


def load(name: str, override_dir: str | Path | None = None) -> Template:
    """Read a prompt, from `override_dir` where that has a file of this name.

    Raises:
        PromptError: no such prompt, not the two parts, or a placeholder unknown or missing.
    """
    if name not in PLACEHOLDERS:
        raise PromptError(f'no prompt is called "{name}"; there are: {", ".join(PLACEHOLDERS)}')
    own = Path(override_dir) / f"{name}.md" if override_dir else None
    if own is not None and own.is_file():
        return _parse(name, _read(own), str(own))
    return _parse(
        name, (files(__package__) / f"{name}.md").read_text("utf-8"), f"prompts/{name}.md"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"the prompt {path} cannot be read: {error}") from error


def _parse(name: str, text: str, origin: str) -> Template:
    parts = _PARTING.split(text)
    if len(parts) != 2:
        raise PromptError(
            f"{origin} must have two parts, instructions and request, parted by one line ---; "
            f"it has {len(parts)}"
        )
    system, user = (part.strip() for part in parts)
    _check(name, system, user, origin)
    return Template(name, system, user, origin)


def _check(name: str, system: str, user: str, origin: str) -> None:
    known, found = PLACEHOLDERS[name], set(_PLACEHOLDER.findall(user))
    early = sorted(set(_PLACEHOLDER.findall(system)) & known)
    if early:
        raise PromptError(
            f"{origin}: {{{early[0]}}} stands in the instructions; what changes from call to "
            "call belongs below the line ---"
        )
    if unknown := sorted(found - known):
        raise PromptError(
            f"{origin}: nothing fills {{{unknown[0]}}}; known are: {', '.join(sorted(known))}"
        )
    if missing := sorted(known - found):
        raise PromptError(f"{origin}: {{{missing[0]}}} is missing below the line ---")
