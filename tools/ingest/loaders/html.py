"""HTML to its text, with headings, lists, tables and code kept as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...types import Document
from ..decoding import decode, normal_lines
from ..load import LARGEST_FILE
from ..metadata import path_metadata
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
    "header hr html li main ol p pre section summary table tbody tfoot thead tr ul caption"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_SPACES = re.compile(r"\s+")


class Html:
    """The words of the page, without scripts, navigation and the like.

    The title is the page's; its first H1 where the page's title only adds a site's name.
    """

    suffixes: tuple[str, ...] = (".html", ".htm", ".xhtml")
    largest = LARGEST_FILE

    def count(self, data: bytes) -> int:
        """Return 1."""
        return 1

    def load(self, file: SourceFile, data: bytes) -> Iterator[Document]:
        """Yield one Document; offsets refer to the extracted text."""
        from selectolax.lexbor import LexborHTMLParser

        tree = LexborHTMLParser(_decoded(data))
        title = _title(tree)
        for node in tree.css(_DROPPED):
            node.decompose()
        text = _Writer().write(_main(tree))
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


def _title(tree: Any) -> str:
    found = tree.css_first("title")
    title = _SPACES.sub(" ", found.text()).strip() if found else ""
    first = tree.css_first("h1")
    heading = _SPACES.sub(" ", first.text()).strip() if first else ""
    return heading if heading and (not title or heading in title) else title


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

    def write(self, root: Any) -> str:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, closing = stack.pop()
            if closing:
                self._close(node.tag)
            elif node.tag == "-text":
                self._text(node.text(deep=False) or "")
            elif node.tag and not node.tag.startswith(("-", "_", "!")):
                self._open(node.tag)
                stack.append((node, True))
                stack.extend(
                    (child, False) for child in reversed(list(node.iter(include_text=True)))
                )
        return _tidy("".join(self.parts))

    def _text(self, text: str) -> None:
        self.parts.append(text if self.preformatted else _SPACES.sub(" ", text))

    def _open(self, tag: str) -> None:
        if tag in _HEADINGS:
            self.parts.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "pre":
            self.preformatted += 1
            self.parts.append("\n\n```\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "tr":
            self.parts.append("\n|")
        elif tag in ("td", "th"):
            self.parts.append(" ")
        elif tag in ("br", "dd", "dt"):
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag not in ("tbody", "thead", "tfoot") else "")

    def _close(self, tag: str) -> None:
        if tag == "pre":
            self.preformatted -= 1
            self.parts.append("\n```\n\n")
        elif tag in ("td", "th"):
            self.parts.append(" |")
        elif tag in _HEADINGS or (tag in _BLOCKS and tag not in _TIGHT):
            self.parts.append("\n\n")


_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_TIGHT = frozenset(("li", "tr", "tbody", "thead", "tfoot", "dd", "dt"))
_EDGES = re.compile(r"[ \t]*\n[ \t]*")
_MANY = re.compile(r"\n{3,}")
_PREFORMATTED = re.compile(r"(^```\n.*?^```$)", re.S | re.M)


def _tidy(text: str) -> str:
    """Take away the white space that markup left behind, outside preformatted text."""
    parts = _PREFORMATTED.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = _MANY.sub("\n\n", re.sub(r"[ \t]{2,}", " ", _EDGES.sub("\n", parts[i])))
    return "".join(parts).strip()
