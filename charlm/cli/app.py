"""The command line: the table of commands, and the translation of errors into messages and exit codes."""

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NoReturn

import typer

from charlm.cli.commands import compare, data, evaluate, export, info, inspect, sample, train, verify
from charlm.cli.display.text import print_error, use_utf8
from charlm.cli.streams import discard_unwritten, open_closed_streams
from charlm.errors import CharlmError, ConfigError, memory_errors_explained

PROGRAM = "charlm"
FAILURE, USAGE, INTERRUPTED, CLOSED_PIPE, TERMINATED = 1, 2, 130, 141, 143

_Commands = Mapping[str, Callable[..., None]]

_COMMANDS: _Commands = {
    "train": train.train,
    "sample": sample.sample,
    "info": info.info,
    "verify": verify.verify,
    "compare": compare.compare,
}
"""Commands by name, in the order of the help."""

_GROUPS: Mapping[str, tuple[str, _Commands]] = {
    "eval": (
        "Measures how well a model predicts text.",
        {"perplexity": evaluate.perplexity, "exposure": evaluate.exposure},
    ),
    "export": ("Writes a model in another program's format.", {"arpa": export.arpa}),
    "inspect": (
        "Shows the gradients, activations, gates and memory of recurrent networks.",
        {
            "gradients": inspect.gradients,
            "activations": inspect.activations,
            "gates": inspect.gates,
            "agreement": inspect.agreement,
        },
    ),
    "data": (
        "Lists, fetches, prepares and shows corpora.",
        {"list": data.list_corpora, "fetch": data.fetch, "prepare": data.prepare, "show": data.show},
    ),
}
"""Groups of commands by name: the group's help, and its commands."""


def run(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 failure, 2 usage, 130 or 143 interrupted, 141 closed pipe.

    Args:
        argv: the arguments after the program's name; None for those of the process.
    """
    try:
        with memory_errors_explained():
            code = _invoke(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except typer.TyperException as error:
        print_error(_usage_message(error))
        return error.exit_code
    except CharlmError as error:
        print_error(str(error))
        return USAGE if isinstance(error, ConfigError) else FAILURE
    except KeyboardInterrupt as error:
        from charlm.cli.interrupts import Terminated

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
    sys.exit(run())


def build_app() -> typer.Typer:
    """Returns the Typer application."""
    app = _new_group("Trains character-level recurrent language models, measures them, and writes text with them.")
    app.callback(invoke_without_command=True)(_show_version_or_help)
    for name, command in _COMMANDS.items():
        app.command(name)(command)
    for group_name, (text, commands) in _GROUPS.items():
        group = _new_group(text)
        group.callback(invoke_without_command=True)(_show_help)
        for name, command in commands.items():
            group.command(name)(command)
        app.add_typer(group, name=group_name)
    return app


def _new_group(text: str) -> typer.Typer:
    return typer.Typer(
        name=PROGRAM, help=text, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
    )


def _print_version(requested: bool) -> None:
    if requested:
        from charlm.version import __version__

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
        typer.echo(ctx.get_help(), nl=False)
        raise typer.Exit(USAGE)


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(build_app())
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
        command.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    try:
        # Not command.main(): it handles interrupts and broken pipes itself, with other exit codes.
        with command.make_context(PROGRAM, arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _usage_message(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    end = "" if message.endswith("?") else "."
    return f"{message}{end} See '{context.command_path} --help'." if context is not None else f"{message}{end}"


def _system_message(error: OSError) -> str:
    file = f"'{error.filename}': " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{file}The disk is full; free some space and run the command again."
    return f"{file}{error.strerror or error}."
