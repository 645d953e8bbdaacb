"""`charlm train`: a new run, or the continuation of one."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.text import print_json, print_line
from charlm.cli.interrupts import interruptible
from charlm.cli.options import flag, settings_options
from charlm.cli.parameters import Json, OptionalTexts, Quiet, standard_input
from charlm.cli.settings import run_request, section_config
from charlm.cli.startup import fast_imports
from charlm.config import DataConfig, ModelConfig, RunSettings, TokenizerConfig, TrainingConfig
from charlm.errors import ConfigError
from charlm.notation import visible
from charlm.runs.stored.workspace import Workspace

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
    if resume is not None:
        others = {"TEXT": text, "--config": config, "--init-from": init_from, "--dry-run": dry_run}
        overrides = _overrides(flags, others=[name for name, value in others.items() if value])
    else:
        request = run_request(text=tuple(text or ()), flags=flags, file=config)
        data = request.config.data
        stdin = standard_input(*data.corpus, *data.valid, *data.test)

    with fast_imports():
        from charlm.checkpointing.run_folder import dump_config
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.progress import make_display
        from charlm.cli.display.results import print_training, resume_command, training_json
        from charlm.runs.reporting import StopRequest
        from charlm.runs.train.resume import resume as resume_run
        from charlm.runs.train.start import plan_run, start
        from charlm.runs.train.tensorboard import TensorBoardReporter, require_tensorboard

    if tensorboard:
        require_tensorboard()
    stop = StopRequest()
    display = make_display(stop, quiet=quiet)
    if dry_run:
        settings, plan = plan_run(request, Workspace(), display, init_from=init_from, stdin=stdin, started=started)
        print_line(dump_config(settings, comment=visible(plan.reasons)).removesuffix("\n"), sys.stdout)
        return
    reporter = TensorBoardReporter(display, is_new=tensorboard) if tensorboard or resume is not None else display
    with interruptible(stop, display.stopping) as interrupts:
        try:
            if resume is not None:
                result = resume_run(resume, Workspace(), reporter, stop, overrides=overrides)
            else:
                result = start(request, Workspace(), reporter, stop, init_from=init_from, stdin=stdin, started=started)
        except KeyboardInterrupt:
            if display.run is not None:
                command = resume_command(display.run)
                print_line(f"Stopped at once. Resume from the last checkpoint: {command}", sys.stderr)
            raise
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
        raise typer.Exit(interrupts.exit_code)


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
