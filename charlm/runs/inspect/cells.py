"""Networks of several recurrent cells, trained side by side for a look at them; nothing is kept."""

from collections.abc import Iterator

import torch

from charlm.cells import cell_names
from charlm.config import CellName, RunConfig
from charlm.data.lanes import Batches
from charlm.errors import ConfigError
from charlm.models.base import Network
from charlm.notation import Mix
from charlm.runs.reporting import Reporter
from charlm.runs.train.settings import with_defaults_of_width, with_settings
from charlm.runs.train.setup import build_trainer
from charlm.training.precision import resolve_precision
from charlm.training.trainer import StepResult


def cell_configs(names: str, config: RunConfig, *, steps: int) -> Iterator[tuple[CellName, RunConfig]]:
    """Returns the cells that a list with commas names, each with the configuration of its network alone.

    Raises:
        ConfigError: one of them is not known.
    """
    known = cell_names()
    chosen = [name.strip() for name in names.split(",")]
    if unknown := [name for name in chosen if name not in known]:
        raise ConfigError(f"--cells {unknown[0]} is not a recurrent cell; there are {', '.join(known)}.")
    return (
        (cell, with_defaults_of_width(with_settings(config, cell=cell, mix=Mix(None), steps=steps)))
        for cell in sorted((cell for cell in known if cell in chosen), key=chosen.index)
    )


def train_network(
    model: Network, config: RunConfig, batches: Batches, reporter: Reporter, *, device: torch.device
) -> list[StepResult]:
    """Trains a network for as many steps as its configuration says, and returns their results."""
    precision = resolve_precision(config.run.precision, device)
    trainer = build_trainer(config, batches, model, precision=precision, device=device)
    steps, results = config.training.steps or 0, []
    with reporter.progress(f"training {config.model.cell}", steps) as advance:
        for _ in range(steps):
            results.append(trainer.take_step())
            advance(1)
    return results
