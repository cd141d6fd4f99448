"""What files of well-known types are that cannot be read, so that a report can say it."""

from __future__ import annotations

_KINDS = {
    "a PDF": ".pdf",
    "an office document": ".doc .docx .odt .rtf .pages .ppt .pptx .odp .key",
    "a spreadsheet": ".xls .xlsx .ods .numbers",
    "an e-book": ".epub .mobi .azw3",
    "an image": ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .heic .psd",
    "a sound": ".mp3 .wav .flac .ogg .m4a .aac",
    "a video": ".mp4 .mov .avi .mkv .webm",
    "an archive": ".zip .tar .gz .tgz .bz2 .xz .zst .7z .rar .jar .whl",
    "a program or a library": ".exe .dll .so .dylib .o .a .class .pyc .pyd .wasm .bin",
    "a database": ".db .sqlite .sqlite3 .parquet .arrow .feather .pkl .npy .npz .h5",
    "a font": ".ttf .otf .woff .woff2 .eot",
}

UNREADABLE = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
"""Suffix to the words for it."""
