"""`charlm inspect`: what recurrent networks do, shown."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Plot, Quiet, Run, Texts, standard_input
from charlm.cli.settings import free_config, section_config
from charlm.config import (
    ActivationsConfig,
    AgreementConfig,
    DataConfig,
    GradientsConfig,
    ModelConfig,
    RunSettings,
    TokenizerConfig,
    TrainingConfig,
)

_OF_NETWORKS = {"nonlinearity", "init", "init_variance", "forget_bias", "hidden_size", "num_layers", "residual"}
_FOR_AGREEMENT = {
    # Small and quick to train, on windows that hold whole sentences; with larger rates nothing is remembered.
    "hidden_size": 64,
    # Gates that keep the past from the start: without, even an LSTM finds out in none of the steps that it pays.
    "forget_bias": 2.0,
    "num_layers": 1,
    "batch_size": 64,
    "sequence_length": 160,
    "learning_rate": 0.005,
}
_OF_TRAINING = {"batch_size", "sequence_length", "learning_rate", "clip_norm"}


@settings_options(
    GradientsConfig,
    DataConfig,
    TokenizerConfig,
    (ModelConfig, _OF_NETWORKS),
    (TrainingConfig, _OF_TRAINING),
    (RunSettings, {"seed", "device"}),
)
def gradients(
    *,
    ctx: typer.Context,
    flags: Mapping[str, Any],
    text: Texts = None,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how far back a loss reaches: the norm of its gradient with respect to earlier states, cell by cell.

    Each cell is looked at with its first weights, and again after a short training on TEXT. Nothing is kept.
    """
    from charlm.cli.console import make_display, print_json
    from charlm.cli.curves import print_curves
    from charlm.cli.interrupts import interruptible
    from charlm.cli.plots import plot_curves, require_plots

    if plot is not None:
        require_plots()
    settings = section_config(GradientsConfig, flags)
    config = free_config(text=tuple(text or ("builtin:python-docs",)), flags=flags)
    with interruptible():
        from charlm.runs.gradients import inspect_gradients
        from charlm.runs.workspace import Workspace

        data = config.data
        stdin = standard_input(*data.corpus, *data.valid, *data.test)
        curves = inspect_gradients(settings, config, Workspace(), make_display(quiet=quiet), stdin=stdin)
    named = {
        f"{curve.cell}, {f'{curve.steps:,} steps' if curve.steps else 'first weights'}": curve.norms for curve in curves
    }
    if plot is not None:
        plot_curves(named, plot, x="symbols back", y="gradient norm", first=1)
    if json:
        print_json([asdict(curve) for curve in curves])
        return
    print_curves(named, heading="symbols back", first=1)
    for curve in curves:
        if curve.largest is not None and curve.clipped is not None:
            sys.stdout.write(
                f"{curve.cell}: largest gradient in training {curve.largest:.2f}, cut to {config.training.clip_norm:g} "
                f"in {curve.clipped:.0%} of the steps\n"
            )


@settings_options(ActivationsConfig)
def activations(*, ctx: typer.Context, flags: Mapping[str, Any], plot: Plot = None, json: Json = False) -> None:
    """Shows how activations explode, hold or die in a ReLU layer, by the variance of its recurrent matrix.

    There is an input at the first symbol only; norms are shares of the first.
    """
    from charlm.cli.console import print_json
    from charlm.cli.curves import print_curves
    from charlm.cli.plots import plot_curves, require_plots
    from charlm.errors import ConfigError

    if plot is not None:
        require_plots()
    settings = section_config(ActivationsConfig, flags)
    try:
        variances = [float(each) for each in settings.variances.split(",")]
    except ValueError:
        raise ConfigError(f"--variances {settings.variances} is not numbers with commas, such as 3,2,1.5.") from None
    if not all(0 < variance < 1e6 for variance in variances):
        raise ConfigError("--variances are numbers above 0.")

    from charlm.evaluation.activations import activation_norms

    named = {
        f"variance {variance:g}/n": tuple(
            activation_norms(variance, units=settings.units, symbols=settings.symbols, seed=settings.seed)
        )
        for variance in variances
    }
    if plot is not None:
        plot_curves(named, plot, x="symbol", y="norm of the activations", first=1)
    if json:
        print_json(named)
    else:
        print_curves(named, heading="symbol", first=1)


@settings_options(
    AgreementConfig,
    (ModelConfig, _OF_NETWORKS),
    (TrainingConfig, _OF_TRAINING),
    (RunSettings, {"seed", "device"}),
)
def agreement(
    *, ctx: typer.Context, flags: Mapping[str, Any], plot: Plot = None, json: Json = False, quiet: Quiet = False
) -> None:
    """Shows over which distance a cell remembers whether a subject was one or many.

    Each cell is trained on generated sentences such as "The cat, which already ate the egg and the plums, was full."
    and asked which verb is right in others, at growing distance; half are right by chance. Unless said otherwise,
    they have one layer of 64 units, a forget bias of 2, and learn at a rate of 0.005 from 64 windows of 160 symbols.
    """
    from charlm.cli.console import make_display, plain_console, print_json
    from charlm.cli.curves import table
    from charlm.cli.interrupts import interruptible
    from charlm.cli.plots import plot_agreement, require_plots

    if plot is not None:
        require_plots()
    settings = section_config(AgreementConfig, flags)
    config = free_config(text=("generated",), flags=_FOR_AGREEMENT | dict(flags))
    with interruptible():
        from charlm.runs.agreement import inspect_agreement

        results = inspect_agreement(settings, config, make_display(quiet=quiet))
    if plot is not None:
        plot_agreement(results, plot)
    if json:
        print_json([asdict(each) for each in results])
        return
    rows = [
        (
            str(results[0].answers[place].things),
            f"{results[0].answers[place].distance:.0f}",
            *(f"{each.answers[place].right:.1%}" for each in results),
        )
        for place in range(settings.longest + 1)
    ]
    plain_console(sys.stdout).print(table(("things", "characters", *(each.cell for each in results)), rows))


def gates(
    *,
    run: Run,
    symbols: Annotated[int, typer.Option("--symbols", min=32, help="How many symbols the model reads.")] = 20_000,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how often the gates of RUN are nearly shut (below 0.1) or nearly open (above 0.9) while it reads."""
    from charlm.cli.console import make_display, plain_console, print_json
    from charlm.cli.curves import table
    from charlm.cli.figures import sparkline
    from charlm.cli.interrupts import interruptible
    from charlm.cli.plots import plot_gates, require_plots

    if plot is not None:
        require_plots()
    with interruptible():
        from charlm.runs.gates import inspect_gates
        from charlm.runs.workspace import Workspace

        activities = inspect_gates(run, Workspace(), make_display(quiet=quiet), symbols=symbols)
    if plot is not None:
        plot_gates(activities, plot)
    if json:
        print_json([asdict(each) for each in activities])
        return
    rows = [
        (
            str(each.layer + 1),
            each.gate,
            f"{each.left_saturated:.1%}",
            f"{each.right_saturated:.1%}",
            sparkline(each.histogram),
        )
        for each in activities
    ]
    plain_console(sys.stdout).print(table(("layer", "gate", "below 0.1", "above 0.9", "0 … 1"), rows))
