"""`suffice cache`: what is kept of providers' answers, and a way to forget it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .options import Json, print_json


def command(
    clear: Annotated[bool, typer.Option("--clear", help="Forget everything that is kept.")] = False,
    json: Json = False,
) -> None:
    """Show how much is kept of what models, embedders and rerankers answered, or clear it."""
    from ..parts import open_cache

    cache = open_cache()
    try:
        size = cache.clear() if clear else cache.size()
    finally:
        cache.close()
    if json:
        print_json({"path": str(cache.path), "entries": size.entries, "bytes": size.bytes})
        return
    done = "cleared" if clear else "kept"
    line = f"{size.entries} answers {done}, {size.bytes / 1e6:.1f} MB, in {cache.path}\n"
    sys.stdout.write(line)
