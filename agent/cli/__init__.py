"""The command line. Exit status: 0 answered, 3 abstained or partial, 1 failed, 2 wrong usage."""

from __future__ import annotations

import os
import sys

import typer

from ...errors import InputError, SufficeError
from . import add, ask, graph, status
from .options import fail

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="suffice",
    help="Searches your documents until the evidence suffices, and says so when it does not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("add")(add.command)
app.command("ask")(ask.command)
app.command("status")(status.command)
app.command("graph")(graph.command)


def main() -> None:
    """Run the command line; every expected error becomes one plain line."""
    try:
        app()
    except InputError as error:
        fail(error, WRONG_USAGE)
    except SufficeError as error:
        fail(error, FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; what was acknowledged is kept\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has left (`suffice … | head`): not an error, and nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
