"""`charlm tune`: a search over the settings that nobody asked for."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.cli.display.text import print_json, print_line
from charlm.cli.interrupts import interruptible
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, OptionalTexts, Plot, Quiet
from charlm.cli.settings import read_config_file, run_request, section_config
from charlm.cli.startup import fast_imports
from charlm.config import DataConfig, ModelConfig, RunSettings, TokenizerConfig, TrainingConfig, TuningConfig
from charlm.runs.stored.workspace import Workspace

_LENGTHS = {"steps", "epochs", "budget"}


@settings_options(
    TuningConfig,
    DataConfig,
    TokenizerConfig,
    ModelConfig,
    (TrainingConfig, set(TrainingConfig.model_fields) - _LENGTHS),
    RunSettings,
)
def tune(
    *,
    flags: Mapping[str, Any],
    text: OptionalTexts = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="A TOML file with settings to hold; options override it."),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            "--space",
            metavar="FILE",
            help="A TOML file with the settings to search and their values, instead of the usual ones.",
        ),
    ] = None,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Searches the settings that are not given for the best model of TEXT in a time, and prints what was found.

    Every trial is a run in checkpoints/NAME/, and the first one has what charlm train chooses. The best settings
    are in best.toml there, for charlm train --config. After an interrupt, the same command continues; several
    processes with the same command share the trials.
    """
    settings = section_config(TuningConfig, flags)
    request = run_request(text=tuple(text or ()), flags=flags, file=config)
    searches = None if space is None else (f"'{space}'", read_config_file(space, option="--space"))

    from charlm.runs.compare.space import read_searches, require_searchable

    # What cannot be searched is told before torch is loaded.
    require_searchable(request.config)
    if searches is not None:
        read_searches(searches[1], source=searches[0], asked=request.asked)
    with fast_imports():
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.plots import plot_trials
        from charlm.cli.display.tuning import make_tuning_display, print_findings
        from charlm.runs.compare.tuning import tune as search
        from charlm.runs.reporting import StopRequest

    stop = StopRequest()
    display = make_tuning_display(stop, quiet=quiet)
    with interruptible(stop, display.stopping) as interrupts:
        try:
            folder, findings = search(settings, request, Workspace(), display, stop, searches=searches)
        except KeyboardInterrupt:
            sys.stderr.write("Stopped at once. The same command continues from the last checkpoint.\n")
            raise
    if json:
        print_json({"study": str(folder.path)} | findings.to_json())
    else:
        print_findings(plain_console(sys.stdout), findings, folder.path)
    if plot is not None and findings.best is not None:
        plot_trials(findings, plot)
    sys.stdout.flush()
    if stop.requested:
        sys.stderr.write("Interrupted; everything is saved. The same command continues.\n")
        raise typer.Exit(interrupts.exit_code)
    if findings.best is None:
        print_line("No trial has finished.", sys.stderr)
        raise typer.Exit(1)
