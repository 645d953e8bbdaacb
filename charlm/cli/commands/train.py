"""`charlm train`: a new run, or the continuation of one."""

import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.text import print_json, print_line
from charlm.cli.interrupts import interruptible
from charlm.cli.options import flag, settings_options
from charlm.cli.parameters import Json, OptionalTexts, Quiet, standard_input
from charlm.cli.settings import run_request, section_config
from charlm.cli.startup import fast_imports
from charlm.config import DataConfig, ModelConfig, RunSettings, TokenizerConfig, TrainingConfig
from charlm.distributed.place import told_by_first
from charlm.errors import ConfigError
from charlm.notation import visible
from charlm.runs.stored.workspace import Workspace

if TYPE_CHECKING:
    from charlm.config import RunConfig
    from charlm.runs.stored.record import TrainingPlan
    from charlm.runs.train.result import TrainResult

_ALLOWED_ON_RESUMING = ("steps", "epochs", "budget", "device")


@settings_options(DataConfig, TokenizerConfig, ModelConfig, TrainingConfig, RunSettings)
def train(
    *,
    flags: Mapping[str, Any],
    text: OptionalTexts = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A TOML file with settings; options override it.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Resume this run exactly where it stopped, or from the path of one of its step-N.safetensors.",
            autocompletion=run_names,
        ),
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            "--init-from",
            metavar="RUN",
            help="Fine-tune: start with the weights of this run, on another text.",
            autocompletion=run_names,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            metavar="",
            help="Read the text and print the settings and what a budget chooses as TOML for --config; write nothing.",
        ),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            metavar="",
            help="Write events for TensorBoard, too, under the run's folder; resuming goes on with them (needs the "
            "extra `tensorboard`).",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Trains a model on TEXT, saves it under checkpoints/, and prints its scores.

    Ctrl-C finishes the current step, saves, and prints the command to resume.
    """
    started = time.monotonic()
    overrides: dict[str, Any] = {}
    with told_by_first():
        if resume is not None:
            others = {"TEXT": text, "--config": config, "--init-from": init_from, "--dry-run": dry_run}
            overrides = _overrides(flags, others=[name for name, value in others.items() if value])
        else:
            request = run_request(text=tuple(text or ()), flags=flags, file=config)
            data = request.config.data
            stdin = standard_input(*data.corpus, *data.valid, *data.test)

    with fast_imports():
        from charlm.cli.display.progress import make_display
        from charlm.distributed.joining import joined
        from charlm.runs.reporting import StopRequest
        from charlm.runs.train.resume import resume as resume_run
        from charlm.runs.train.start import plan_run, start
        from charlm.runs.train.tensorboard import TensorBoardReporter, require_tensorboard
        from charlm.runs.train.together import RUN

    if tensorboard:
        with told_by_first():
            require_tensorboard()
    stop, workspace = StopRequest(), Workspace()
    with joined() as world:
        display = make_display(stop, quiet=quiet or not world.is_first)
        if dry_run:
            settle = partial(plan_run, request, workspace, display, init_from=init_from, stdin=stdin, started=started)
            world.by_first(lambda: _print_plan(*settle()))
            return
        # A launcher that has started the processes again wants the run that they had begun.
        run = resume or world.remembered(RUN)
        has_events = world.is_first and (tensorboard or run is not None)
        reporter = TensorBoardReporter(display, is_new=tensorboard) if has_events else display
        with interruptible(stop, display.stopping):
            try:
                if run is not None:
                    result = resume_run(run, workspace, reporter, stop, overrides=overrides, world=world)
                else:
                    begin = partial(start, init_from=init_from, stdin=stdin, started=started, world=world)
                    result = begin(request, workspace, reporter, stop)
            except KeyboardInterrupt:
                if world.is_first:
                    print_line(_stopped_at_once(display.run, resumed=run), sys.stderr)
                raise
        if world.is_first:
            _print_result(result, json=json)
    if result.interrupted:
        raise typer.Exit(128 + stop.signal)


def _print_plan(settings: "RunConfig", plan: "TrainingPlan") -> None:
    from charlm.checkpointing.run_folder import dump_config

    print_line(dump_config(settings, comment=visible(plan.reasons)).removesuffix("\n"), sys.stdout)


def _stopped_at_once(run: Path | None, *, resumed: str | None) -> str:
    """Returns a sentence on a training that was stopped at once: what is on the disk.

    Args:
        run: the folder of a training that has begun.
        resumed: the run that it was to go on with.
    """
    from charlm.cli.display.results import resume_command

    if run is not None:
        return f"Stopped at once. Resume from the last checkpoint: {resume_command(run)}"
    if resumed is not None:
        return f"Stopped before the first step: nothing was trained, and run '{resumed}' is as it was."
    return (
        "Stopped before the first step: nothing was trained, and no run was made. What was encoded of the text is kept "
        "in 'data' and used the next time."
    )


def _print_result(result: "TrainResult", *, json: bool) -> None:
    from charlm.cli.display.console import plain_console
    from charlm.cli.display.results import print_training, resume_command, training_json

    if json:
        print_json(training_json(result))
    elif not result.interrupted:
        print_training(plain_console(sys.stdout), result)
    if result.interrupted:
        sys.stdout.flush()
        print_line(
            f"Interrupted after step {result.steps:,} of {result.total_steps:,}; everything is saved. "
            f"Resume with:\n{resume_command(result.run)}",
            sys.stderr,
        )


def _overrides(flags: Mapping[str, Any], *, others: list[str]) -> dict[str, Any]:
    """Returns the settings that may change on resuming, checked; any other argument is refused."""
    if refused := others + [flag(name) for name in flags if name not in _ALLOWED_ON_RESUMING]:
        allowed = ", ".join(flag(name) for name in _ALLOWED_ON_RESUMING)
        raise ConfigError(
            f"{refused[0]} cannot be given with --resume, which keeps the run's own settings; "
            f"only {allowed} can be changed."
        )
    sections = (section_config(section, flags) for section in (TrainingConfig, RunSettings))
    return {name: value for section in sections for name, value in section if name in flags}
