"""Networks of several recurrent cells, trained side by side for a look at them; nothing is kept."""

from collections.abc import Iterator

from charlm.cells import cell_names
from charlm.config import CellName, RunConfig
from charlm.errors import ConfigError
from charlm.notation import Mix
from charlm.runs.reporting import Reporter
from charlm.runs.train.settings import with_defaults_of_width, with_settings
from charlm.training.trainer import StepResult, Trainer


def cell_configs(names: str, config: RunConfig, *, steps: int) -> Iterator[tuple[CellName, RunConfig]]:
    """Returns the cells in a list with commas, each with its network's configuration; others are a ConfigError."""
    known = cell_names()
    chosen = [name.strip() for name in names.split(",")]
    if unknown := [name for name in chosen if name not in known]:
        raise ConfigError(f"--cells {unknown[0]} is not a recurrent cell; there are {', '.join(known)}.")
    return (
        (cell, with_defaults_of_width(with_settings(config, cell=cell, mix=Mix(None), steps=steps)))
        for cell in sorted((cell for cell in known if cell in chosen), key=chosen.index)
    )


def take_steps(trainer: Trainer, num_steps: int, reporter: Reporter, *, label: str) -> list[StepResult]:
    """Takes the first steps of a training, and returns their results."""
    results = []
    with reporter.progress(label, num_steps) as advance:
        for _ in range(num_steps):
            results.append(trainer.take_step())
            advance(1)
    return results
