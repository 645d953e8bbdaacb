"""`charlm compare`."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from charlm.cli.lasting import lasting_imports
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Plot, Quiet, Texts
from charlm.cli.settings import free_config, section_config
from charlm.config import (
    ComparisonConfig,
    DataConfig,
    ModelConfig,
    Request,
    RunSettings,
    TokenizerConfig,
    TrainingConfig,
)
from charlm.errors import ConfigError

_OF_THE_GRID = {"model", "window", "order", "smoothing", "cell", "nonlinearity", "num_layers", "mix"}
"""Settings that the grid sets, or that are for some of its models alone."""

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
    request = Request(free_config(text=tuple(text or ()), flags=flags), frozenset(flags))

    with lasting_imports():
        from charlm.cli.comparison import make_comparison_display, results_table
        from charlm.cli.console import plain_console, print_json
        from charlm.cli.interrupts import interruptible
        from charlm.runs import compare as comparing
        from charlm.runs.reporting import StopRequest
        from charlm.runs.workspace import Workspace

    stop = StopRequest()
    display = make_comparison_display(stop, quiet=quiet)
    with interruptible(stop, display.stopping) as interrupts:
        try:
            with display.shown():
                folder, results = comparing.compare(settings, request, Workspace(), display, stop, show=display.grid)
        except KeyboardInterrupt:
            sys.stderr.write("Stopped at once. The same command goes on from the last checkpoint.\n")
            raise
    if json:
        print_json([asdict(each) for each in results])
    elif results:
        plain_console(sys.stdout).print(results_table(results))
    if plot is not None and results:
        from charlm.cli.plots import plot_comparison

        plot_comparison(results, plot)
    sys.stdout.flush()
    if stop.requested:
        sys.stderr.write("Interrupted; everything is saved. The same command goes on.\n")
        raise typer.Exit(interrupts.exit_code)
    if not quiet:
        sys.stderr.write(f"Written to {folder.path}\n")
    if any(each.error is not None for each in results):
        raise typer.Exit(1)
