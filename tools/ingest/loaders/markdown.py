"""Markdown, with YAML (---) or TOML (+++) front matter."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ...types import Document, Failure
from ..decoding import decode
from ..metadata import flat_metadata, path_metadata
from ..protocol import LARGEST_FILE
from ..scan import SourceFile
from .plaintext import stem

_FRONT = re.compile(
    r"(?P<fence>---|\+\+\+)[ \t]*\n(?P<body>.*?)^(?:(?P=fence)|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M
)
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.S | re.M)
_H1 = re.compile(r"^(?:#[ \t]+(?P<atx>\S.*)|(?P<setext>\S.*)\n=+[ \t]*)$", re.M)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")


class Markdown:
    """The text after the front matter; the title is the front matter's, or the first H1."""

    suffixes = (".md", ".markdown", ".mdx", ".mdown", ".qmd", ".rmd")
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document | Failure]:
        """Yield one Document, and a Failure where the front matter had to stay text."""
        text = decode(data)
        front, body, trouble = front_matter(text)
        title = _taken_title(front) or first_heading(body) or stem(file)
        metadata = {**path_metadata(file), **front}
        yield Document(text=body, title=title, source=file.path, metadata=metadata)
        if trouble:
            yield Failure(source=file.path, reason=f"{trouble}; it went in as text")


def front_matter(text: str) -> tuple[dict[str, Any], str, str]:
    """Return what the front matter says, flattened, the text after it, and what is wrong with it.

    Front matter that cannot be read stays in the text. A first line of three dashes
    that nothing closes is a rule, not front matter.
    """
    match = _FRONT.match(text)
    if match is None:
        return {}, text, ""
    try:
        values = tomllib.loads(match["body"]) if match["fence"] == "+++" else _yaml(match["body"])
        if isinstance(values, str):  # prose between two rules
            return {}, text, ""
        front = _checked(values)
    except (ValueError, RecursionError) as error:
        return {}, text, f"its front matter cannot be read ({error})"
    return front, text[match.end() :], ""


def _taken_title(front: dict[str, Any]) -> str:
    if isinstance(front.get("title"), (str, int, float)):
        return str(front.pop("title")).strip()
    return ""


def first_heading(text: str) -> str:
    """Return the first level-one heading outside code fences, or ""."""
    match = _H1.search(_FENCED.sub("", text) if "```" in text or "~~~" in text else text)
    if match is None:
        return ""
    heading = (match["atx"] or match["setext"]).strip().rstrip("#").strip()
    return _LINK.sub(r"\1", heading).replace("`", "").replace("**", "")


def _checked(values: Any) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise ValueError("it is not a list of keys and values")
    return flat_metadata(values)


def _yaml(body: str) -> Any:
    import yaml

    try:
        return yaml.load(body, Loader=_yaml_loader())  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ValueError(f"not YAML{where}: {getattr(error, 'problem', None) or error}") from None


@cache
def _yaml_loader() -> Any:
    """Return a safe loader that reads scalars as YAML 1.2 does.

    By the rules of 1.1 `no` is false, 12:30 is 750 and 007 is octal: not what people mean.
    """
    import yaml

    # The one in C is ten times as fast; a build of PyYAML may lack it.
    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class FrontMatterLoader(safe):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012
            first: [(tag, rule) for tag, rule in rules if tag not in _REPLACED]
            for first, rules in safe.yaml_implicit_resolvers.items()
        }

    for tag, rule, first in _SCALARS:
        FrontMatterLoader.add_implicit_resolver(tag, re.compile(rule), list(first))
    return FrontMatterLoader


_REPLACED = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_SCALARS = (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?$",
        "-+.0123456789",
    ),
)
