"""`charlm play`: a text written in turns, by a person and by a model."""

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from charlm.cli.display.text import TextWriter, may_colour, print_error, print_line
from charlm.cli.interrupts import Terminated, interruptible
from charlm.cli.options import settings_options
from charlm.cli.parameters import Run
from charlm.cli.settings import section_config
from charlm.cli.startup import fast_imports
from charlm.config import SamplingConfig, validate
from charlm.errors import CharlmError, ConfigError
from charlm.files.writing import write_atomically
from charlm.runs.reporting import StopRequest
from charlm.runs.stored.workspace import Workspace

if TYPE_CHECKING:
    from prompt_toolkit.output import Output

    from charlm.generation.conversation import Conversation

_SETTINGS = set(SamplingConfig.model_fields) - {"num_samples"}

_COMMANDS = {
    "/temperature": "/temperature X   draw with this temperature from now on",
    "/again": "/again           write another answer in place of the last one",
    "/undo": "/undo            take the last turn back",
    "/surprise": "/surprise        show how much each character of the last turn surprised the model",
    "/save": "/save FILE       write the whole text into a new file",
    "/help": "/help            show this list",
    "/quit": "/quit            end, as Ctrl-D does",
}
_HINT = (
    "Type the beginning of a text; Enter lets the model go on.\nAlt-Enter begins a line, Ctrl-C stops it; /help, /quit."
)


@settings_options((SamplingConfig, _SETTINGS))
def play(*, flags: Mapping[str, Any], run: Run) -> None:
    """Goes on from what you type, in turns with the model of RUN.

    The model keeps what it has read, so that it answers at once however long the text. Ctrl-C stops an answer, Enter
    alone goes on with it. Lines that begin with a slash are commands: /temperature X, /again, /undo, /surprise,
    /save FILE, /help, /quit; two slashes begin a text with one.
    """
    settings = section_config(SamplingConfig, flags)
    if importlib.util.find_spec("prompt_toolkit") is None:
        raise ConfigError("charlm play needs prompt_toolkit; install it with: pip install 'charlm[play]'")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("charlm play needs a terminal; charlm sample RUN --prompt TEXT writes without one.")

    with fast_imports():
        from charlm.runs.sample import converse, resolve_seed

        conversation, note = converse(run, settings, Workspace(), seed=resolve_seed(settings))
    if note is not None:
        print_line(note, sys.stderr)
    print_line(_HINT, sys.stderr)
    talk(conversation, _line_reader())


def talk(conversation: "Conversation", read_line: Callable[[], str]) -> None:
    """Reads lines and answers them until there are no more.

    Args:
        read_line: returns the next line; raises EOFError at the end, and KeyboardInterrupt on Ctrl-C.
    """
    turns = _Turns(conversation)
    while True:
        try:
            line = read_line()
            if line.strip() == "/quit":
                return
            turns.take(line)
        except EOFError:
            return
        except Terminated:
            raise
        except KeyboardInterrupt:
            print_line("Ctrl-D or /quit ends.", sys.stderr)
        except CharlmError as error:
            print_error(str(error))


def _line_reader() -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    bindings = KeyBindings()

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    completer = WordCompleter(list(_COMMANDS), sentence=True)
    # What was typed is erased, and written again as a part of the text.
    session: PromptSession[str] = PromptSession(
        "> ", key_bindings=bindings, completer=completer, erase_when_done=True, output=_output()
    )
    session.complete_while_typing = False
    return session.prompt


def _output() -> "Output | None":
    """Returns a terminal that is not asked where its cursor is: where one does not answer, Enter takes a second."""
    if os.name == "nt":
        return None
    from prompt_toolkit.output.vt100 import Vt100_Output

    output = Vt100_Output.from_pty(sys.stdout, term=os.environ.get("TERM"))
    output.enable_cpr = False
    return output


@final
class _Turns:
    """The commands, and the answers to everything else."""

    def __init__(self, conversation: "Conversation") -> None:
        self._conversation = conversation
        self._explains_length = True

    def take(self, line: str) -> None:
        """Does what a line asks for.

        Raises:
            CharlmError: it cannot be done.
        """
        if not line.startswith("/") or line.startswith("//"):
            self._answer(line.removeprefix("/"))
            return
        name, _, argument = line.strip().partition(" ")
        match name:
            case "/temperature":
                self._set_temperature(argument.strip())
            case "/again":
                self._answer(self._conversation.undo().typed)
            case "/undo":
                self._conversation.undo()
                print_line("The last turn is taken back.", sys.stderr)
            case "/surprise":
                self._show_surprise()
            case "/save":
                self._save(argument.strip())
            case "/help":
                print_line("\n".join(_COMMANDS.values()), sys.stderr)
            case _:
                raise ConfigError(f"There is no command {name!r}; there are {', '.join(_COMMANDS)}.")

    def _answer(self, typed: str) -> None:
        """Writes what was typed and, as it is drawn, the answer; Ctrl-C ends it."""
        stop = StopRequest(graceful=True)
        writer = TextWriter(sys.stdout, colour=may_colour(sys.stdout))
        with interruptible(stop) as interrupts:
            begun = False
            for piece in self._conversation.answer(typed, is_stopped=lambda: stop.requested):
                if begun:
                    writer.write(piece)
                    continue
                # Only now: a text that the model cannot read is not written.
                writer.prompt(typed)
                writer.write(piece)
                writer.flush()
                begun = True
            writer.end()
        if interrupts.exit_code == 128 + signal.SIGTERM:
            raise Terminated
        if begun and self._explains_length and self._conversation.turns[-1].is_cut:
            self._explains_length = False
            length = self._conversation.settings.length
            print_line(f"Cut after {length} characters (--length); Enter alone goes on.", sys.stderr)

    def _set_temperature(self, written: str) -> None:
        settings = self._conversation.settings
        values = settings.model_dump() | {"temperature": written}
        self._conversation.settings = validate(SamplingConfig, values, name=lambda _: "/temperature")
        print_line(f"The temperature is {self._conversation.settings.temperature:g}.", sys.stderr)

    def _show_surprise(self) -> None:
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.surprisal import write_characters

        pieces, bits = self._conversation.surprise()
        write_characters(sys.stdout, _per_character(pieces, bits), width=plain_console(sys.stdout).width)
        print_line(f"{sum(bits) / max(1, len(bits)):.2f} bits a symbol", sys.stderr)

    def _save(self, written: str) -> None:
        from charlm.data.code_points import to_utf8

        if not written:
            raise ConfigError("/save needs the name of a file.")
        try:
            if Path(written).exists():
                raise ConfigError(f"'{written}' exists already; choose another name.")
            write_atomically(Path(written), to_utf8(self._conversation.text))
        except (OSError, ValueError) as error:
            raise ConfigError(f"'{written}' cannot be written: {error}.") from None
        print_line(f"Written to '{written}'.", sys.stderr)


def _per_character(pieces: Sequence[str], bits: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Yields each piece with its bits per character; a character of several bytes, each a symbol, has those of all."""
    waiting = 0.0
    for piece, each in zip(pieces, bits, strict=True):
        waiting += each
        if piece:
            yield piece, waiting / len(piece)
            waiting = 0.0
