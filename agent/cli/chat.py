"""`suffice chat`: a conversation on the terminal, or line by line through a pipe."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import InputError
from ...tools.types import Answer, Where
from ..corpus import Corpus
from ..settings import Settings
from .options import Config, CorpusPlace, Embedder, Json, parse_where
from .screen import line, screen
from .show import show_answer, show_question, show_step

if TYPE_CHECKING:
    from ...graphs.events import Event
    from ..sdk import Agent

HELP = "Ask; /new begins another conversation, /quit ends this one; Ctrl-C stops an answer."


def command(
    corpus: CorpusPlace = None,
    thread: Annotated[
        str | None, typer.Option("--thread", help="Go on with a conversation of this name.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", help="Narrow by metadata: year>=2021, team=pilots, or JSON."),
    ] = None,
    small: Annotated[str | None, typer.Option(help="Model that plans and judges.")] = None,
    writer: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="iterative or single_pass.")] = None,
    embedder: Embedder = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask one question after the other; a follow-up is understood from what came before."""
    settings = Settings.load(
        config, corpus=corpus, small=small, writer=writer, strategy=strategy, embedder=embedder
    )
    narrowed = parse_where(where or [])
    from ..sdk import Agent

    with (
        Corpus.open(settings.corpus, settings=settings, create=False) as opened,
        Agent(opened) as agent,
    ):
        talk = Chat(agent, narrowed, thread, as_json=json)
        if sys.stdin.isatty() and not json:
            screen(errors=True).print(line(HELP, style="dim"))
        for said in _lines():
            if not talk.hear(said):
                break


class Chat:
    """One conversation: hears a line at a time, and shows what comes of it."""

    def __init__(
        self, agent: Agent, where: Where | None, thread: str | None, *, as_json: bool
    ) -> None:
        self._agent = agent
        self._where = where
        self._json = as_json
        self._thread = thread or _fresh()
        self._commands: dict[str, Callable[[], bool]] = {
            "/new": self._begin_anew,
            "/quit": lambda: False,
            "/exit": lambda: False,
            "/help": self._help,
        }

    def hear(self, said: str) -> bool:
        """Do what a line asks for; return False at the end of the conversation."""
        text = said.strip()
        if not text:
            return True
        if text.startswith("/"):
            return self._commands.get(text.split()[0], self._help)()
        try:
            self._ask(text)
        except KeyboardInterrupt:
            screen(errors=True).print(line("stopped", style="dim"))
        except InputError as error:
            screen(errors=True).print(line(f"suffice: {error}", style="yellow"))
        return True

    def _ask(self, text: str) -> None:
        events = self._agent.stream(text, where=self._where, thread=self._thread)
        if self._json:
            for event in events:
                sys.stdout.write(event.model_dump_json() + "\n")
                sys.stdout.flush()
            return
        console = screen()
        show_answer(console, _watched(events))
        console.print()
        sys.stdout.flush()

    def _begin_anew(self) -> bool:
        self._thread = _fresh()
        screen(errors=True).print(line("a new conversation", style="dim"))
        return True

    def _help(self) -> bool:
        screen(errors=True).print(line(HELP, style="dim"))
        return True


def _watched(events: Iterator[Event]) -> Answer:
    """Show the steps of a run on standard error as they come, and return its answer."""
    console = screen(errors=True)
    for event in events:
        if event.type == "run_finished":
            return event.answer
        show_question(console, event)
        if console.is_terminal:
            show_step(console, event)
    raise RuntimeError("the run ended without an answer")


def _lines() -> Iterator[str]:
    """Yield the lines that are typed or piped in. Ctrl-C at the prompt clears the line."""
    watched = sys.stdin.isatty()
    if watched:
        _edit_lines()
    while True:
        try:
            if watched:
                sys.stderr.write("\n")
                yield input("› ")
            elif not (piped := sys.stdin.readline()):
                return
            else:
                yield piped
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _edit_lines() -> None:
    """Let a person edit the line and recall earlier ones, where the system can."""
    try:
        import readline  # noqa: F401 - input() uses it once it is loaded
    except ImportError:
        return


def _fresh() -> str:
    return f"chat-{secrets.token_hex(6)}"
