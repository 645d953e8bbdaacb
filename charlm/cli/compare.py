"""`charlm compare`."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Quiet, Texts
from charlm.cli.settings import run_config, section_config
from charlm.config import (
    ComparisonConfig,
    DataConfig,
    ModelConfig,
    RunSettings,
    TokenizerConfig,
    TrainingConfig,
)
from charlm.errors import ConfigError

if TYPE_CHECKING:
    from charlm.cli.console import Display
    from charlm.runs.comparison import CellResult
    from charlm.runs.grid import GridCell

_OF_THE_GRID = {"model", "order", "smoothing", "cell", "num_layers", "mix"}
_COMMON = set(ModelConfig.model_fields) - _OF_THE_GRID


@settings_options(ComparisonConfig, DataConfig, TokenizerConfig, (ModelConfig, _COMMON), TrainingConfig, RunSettings)
def compare(
    *,
    ctx: typer.Context,
    flags: Mapping[str, Any],
    text: Texts = None,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Trains a grid of models on TEXT under equal time or equal parameters, and prints a table.

    Interrupted, the same command goes on where it was. Results are in checkpoints/NAME/: results.md, results.csv,
    comparison.json, and a run for each model.
    """
    settings = section_config(ComparisonConfig, flags)
    if settings.karpathy and (flags.get("split") or flags.get("match") == "time"):
        raise ConfigError("--karpathy sets --split and --match itself; leave them out.")
    if settings.karpathy:
        settings = settings.model_copy(update={"match": "parameters"})
    if plot is not None:
        from charlm.cli.plots import require_plots

        require_plots()
    config = run_config(text=tuple(text or ()), flags=flags, file=None)

    from charlm.cli.console import make_display, plain_console, print_json
    from charlm.cli.interrupts import interruptible
    from charlm.runs.reporting import StopRequest

    stop = StopRequest()
    display = make_display(stop, quiet=quiet)
    with interruptible(stop, display.stopping) as interrupts:
        from charlm.runs import compare as comparing
        from charlm.runs.comparison import table_rows
        from charlm.runs.workspace import Workspace

        folder, results = comparing.compare(
            settings,
            config,
            Workspace(),
            display,
            stop,
            show=_show(display, quiet=quiet),
        )
    if json:
        from dataclasses import asdict

        print_json([asdict(each) for each in results])
    elif results:
        plain_console(sys.stdout).print(_table(table_rows(results)))
    if plot is not None and results:
        from charlm.cli.plots import plot_comparison

        plot_comparison(results, plot)
    sys.stdout.flush()
    if stop.requested:
        sys.stderr.write("Interrupted; everything is saved. The same command goes on.\n")
        raise typer.Exit(interrupts.exit_code)
    if not quiet:
        sys.stderr.write(f"Written to {folder.path}\n")


def _show(display: "Display", *, quiet: bool) -> "Callable[[list[CellResult], GridCell | None], None]":
    def show(results: "list[CellResult]", upcoming: "GridCell | None") -> None:
        if upcoming is None:
            return
        done = ", ".join(f"{each.run} {'failed' if each.bits is None else f'{each.bits:.4f}'}" for each in results)
        display.note(f"Next: {upcoming.name}. Bits per character so far: {done or 'none yet'}.")

    return show


def _table(rows: list[tuple[str, ...]]) -> Any:
    from charlm.cli.curves import table

    names = ("model", "layers", "units", "parameters", "steps", "seconds", "valid", "test", "")
    built = table(names, rows)
    for column in built.columns[1:8]:
        column.justify = "right"
    built.caption = "valid and test in bits per character"
    return built
