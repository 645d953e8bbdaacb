"""`charlm export`: a run's model in a format of others."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from charlm.cli.display.text import print_line
from charlm.cli.parameters import Force, Quiet, Run
from charlm.config import Weights
from charlm.errors import ConfigError
from charlm.files.writing import is_stream, require_free
from charlm.runs.stored.workspace import Workspace


def _output_option(*, default: str) -> Any:
    return typer.Option(
        "--output", "-o", metavar="FILE", help="The file to write; '-' is stdout.", show_default=default
    )


def _named_after(run: str, ending: str) -> str:
    """Returns the usual name of what is written: a run's, or that of the folder that a checkpoint lies in."""
    path = Path(run).absolute()
    return f"{path.parent.name if path.is_file() else path.name}{ending}"


def _export(write: Callable[[Path | BinaryIO], None], *, output: str, force: bool) -> None:
    """Writes to standard output, or into a file, device or pipe; the name of a file is printed.

    Args:
        output: as it was typed: as a path, './-' would be '-'.
        force: whether a file that is there is replaced.
    """
    path = Path(output)
    if output == "-":
        write(sys.stdout.buffer)
    elif is_stream(path):
        write(path)
    else:
        require_free(path, overwrite=force)
        write(path)
        print_line(output, sys.stdout)


def arpa(
    *,
    run: Run,
    output: Annotated[str | None, _output_option(default="RUN.arpa")] = None,
    force: Force = False,
) -> None:
    """Writes the model of an n-gram run in ARPA format, which KenLM, SRILM and others read."""
    from charlm.runs.export.arpa import export_arpa

    chosen = _named_after(run, ".arpa") if output is None else output
    _export(lambda target: export_arpa(run, target, Workspace()), output=chosen, force=force)


def hub(
    *,
    run: Run,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="The folder to write.", show_default="RUN-hub"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace the files in a folder that is there already.")
    ] = False,
) -> None:
    """Writes a model of any kind into a folder laid out as on model hubs, with a model card, to hand on.

    It holds model.safetensors, config.json, tokenizer.json and README.md. charlm reads such a folder wherever it takes
    a run: charlm sample FOLDER, charlm eval perplexity FOLDER TEXT, charlm train TEXT --init-from FOLDER.
    """
    from charlm.runs.export.hub import export_hub

    chosen = Path(_named_after(run, "-hub")) if output is None else output
    export_hub(run, chosen, Workspace(), overwrite=force)
    print_line(str(chosen), sys.stdout)


def page(
    *,
    run: Run,
    output: Annotated[str | None, _output_option(default="RUN.html")] = None,
    weights: Annotated[
        Weights, typer.Option(help="int8 makes a page of a quarter of the size, whose network is slightly less exact.")
    ] = "float32",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Writes a run as one page of HTML that works offline: it writes text, and shows what surprises the network.

    The network computes in the page, and nothing leaves it. Of a run with n-grams the page has the network alone.
    """
    from charlm.cli.display.progress import make_display
    from charlm.runs.export.page import export_page

    chosen = _named_after(run, ".html") if output is None else output
    display = make_display(quiet=quiet)
    _export(lambda target: export_page(run, target, Workspace(), display, weights=weights), output=chosen, force=force)


def onnx(
    *,
    run: Run,
    output: Annotated[str | None, _output_option(default="RUN.onnx")] = None,
    force: Force = False,
) -> None:
    """Writes a network in ONNX's format: one step, from a symbol and a state to log-probabilities and the next state.

    The number of streams, `batch`, is free. Of a run that mixes n-grams in, it is the network alone.
    """
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError("Writing ONNX needs the package onnx; install it with: pip install 'charlm[onnx]'")

    from charlm.runs.export.onnx import export_onnx

    def write(target: Path | BinaryIO) -> None:
        note = export_onnx(run, target, Workspace())
        if note is not None:
            print_line(note, sys.stderr)

    _export(write, output=_named_after(run, ".onnx") if output is None else output, force=force)
