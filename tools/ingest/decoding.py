"""Bytes to text, or a plain word on why not."""

from __future__ import annotations

import codecs

# UTF-32's little-endian mark starts with UTF-16's, so it is looked for first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Return the text of a file, without byte order mark and with \\n at its line ends.

    That is what `open(path).read()` gives too, so offsets into one hold in the other.
    UTF-8, and UTF-16 and UTF-32 where a mark says so. An 8-bit encoding is not guessed:
    a wrong guess puts words in the corpus that nobody wrote.

    Raises:
        ValueError: the bytes are binary, or in an encoding that has to be told.
    """
    mark, encoding = next(
        ((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    body = data[len(mark) :]
    if not mark and b"\0" in body:
        raise ValueError("is a binary file, not text")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(_undecodable(body, encoding, error)) from None
    return normal_lines(text)


def normal_lines(text: str) -> str:
    """Return `text` with \\n at its line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _undecodable(body: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    if encoding != "utf-8":
        return f"is not valid {encoding.upper()} as its mark says; save it as UTF-8"
    start = body[:4096]
    if sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start) > len(start) // 100:
        return "is a binary file, not text"
    line = body.count(b"\n", 0, error.start) + 1
    return (
        f"is not valid UTF-8: byte 0x{body[error.start]:02x} in line {line}. Save it as UTF-8, "
        "for example with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )
