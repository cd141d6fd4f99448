"""The command line. Exit status: 0 answered, 3 abstained or partial, 1 failed, 2 wrong usage."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ...errors import InputError, SufficeError
from . import (
    add,
    ask,
    cache,
    calibrate,
    chat,
    compare,
    eval,  # noqa: A004 - named as the command is
    graph,
    mcp,
    push,
    serve,
    status,
)

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

GRAPH_NOTE = "During task with name"
"""How a note begins that LangGraph adds to every error: of no use to whoever asked."""

app = typer.Typer(
    name="suffice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("add")(add.command)
app.command("ask")(ask.command)
app.command("eval")(eval.command)
app.command("compare")(compare.command)
app.command("calibrate")(calibrate.command)
app.command("chat")(chat.command)
app.command("serve")(serve.command)
app.command("status")(status.command)
app.command("graph")(graph.command)
app.command("mcp")(mcp.command)
app.command("push")(push.command)
app.command("cache")(cache.command)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"suffice {version('suffice')}\n")
        raise typer.Exit


@app.callback()
def before(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print it.")
    ] = False,
) -> None:
    """Search your documents until the evidence suffices, and say so when it does not."""


def main() -> None:
    """Run the command line; every expected error becomes one plain line."""
    for stream in (sys.stdout, sys.stderr):
        # A quote may hold what this terminal's encoding cannot show.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        status = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has left (`suffice … | head`): not an error, and nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    sys.exit(status)


def _run() -> int:
    """Run the command that was given and return the exit status."""
    try:
        app()
    except InputError as error:
        return _fail(error, WRONG_USAGE)
    except SufficeError as error:
        return _fail(error, FAILED)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if status == INTERRUPTED:
            sys.stderr.write("\nstopped; what was acknowledged is kept\n")
        return status
    return 0


def _fail(error: SufficeError, status: int) -> int:
    """Print an error in one plain line, with what was noted on it."""
    notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith(GRAPH_NOTE)]
    for line in (str(error), *notes):
        sys.stderr.write(f"suffice: {line}\n")
    return status
