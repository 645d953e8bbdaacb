"""The command line: the table of commands, and the translation of errors into messages and exit codes."""

import errno
import importlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NoReturn

import typer

from charlm.cli.display.text import print_error, use_utf8
from charlm.cli.help import GroupOfRuns, ReadableCommand, ReadableGroup, flowing, with_nearest
from charlm.cli.interrupts import Terminated, interruptible
from charlm.cli.startup import fast_imports, load_pydantic
from charlm.cli.streams import discard_unwritten, open_closed_streams
from charlm.distributed.place import is_first, require_one_process, told_by_first
from charlm.errors import CharlmError, ConfigError, memory_errors_explained
from charlm.version import __version__

PROGRAM = "charlm"
TRAINING = "train"
"""The command that several processes work at."""

FAILURE, USAGE, INTERRUPTED, CLOSED_PIPE, TERMINATED = 1, 2, 130, 141, 143

_Commands = Mapping[str, tuple[str, str]]

_COMMANDS: _Commands = {
    "train": ("train:train", "Trains a model on a text, saves it under checkpoints/, and prints its scores."),
    "sample": ("sample:sample", "Writes text with a model, and prints it as it is drawn."),
    "predict": ("predict:predict", "Prints what a model says of examples, one prediction a line."),
    "play": ("play:play", "Writes a text in turns, with you at a prompt."),
    "serve": ("serve:serve", "Serves models to the clients of OpenAI's API."),
    "compress": ("compress:compress", "Compresses a file with a model, and checks that it comes back."),
    "decompress": ("compress:decompress", "Writes the file that was compressed."),
    "list": ("stored:list_runs", "Lists every run: its text, its model, its scores and how far it is."),
    "info": ("stored:info", "Describes a run, or two side by side: text, model, training and scores."),
    "verify": ("stored:verify", "Checks every file of a run against its checksum, and lists what is still usable."),
    "plot": ("plot:plot", "Draws the losses of one or several runs over their training."),
    "tune": ("tune:tune", "Searches the settings that are not given for the best model in a time."),
    "compare": ("compare:compare", "Trains a grid of models on one text, and prints a table of their scores."),
}
"""Commands by name, in the order of the help: the module and function, and a summary."""

_GROUPS: Mapping[str, tuple[str, _Commands]] = {
    "eval": (
        "Measures how well a model predicts text.",
        {
            "perplexity": ("evaluate:perplexity", "Scores a text: perplexity, bits per character and bits per byte."),
            "surprisal": ("evaluate:surprisal", "Shows how many bits each character of a text takes."),
            "accuracy": ("evaluate:accuracy", "Measures how often the labels of a model are right."),
            "exposure": ("evaluate:exposure", "Shows how predictions get worse when a model reads its own output."),
        },
    ),
    "export": (
        "Writes a model in another program's format.",
        {
            "arpa": ("export:arpa", "Writes an n-gram model in ARPA format, which KenLM, SRILM and others read."),
            "hub": ("export:hub", "Writes a folder with model, settings and model card, as model hubs have them."),
            "page": ("export:page", "Writes a run as one page of HTML, which writes text and measures it offline."),
            "onnx": ("export:onnx", "Writes one step of a network in ONNX's format, which onnxruntime and others run."),
        },
    ),
    "inspect": (
        "Shows the gradients, activations, gates, units and memory of recurrent networks.",
        {
            "gradients": ("inspect:gradients", "Shows how far gradients reach back."),
            "activations": ("inspect:activations", "Shows how activations of a ReLU layer explode, stay or vanish."),
            "gates": ("inspect:gates", "Shows how often gates are nearly shut or nearly open."),
            "units": ("inspect:units", "Shows which unit of a network tracks what, such as quotes or line lengths."),
            "agreement": ("inspect:agreement", "Shows over which distance a cell remembers the subject of a sentence."),
        },
    ),
    "data": (
        "Lists, fetches, prepares and shows corpora.",
        {
            "list": ("data:list_corpora", "Lists the corpora that have a name."),
            "fetch": ("data:fetch", "Downloads a corpus into data/, and checks it."),
            "prepare": ("data:prepare", "Encodes a text under data/ as training would, and describes the result."),
            "show": ("data:show", "Describes a corpus or a text, and prints its beginning."),
        },
    ),
}
"""Groups of commands by name: the group's summary, and its commands."""
_CORPORA = "data"
"""The group that is not about runs."""


def run(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 failure, 2 usage, 130 or 143 interrupted, 141 closed pipe.

    Args:
        argv: the arguments after the program's name; None for those of the process.
    """
    try:
        with interruptible(), memory_errors_explained():
            code = _invoke(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except typer.TyperException as error:
        if is_first():
            print_error(_usage_message(error))
        return error.exit_code
    except CharlmError as error:
        if str(error):
            print_error(str(error))
        return USAGE if isinstance(error, ConfigError) else FAILURE
    except KeyboardInterrupt as error:
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has closed it, as `head` does.
        discard_unwritten((sys.stdout, sys.stderr))
        return CLOSED_PIPE
    except OSError as error:
        discard_unwritten((sys.stdout,))
        print_error(_system_message(error))
        return FAILURE
    return code


def main() -> NoReturn:
    """Runs the command of this process, and exits with its code."""
    open_closed_streams()
    use_utf8((sys.stdout, sys.stderr))
    # To look for plugins of pydantic among all that is installed takes a tenth of a short command's time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not sys.warnoptions:
        # Of numbers that overflow, say: what comes of it is told in a sentence.
        warnings.simplefilter("ignore")
    # Before torch is loaded, which tells of each process that has ended with a stack of its own calls.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    sys.exit(run())


def build_app(words: Sequence[str] | None = None) -> typer.Typer:
    """Returns the Typer application.

    Args:
        words: what was typed; a command that is not among the words is not loaded, and has only a line in the help.
            None loads all commands.
    """
    summary = "Trains character-level recurrent language models, measures them, and writes text with them."
    # Typer's options for completion load pydantic wherever they are not asked for.
    has_options = not words or words[0].startswith("-")
    app = _new_group(summary, _show_version_or_help, add_completion=has_options)
    _add_commands(app, _COMMANDS, words)
    for name, (summary, commands) in _GROUPS.items():
        group = _new_group(summary, _show_help, ReadableGroup if name == _CORPORA else GroupOfRuns)
        _add_commands(group, commands, words)
        app.add_typer(group, name=name, short_help=summary)
    return app


def _new_group(
    text: str,
    callback: Callable[..., None],
    kind: type[ReadableGroup] = ReadableGroup,
    *,
    add_completion: bool = False,
) -> typer.Typer:
    settings = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(
        cls=kind,
        help=text,
        callback=callback,
        invoke_without_command=True,
        context_settings=settings,
        # The group's own suggestions are of what is nearly the same.
        suggest_commands=False,
        add_completion=add_completion,
    )


def _add_commands(group: typer.Typer, commands: _Commands, words: Sequence[str] | None) -> None:
    for name, (place, summary) in commands.items():
        command: Callable[..., None] = _do_nothing
        if words is None or name in words:
            load_pydantic()
            module, _, function = place.partition(":")
            command = getattr(importlib.import_module(f"charlm.cli.commands.{module}"), function)
        group.command(name, cls=ReadableCommand, help=flowing(command.__doc__ or ""), short_help=summary)(command)


def _do_nothing() -> None:
    """Stands for a command that was not asked for."""


def _print_version(requested: bool) -> None:
    if requested:
        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


def _show_version_or_help(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    _show_help(ctx)


def _show_help(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(USAGE)


def _invoke(arguments: list[str]) -> int:
    completing = f"_{PROGRAM.upper()}_COMPLETE" in os.environ
    with fast_imports():
        command = typer.main.get_command(build_app(None if completing else arguments))
    if completing:
        command.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    try:
        if arguments[:1] != [TRAINING]:
            with told_by_first():
                require_one_process(" ".join([PROGRAM, *(each for each in arguments[:2] if not each.startswith("-"))]))
        # Not command.main(): it handles interrupts and broken pipes itself, with other exit codes.
        with command.make_context(PROGRAM, arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _usage_message(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    message = re.sub("Invalid value for '([^' ]+)'.*: Input should([^,]*).*", r"\1 should\2", message)
    similar = getattr(error, "possibilities", None)
    if similar:
        message = with_nearest(error.message, getattr(error, "option_name", ""), similar)
    context = getattr(error, "ctx", None)
    end = "" if message.endswith("?") else "."
    return f"{message}{end} See '{context.command_path} --help'." if context is not None else f"{message}{end}"


def _system_message(error: OSError) -> str:
    file = f"'{error.filename}': " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{file}The disk is full; free some space and run the command again."
    return f"{file}{error.strerror or error}."
