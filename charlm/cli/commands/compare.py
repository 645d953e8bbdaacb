"""`charlm compare`: a grid of models on the same text."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from charlm.cli.display.text import print_json, print_line
from charlm.cli.interrupts import interruptible
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, OptionalTexts, Plot, Quiet
from charlm.cli.settings import section_config, shared_config
from charlm.cli.startup import fast_imports
from charlm.config import (
    TEXT_SETTINGS,
    ComparisonConfig,
    DataConfig,
    ModelConfig,
    Request,
    RunSettings,
    TokenizerConfig,
    TrainingConfig,
)
from charlm.errors import ConfigError
from charlm.runs.stored.workspace import Workspace

_GRID_SETTINGS = {"model", "window", "cell", "nonlinearity", "num_layers", "mix", "direction"}
"""Settings that the grid itself sets, or that only some of its models have."""

_NGRAM_SETTINGS = {"order", "smoothing", "prune"}

_SHARED_SETTINGS = set(ModelConfig.model_fields) - _GRID_SETTINGS - _NGRAM_SETTINGS


@settings_options(
    ComparisonConfig,
    (DataConfig, TEXT_SETTINGS),
    TokenizerConfig,
    (ModelConfig, _SHARED_SETTINGS),
    TrainingConfig,
    RunSettings,
)
def compare(
    *,
    flags: Mapping[str, Any],
    text: OptionalTexts = None,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Trains a grid of models on TEXT with equal time or equal parameters, and prints a table of their scores.

    The results are in checkpoints/NAME/: results.md, results.csv, comparison.json, and a run for each model. After
    an interrupt, the same command continues.
    """
    settings = section_config(ComparisonConfig, flags)
    if settings.karpathy:
        if flags.get("split") or flags.get("match") == "time":
            raise ConfigError("--karpathy sets --split and --match itself; leave them out.")
        settings = settings.model_copy(update={"match": "parameters"})
    request = Request(shared_config(text=tuple(text or ()), flags=flags), frozenset(flags))

    from charlm.runs.compare.grid import grid_variants, with_protocol

    # What cannot be compared is told before torch is loaded.
    grid_variants(settings, request.with_config(with_protocol(settings, request.config)))
    with fast_imports():
        from charlm.cli.display.comparison import make_comparison_display, results_table
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.plots import plot_comparison
        from charlm.runs.compare.comparing import compare as compare_models
        from charlm.runs.reporting import StopRequest

    stop = StopRequest()
    display = make_comparison_display(stop, quiet=quiet)
    with interruptible(stop, display.stopping) as interrupts:
        try:
            with display.shown():
                folder, results = compare_models(settings, request, Workspace(), display, stop, show=display.grid)
        except KeyboardInterrupt:
            sys.stderr.write("Stopped at once. The same command continues from the last checkpoint.\n")
            raise
    if json:
        print_json([asdict(each) for each in results])
    elif results:
        plain_console(sys.stdout).print(results_table(results))
    if plot is not None and results:
        plot_comparison(results, plot)
    sys.stdout.flush()
    if stop.requested:
        sys.stderr.write("Interrupted; everything is saved. The same command continues.\n")
        raise typer.Exit(interrupts.exit_code)
    if not quiet:
        print_line(f"Written to {folder.path}", sys.stderr)
    if any(each.error is not None for each in results):
        raise typer.Exit(1)
