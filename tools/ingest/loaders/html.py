"""HTML to its text, with headings, lists, tables and code kept as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...types import Document
from ..decoding import decode, normal_lines
from ..metadata import path_metadata
from ..protocol import LARGEST_FILE
from ..scan import SourceFile
from .plaintext import stem

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I)
_DROPPED = (
    "script, style, noscript, template, nav, aside, iframe, object, svg, canvas, head, "
    "button, input, select, textarea, dialog, body > header, body > footer, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [hidden]"
)
_BLOCK_TAGS = (
    "address article blockquote body details dd div dl dt fieldset figcaption figure footer form "
    "header hr html main ol p pre section summary table tr td th ul caption"
)
_LINE_TAGS = ("br", "dd", "dt")
_BLOCKS = frozenset(_BLOCK_TAGS.split()).difference(_LINE_TAGS)
_HEADINGS = {f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)}
_OPENS = (
    dict.fromkeys(_BLOCKS, "\n\n") | dict.fromkeys(_LINE_TAGS, "\n") | _HEADINGS | {"li": "\n- "}
)
_BREAKS = _OPENS.keys() | {"pre"}
_CELL_OPENS = {"tr": "\n|", "td": " ", "th": " ", "caption": "", "pre": " "}
_CELL_CLOSES = {"td": " |", "th": " |", "caption": "\n"}
_NO_CELL = "table, h1, h2, h3, h4, h5, h6, ul, ol, pre"
_SITE = re.compile(r"\s*(?:$|[-|–—·:»])")
_SPACES = re.compile(r"\s+")


class Html:
    """The words of the page, without scripts, navigation and the like.

    The title is the page's; its first H1 where the page's title only adds a site's name.
    """

    suffixes = (".html", ".htm", ".xhtml")
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document]:
        """Yield one Document; offsets refer to the extracted text."""
        from selectolax.lexbor import LexborHTMLParser

        tree = LexborHTMLParser(_decoded(data))
        named = _words(tree.css_first("title"))
        for node in tree.css(_DROPPED):
            node.decompose()
        main = _main(tree)
        title = _title(named, _words(main.css_first("h1")))
        text = _Writer().write(main)
        if not text:
            raise ValueError("has no text (a page that a script fills in a browser?)")
        yield Document(
            text=text,
            title=title or stem(file),
            source=file.path,
            metadata=path_metadata(file),
        )


def _decoded(data: bytes) -> str:
    """Decode by the byte order mark, as UTF-8, or as what the page says it is."""
    try:
        return decode(data)
    except ValueError:
        said = _CHARSET.search(data[:4096])
        if said is None:
            raise
        name = said[1].decode("ascii").lower()
        # What calls itself Latin-1 on the web is Windows-1252, by the WHATWG's rule.
        name = "windows-1252" if name in ("iso-8859-1", "latin1", "ascii", "us-ascii") else name
        try:
            return normal_lines(data.decode(name))
        except (LookupError, UnicodeDecodeError):
            raise ValueError(f"says it is {name}, and is not; save it as UTF-8") from None


def _words(node: Any) -> str:
    return _SPACES.sub(" ", node.text()).strip() if node else ""


def _title(named: str, heading: str) -> str:
    """Return the page's title without the site's name, if its first heading tells them apart."""
    rest = named.removeprefix(heading)
    return heading if heading and _SITE.match(rest) else named


def _main(tree: Any) -> Any:
    main = tree.css("main, [role=main]")
    if len(main) == 1 and main[0].text(strip=True):
        return main[0]
    return tree.body or tree.root


class _Writer:
    """Writes a tree as text: one walk, with a stack of its own as pages nest deeply."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.preformatted = 0
        self.tables: list[bool] = []
        """Of each table around the node: whether it holds data, and not the page's layout."""

    def write(self, root: Any) -> str:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, closing = stack.pop()
            if closing:
                self._close(node.tag)
            elif node.tag == "-text":
                self._text(node.text(deep=False) or "")
            elif node.tag and not node.tag.startswith(("-", "_", "!")):
                self._open(node)
                stack.append((node, True))
                children = list(node.iter(include_text=True))
                stack.extend((child, False) for child in reversed(children))
        return _tidy("".join(self.parts))

    def _text(self, text: str) -> None:
        self.parts.append(text if self.preformatted else _SPACES.sub(" ", text))

    def _open(self, node: Any) -> None:
        tag = node.tag
        if tag == "table":
            self.tables.append(len(node.css(_NO_CELL)) <= len(node.css("table")[:1]))
            self.parts.append("\n\n")
        elif self.tables and self.tables[-1]:
            self.parts.append(_CELL_OPENS.get(tag, " " if tag in _BREAKS else ""))
        elif tag == "pre":
            self.preformatted += 1
            self.parts.append("\n\n```\n")
        else:
            self.parts.append(_OPENS.get(tag, ""))

    def _close(self, tag: str) -> None:
        if tag == "table":
            self.tables.pop()
            self.parts.append("\n\n")
        elif self.tables and self.tables[-1]:
            self.parts.append(_CELL_CLOSES.get(tag, " " if tag in _BREAKS else ""))
        elif tag == "pre":
            self.preformatted -= 1
            self.parts.append("```\n\n" if self.parts[-1].endswith("\n") else "\n```\n\n")
        elif tag in _BLOCKS or tag in _HEADINGS:
            self.parts.append("\n\n")


_EDGES = re.compile(r"[ \t]*\n[ \t]*")
_ITEM = re.compile(r"^-\n+(?=[^\n-])", re.M)
_MANY = re.compile(r"\n{3,}")
_PREFORMATTED = re.compile(r"(^```\n.*?^```$)", re.S | re.M)


def _tidy(text: str) -> str:
    """Take away the white space that markup left behind, outside preformatted text."""
    parts = _PREFORMATTED.split(text)
    for i in range(0, len(parts), 2):
        part = re.sub(r"[ \t]{2,}", " ", _EDGES.sub("\n", parts[i]))
        parts[i] = _MANY.sub("\n\n", _ITEM.sub("- ", part))
    return "".join(parts).strip()
