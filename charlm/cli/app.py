"""The command line: its commands, and the one place where errors become sentences and exit codes."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn, TextIO

import typer

from charlm.cli import compare, data, evaluate, export, info, inspect, sample, train, verify
from charlm.cli.text import print_error, use_utf8
from charlm.errors import CharlmError, ConfigError, memory_errors_explained

PROGRAM = "charlm"
FAILURE, USAGE, INTERRUPTED, TERMINATED = 1, 2, 130, 143


def run(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 failure, 2 usage, 130 or 143 interrupted.

    Args:
        argv: the arguments after the program's name; those of the process when None.
    """
    try:
        with memory_errors_explained():
            code = _invoke(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except typer.TyperException as error:
        print_error(_usage(error))
        return error.exit_code
    except CharlmError as error:
        print_error(str(error))
        return USAGE if isinstance(error, ConfigError) else FAILURE
    except KeyboardInterrupt as error:
        from charlm.cli.interrupts import Terminated

        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # Whoever reads our output has seen enough: that is no failure.
        _discard_unwritten(sys.stdout, sys.stderr)
        return 0
    except OSError as error:
        _discard_unwritten(sys.stdout)
        print_error(_of_system(error))
        return FAILURE
    return code


def main() -> NoReturn:
    """Runs the command of this process, and ends it."""
    use_utf8((sys.stdout, sys.stderr))
    sys.exit(run())


def build_app() -> typer.Typer:
    """Returns the Typer application."""
    app = _group("Trains character-level recurrent language models, measures them, and writes text with them.")
    app.callback(invoke_without_command=True)(_root)
    app.command("train")(train.train)
    app.command("sample")(sample.sample)
    app.command("info")(info.info)
    app.command("verify")(verify.verify)
    app.command("compare")(compare.compare)
    measuring = _group("Measures how good a model is.")
    measuring.callback(invoke_without_command=True)(_help_when_alone)
    measuring.command("perplexity")(evaluate.perplexity)
    measuring.command("exposure")(evaluate.exposure)
    app.add_typer(measuring, name="eval")
    exporting = _group("Writes a model in a format of others.")
    exporting.callback(invoke_without_command=True)(_help_when_alone)
    exporting.command("arpa")(export.arpa)
    app.add_typer(exporting, name="export")
    showing = _group("Shows what recurrent networks do: gradients, activations, gates, and what they remember.")
    showing.callback(invoke_without_command=True)(_help_when_alone)
    showing.command("gradients")(inspect.gradients)
    showing.command("activations")(inspect.activations)
    showing.command("gates")(inspect.gates)
    showing.command("agreement")(inspect.agreement)
    app.add_typer(showing, name="inspect")
    corpora = _group("Lists, fetches, prepares and shows corpora.")
    corpora.callback(invoke_without_command=True)(_help_when_alone)
    corpora.command("list")(data.list_corpora)
    corpora.command("fetch")(data.fetch)
    corpora.command("prepare")(data.prepare)
    corpora.command("show")(data.show)
    app.add_typer(corpora, name="data")
    return app


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        name=PROGRAM, help=text, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
    )


def _print_version(asked: bool) -> None:
    if asked:
        from charlm.version import __version__

        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    _help_when_alone(ctx)


def _help_when_alone(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), nl=False)
        raise typer.Exit(USAGE)


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(build_app())
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
        command.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    try:
        # Not command.main(): it has its own idea of what an interrupt or a broken pipe ends with.
        with command.make_context(PROGRAM, arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _usage(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    end = "" if message.endswith("?") else "."
    return f"{message}{end} See '{context.command_path} --help'." if context is not None else f"{message}{end}"


def _of_system(error: OSError) -> str:
    where = f"'{error.filename}': " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}The disk is full; free some space and run the command again."
    return f"{where}{error.strerror or error}."


def _discard_unwritten(*streams: TextIO) -> None:
    """Lets what a stream still holds go nowhere, so that Python does not fail on it again at its exit."""
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
