"""Files to documents, documents to passages, passages into a store."""

from .chunk import MAX_CHARS, chunk, embedding_text
from .load import Loaded, load, loader_for, register
from .pipeline import add
from .prepare import Enrich
from .progress import Progress
from .protocol import LARGEST_FILE, Loader
from .scan import Scan, Source, SourceFile, scan

__all__ = [
    "LARGEST_FILE",
    "MAX_CHARS",
    "Enrich",
    "Loaded",
    "Loader",
    "Progress",
    "Scan",
    "Source",
    "SourceFile",
    "add",
    "chunk",
    "embedding_text",
    "load",
    "loader_for",
    "register",
    "scan",
]
