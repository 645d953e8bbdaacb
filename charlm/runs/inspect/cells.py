"""The cells that a command looks at side by side."""

from charlm.cells import cell_names
from charlm.config import CellName, RunConfig
from charlm.errors import ConfigError
from charlm.notation import Mix


def chosen_cells(names: str) -> list[CellName]:
    """Returns the cells that a list with commas names.

    Raises:
        ConfigError: one of them is not known.
    """
    known = cell_names()
    chosen = [name.strip() for name in names.split(",")]
    if unknown := [name for name in chosen if name not in known]:
        raise ConfigError(f"--cells {unknown[0]} is not a recurrent cell; there are {', '.join(known)}.")
    return sorted((cell for cell in known if cell in chosen), key=chosen.index)


def with_cell(config: RunConfig, cell: str) -> RunConfig:
    """Returns the configuration of a network of this cell alone."""
    model = config.model.model_copy(update={"cell": cell, "mix": Mix(None)})
    return config.model_copy(update={"model": model})
