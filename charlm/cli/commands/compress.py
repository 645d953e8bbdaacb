"""`charlm compress` and `charlm decompress`: a file in the bits that a model needs for it, and back."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.text import print_json, print_line
from charlm.cli.options import settings_options
from charlm.cli.parameters import Force, Json, Quiet, Run
from charlm.cli.settings import section_config
from charlm.config import CompressionConfig
from charlm.errors import ConfigError
from charlm.runs.stored.workspace import Workspace

if TYPE_CHECKING:
    from charlm.runs.compress.files import CompressionResult


@settings_options(CompressionConfig)
def compress(
    *,
    flags: Mapping[str, Any],
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to compress; any bytes.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="The file to write.", show_default="FILE.charlm"),
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compresses FILE with the model of RUN, which decompressing needs, too.

    The result has as many bits as charlm eval perplexity RUN FILE counts; parts that LZMA makes smaller are packed by
    it instead. It is decompressed again before it gets its name. FILE is kept. Another kind of processor, or another
    version of charlm or NumPy, may compute other probabilities; decompressing there is refused.
    """
    settings = section_config(CompressionConfig, flags)
    _require_constriction()

    from charlm.cli.display.progress import make_display
    from charlm.runs.compress.files import compress as write

    result = write(
        run,
        file,
        Workspace(),
        make_display(quiet=quiet),
        output=output,
        num_streams=settings.streams,
        adapts=settings.adapt is not None,
        overwrite=force,
    )
    if json:
        print_json(result.to_json())
    else:
        print_line(f"{result.output}: {_sizes(result)}", sys.stdout)
        if result.lzma_bytes:
            print_line(_fallback(result, adapts=settings.adapt is not None), sys.stdout)


def decompress(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that charlm compress wrote.")],
    output: Annotated[
        # A string: as a path, './-' would be '-'.
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file to write; '-' is stdout.",
            show_default="FILE without .charlm",
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="The run whose model FILE was compressed with, or its best.safetensors.",
            autocompletion=run_names,
            show_default="the run that FILE names",
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Writes the file that was compressed, and checks it against its SHA-256; FILE is kept."""
    _require_constriction()
    if output == "-" and json:
        raise ConfigError("--output - and --json both write to stdout; give --output a file.")

    from charlm.cli.display.progress import make_display
    from charlm.runs.compress.files import decompress as write

    target = None if output is None else sys.stdout.buffer if output == "-" else Path(output)
    result = write(file, Workspace(), make_display(quiet=quiet), output=target, run=run, overwrite=force)
    if json:
        print_json(result.to_json())
    elif result.output is not None:
        print_line(f"{result.output}: {result.num_bytes:,} bytes", sys.stdout)


def _sizes(result: "CompressionResult") -> str:
    ratio = "" if result.bits_per_byte is None else f", {result.bits_per_byte:.4f} bits per byte"
    return f"{result.compressed_bytes:,} bytes instead of {result.num_bytes:,}{ratio}; it was decompressed to check it"


def _fallback(result: "CompressionResult", *, adapts: bool) -> str:
    part = "All of it was" if result.lzma_bytes == result.num_bytes else f"{result.lzma_bytes:,} bytes of it were"
    advice = "" if adapts else " --adapt counts lets the model learn from the file, too."
    return f"{part} packed by LZMA alone, which needs fewer bytes for that than the model does.{advice}"


def _require_constriction() -> None:
    if importlib.util.find_spec("constriction") is None:
        raise ConfigError("Compressing needs constriction; install it with: pip install 'charlm[compress]'")
