"""`charlm inspect`: gradients, activations, gates, units and the memory of recurrent networks."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from charlm.cli.display.text import print_json
from charlm.cli.options import flag, settings_options
from charlm.cli.parameters import Json, OptionalTexts, Plot, Quiet, Run, standard_input
from charlm.cli.settings import section_config, shared_config
from charlm.config import (
    TEXT_SETTINGS,
    ActivationsConfig,
    AgreementConfig,
    DataConfig,
    GradientsConfig,
    ModelConfig,
    RunSettings,
    SamplingConfig,
    TokenizerConfig,
    TrainingConfig,
)
from charlm.errors import ConfigError
from charlm.runs.stored.workspace import Workspace

_NETWORK_SETTINGS = {"nonlinearity", "init", "init_variance", "forget_bias", "hidden_size", "num_layers", "residual"}
_TRAINING_SETTINGS = {"batch_size", "sequence_length", "learning_rate", "clip_norm"}

_AGREEMENT_DEFAULTS = {
    # A small network trains quickly, and a window of 160 symbols holds whole sentences.
    "hidden_size": 64,
    "num_layers": 1,
    "batch_size": 64,
    "sequence_length": 160,
    # With larger learning rates no cell remembers the subject.
    "learning_rate": 0.005,
    # Without a forget gate that is open from the start, even an LSTM does not learn to remember in so few steps.
    "forget_bias": 2.0,
}
"""Defaults of `charlm inspect agreement` where they are not those of a run."""


@settings_options(
    GradientsConfig,
    (DataConfig, TEXT_SETTINGS),
    TokenizerConfig,
    (ModelConfig, _NETWORK_SETTINGS),
    (TrainingConfig, _TRAINING_SETTINGS),
    (RunSettings, {"seed", "device"}),
)
def gradients(
    *,
    flags: Mapping[str, Any],
    text: OptionalTexts = None,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how far gradients reach back: the norm of the loss's gradient with respect to earlier states.

    Each cell is measured with its first weights, and again after a short training on TEXT. No run is saved.
    """
    settings = section_config(GradientsConfig, flags)
    config = shared_config(text=tuple(text or ("builtin:python-docs",)), flags=flags)
    stdin = standard_input(*config.data.corpus, *config.data.valid, *config.data.test)

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.inspection import gradient_curves, print_clipping
    from charlm.cli.display.plots import CurvePlot, plot_curves
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.tables import print_curves
    from charlm.runs.inspect.gradients import inspect_gradients

    curves = inspect_gradients(settings, config, Workspace(), make_display(quiet=quiet), stdin=stdin)
    if plot is not None:
        look = CurvePlot("How far gradients reach back", x="distance (symbols back)", y="norm of the loss's gradient")
        plot_curves(gradient_curves(curves), plot, look)
    if json:
        print_json([asdict(curve) for curve in curves])
    else:
        print_curves(gradient_curves(curves), heading="symbols back", first=1)
        print_clipping(plain_console(sys.stdout), curves, clip_norm=config.training.clip_norm)


@settings_options(ActivationsConfig)
def activations(*, flags: Mapping[str, Any], plot: Plot = None, json: Json = False) -> None:
    """Shows how activations of a ReLU layer explode, stay or vanish, by the variance of its recurrent matrix.

    Only the first symbol has an input. Norms are relative to the norm after it.
    """
    settings = section_config(ActivationsConfig, flags)
    variances = _read_variances(settings.variances)

    from charlm.cli.display.plots import CurvePlot, plot_curves
    from charlm.cli.display.tables import print_curves
    from charlm.evaluation.activations import activation_norms

    curves = {
        f"variance {variance:g}/n": tuple(
            activation_norms(variance, units=settings.units, symbols=settings.symbols, seed=settings.seed)
        )
        for variance in variances
    }
    if plot is not None:
        look = CurvePlot(
            "ReLU activations after one input, by the variance of the recurrent weights",
            x="symbols read",
            y="norm, relative to the first",
        )
        plot_curves(curves, plot, look)
    if json:
        print_json(curves)
    else:
        print_curves(curves, heading="symbol", first=1)


@settings_options(
    AgreementConfig,
    (ModelConfig, _NETWORK_SETTINGS),
    (TrainingConfig, _TRAINING_SETTINGS),
    (RunSettings, {"seed", "device"}),
)
def agreement(*, flags: Mapping[str, Any], plot: Plot = None, json: Json = False, quiet: Quiet = False) -> None:
    """Shows over which distance a cell remembers whether a subject is singular or plural.

    Each cell is trained on generated sentences such as "The cat, which already ate the egg and the plums, was full."
    It then chooses the verb in new sentences with longer and longer clauses; a guess is right half the time.
    Unless set otherwise, each cell has one layer of 64 units and a forget bias of 2, and trains with a learning rate
    of 0.005 on 64 windows of 160 symbols a step.
    """
    settings = section_config(AgreementConfig, flags)
    config = shared_config(text=("generated",), flags=_AGREEMENT_DEFAULTS | dict(flags))

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.inspection import print_agreement
    from charlm.cli.display.plots import plot_agreement
    from charlm.cli.display.progress import make_display
    from charlm.runs.inspect.agreement import inspect_agreement

    results = inspect_agreement(settings, config, make_display(quiet=quiet))
    if plot is not None:
        plot_agreement(results, plot)
    if json:
        print_json([asdict(each) for each in results])
    else:
        print_agreement(plain_console(sys.stdout), results)


def gates(
    *,
    run: Run,
    symbols: Annotated[int, typer.Option("--symbols", min=32, help="Number of symbols to read.")] = 20_000,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how often the gates of RUN are nearly shut (below 0.1) or nearly open (above 0.9) as it reads its text."""
    from charlm.cli.display.console import plain_console
    from charlm.cli.display.inspection import print_gates
    from charlm.cli.display.plots import plot_gates
    from charlm.cli.display.progress import make_display
    from charlm.runs.inspect.gates import inspect_gates

    activities = inspect_gates(run, Workspace(), make_display(quiet=quiet), symbols=symbols)
    if plot is not None:
        plot_gates(activities, plot)
    if json:
        print_json([asdict(each) for each in activities])
    else:
        print_gates(plain_console(sys.stdout), activities)


@settings_options((SamplingConfig, {"length", "temperature", "seed"}))
def units(
    *,
    flags: Mapping[str, Any],
    run: Run,
    text: OptionalTexts = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="LAYER:UNIT", help="Show this unit alone, such as 2:117; both count from 1."),
    ] = None,
    held: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="LAYER:UNIT=VALUE",
            help="Write text with this unit held at a value, and without; may be given several times.",
        ),
    ] = None,
    symbols: Annotated[int, typer.Option("--symbols", min=1024, help="Number of symbols to read.")] = 200_000,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows which unit of RUN's network tracks what: quotes, brackets, the place in a line, and so on.

    Every unit is measured against each of these properties on TEXT, or on what was held out of the run's own. Units
    are chosen on one half of it, and their effects measured on the other: d is the difference of a unit's means where
    the property holds and where it does not, in standard deviations; r is the correlation with a number. A unit's value
    is c, its memory, in an LSTM, and h, its output, in other networks. In a run of records, the place in the line is
    that in the record. An n-gram model has no units.
    """
    if held:
        if text or unit is not None:
            raise ConfigError("--set writes text, and reads none; leave out TEXT and --unit.")
        settings = section_config(SamplingConfig, flags)

        from charlm.cli.display.progress import make_display
        from charlm.cli.display.units import print_held_sample
        from charlm.runs.inspect.units import sample_with_held
        from charlm.runs.sample import resolve_seed

        display = make_display(quiet=quiet)
        sample = sample_with_held(run, held, settings, Workspace(), display, seed=resolve_seed(settings))
        print_json(asdict(sample)) if json else print_held_sample(sample)
        return
    if flags:
        raise ConfigError(f"{flag(min(flags))} is for --set; leave it out.")
    stdin = standard_input(*(text or ()))

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.units import print_units
    from charlm.runs.inspect.units import inspect_units

    report = inspect_units(
        run, tuple(text or ()), Workspace(), make_display(quiet=quiet), symbols=symbols, unit=unit, stdin=stdin
    )
    print_json(asdict(report)) if json else print_units(plain_console(sys.stdout), report)


def _read_variances(text: str) -> list[float]:
    """Returns the variances in a list such as '3,2,1.5'; anything else is a ConfigError."""
    try:
        variances = [float(each) for each in text.split(",")]
    except ValueError:
        raise ConfigError(f"--variances {text} is not numbers with commas, such as 3,2,1.5.") from None
    if not all(0 < variance < 1e6 for variance in variances):
        raise ConfigError("--variances are numbers above 0.")
    return variances
