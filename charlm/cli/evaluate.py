"""`charlm eval`."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from charlm.cli.options import flag, settings_options
from charlm.cli.parameters import Json, Plot, Quiet, Run, Texts, standard_input
from charlm.cli.settings import section_config
from charlm.config import DataConfig, EvaluationConfig, ExposureConfig, RunSettings
from charlm.errors import ConfigError

READING = {"pattern", "encoding", "newlines", "normalize"}
"""How a text is read, whatever it is read for."""


@settings_options(EvaluationConfig, (DataConfig, READING), (RunSettings, {"device"}))
def perplexity(
    *,
    ctx: typer.Context,
    flags: Mapping[str, Any],
    run: Run,
    text: Texts = None,
    split: Annotated[
        Literal["train", "valid", "test"] | None,
        typer.Option(
            "--split", help="Which part of the run's own text to score.", show_default="test, or valid without one"
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Scores the run's test text, or TEXT: perplexity, bits per character and per byte.

    Every symbol after the first is scored exactly once. Beside it stand a uniform and a unigram model.
    """
    settings = section_config(EvaluationConfig, flags)
    device = section_config(RunSettings, flags).device
    reading = section_config(DataConfig, {"corpus": ("-",), **flags}).model_dump(include=READING & flags.keys())
    if text and split is not None:
        raise ConfigError("--split names a part of the run's own text; leave it out, or leave out TEXT.")
    if reading and not text:
        raise ConfigError(f"{flag(min(reading))} says how to read TEXT; give one, or leave it out.")
    stdin = standard_input(*(text or ()))

    from charlm.cli.console import make_display, plain_console, print_json
    from charlm.cli.interrupts import interruptible
    from charlm.cli.results import evaluation_json, print_evaluation

    with interruptible():
        from charlm.runs import evaluate
        from charlm.runs.workspace import Workspace

        result = evaluate.perplexity(
            run,
            tuple(text or ()),
            settings,
            Workspace(),
            make_display(quiet=quiet),
            split=split,
            device=device,
            reading=reading,
            stdin=stdin,
        )
    if json:
        print_json(evaluation_json(result))
    else:
        print_evaluation(plain_console(sys.stdout), result)


@settings_options(ExposureConfig)
def exposure(
    *,
    ctx: typer.Context,
    flags: Mapping[str, Any],
    run: Run,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how predictions drift when RUN reads its own output: loss against position, after a true prefix.

    "forced" and "free" are the loss of the true text with true symbols and with the model's own before it; "own"
    and "true" are what an n-gram model of the training text makes of what was drawn, and of the true text.
    """
    settings = section_config(ExposureConfig, flags)

    from dataclasses import asdict

    from charlm.cli.console import make_display, print_json
    from charlm.cli.curves import print_curves
    from charlm.cli.interrupts import interruptible
    from charlm.cli.plots import plot_curves, require_plots

    if plot is not None:
        require_plots()
    with interruptible():
        from charlm.runs import exposure as exposing
        from charlm.runs.workspace import Workspace

        curves = asdict(exposing.exposure(run, settings, Workspace(), make_display(quiet=quiet)))
    if plot is not None:
        plot_curves(curves, plot, x="position", y="nats", first=1)
    if json:
        print_json(curves)
    else:
        print_curves(curves, heading="position", first=1)
