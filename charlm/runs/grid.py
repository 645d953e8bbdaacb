"""The cells of a comparison: which models with how many layers, each as the configuration of a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from charlm.cells import cell_names
from charlm.config import ComparisonConfig, ModelConfig, Request, TrainingConfig, require_suited, validate
from charlm.errors import ConfigError
from charlm.models.build import build_network, count_parameters
from charlm.training.defaults import default_embedding_size

MOST_UNITS = 16384
"""Width up to which one with as many parameters is looked for."""


@dataclass(frozen=True)
class GridCell:
    """One model of a comparison.

    Attributes:
        name: of its run.
        kind: as it was asked for: lstm, mlp, ngram:5, …
        layers: None for n-gram models.
        size: units of the first model, which it has as many parameters as; None where only one size is asked for.
    """

    name: str
    kind: str
    layers: int | None
    model: ModelConfig
    size: int | None = None


def grid_cells(settings: ComparisonConfig, base: Request) -> list[GridCell]:
    """Returns the cells of the grid, models in the order they were named in.

    Raises:
        ConfigError: a model is not known or is there twice, there is none, or layers are asked for of n-gram models.
    """
    kinds = [kind.strip() for kind in settings.models.split(",") if kind.strip()]
    if not kinds:
        raise ConfigError(f"--models '{settings.models}' names no model; there are {', '.join(_known())}.")
    layers = [int(number) for number in settings.layers.split(",")]
    for numbers in (kinds, layers):
        twice = [each for place, each in enumerate(numbers) if each in numbers[:place]]
        if twice:
            raise ConfigError(f"{twice[0]} is named twice in --{'models' if numbers is kinds else 'layers'}.")
    cells = [cell for kind in kinds for cell in _cells(kind, layers, base)]
    if all(cell.layers is None for cell in cells):
        for name in ("layers", "sizes"):
            if name in base.asked:
                raise ConfigError(f"--{name} is for networks, and --models {settings.models} names none; leave it out.")
    return cells


def _known() -> tuple[str, ...]:
    return ("ngram:K", "mlp", "mlp:K", *cell_names())


def _cells(kind: str, layers: list[int], base: Request) -> Iterator[GridCell]:
    name, colon, span = kind.partition(":")
    spans = {"ngram": "order", "mlp": "window"}
    if (name not in spans and (colon or name not in cell_names())) or (name == "ngram" and not colon):
        raise ConfigError(f"--models {kind} is not a model charlm knows; there are {', '.join(_known())}.")
    if colon and not span.isdecimal():
        raise ConfigError(f"--models {kind} has no {spans[name]}; write for example {name}:5.")
    what = {"model": name} if name in spans else {"cell": name}
    settings = what | ({spans[name]: span} if colon else {})
    if name == "ngram":
        yield GridCell(f"{name}-{span}", kind, None, validate(ModelConfig, settings, source=f"--models {kind}"))
        return
    for number in layers:
        # Mixed with n-grams, models would differ less.
        values = base.config.model.model_dump() | settings | {"num_layers": number, "mix": "none"}
        model = validate(ModelConfig, values, source=f"--models {kind}")
        require_suited(model, base.asked | settings.keys(), source=f"--models {kind}")
        yield GridCell(f"{kind.replace(':', '-')}-{number}", kind, number, model)


def cells_of_equal_parameters(settings: ComparisonConfig, base: Request, *, vocabulary_size: int) -> list[GridCell]:
    """Returns the cells of the grid, in each size those of networks with as many parameters as one another.

    Raises:
        ConfigError: a model is not known or is there twice, or no width gives one as many parameters as the others.
    """
    if settings.sizes is None:
        return with_equal_parameters(grid_cells(settings, base), vocabulary_size=vocabulary_size)
    cells: dict[str, GridCell] = {}
    for size in (int(number) for number in settings.sizes.split(",")):
        model = base.config.model.model_copy(update={"hidden_size": size})
        sized = grid_cells(settings, base.with_config(base.config.model_copy(update={"model": model})))
        for cell in with_equal_parameters(sized, vocabulary_size=vocabulary_size):
            if cell.layers is not None:
                cell = replace(cell, name=f"{cell.name}-{size}", size=size)
            cells[cell.name] = cell
    return list(cells.values())


def with_equal_parameters(cells: list[GridCell], *, vocabulary_size: int) -> list[GridCell]:
    """Returns the cells with widths that give each network as many parameters as the first one has.

    Raises:
        ConfigError: no width does.
    """
    networks = [cell for cell in cells if cell.layers is not None]
    if not networks:
        return cells
    wanted = _parameters_by_width(networks[0].model, vocabulary_size)(networks[0].model.hidden_size)
    return [
        cell if cell.layers is None else replace(cell, model=_fitted(cell, wanted, vocabulary_size)) for cell in cells
    ]


def _fitted(cell: GridCell, wanted: int, vocabulary_size: int) -> ModelConfig:
    count = _parameters_by_width(cell.model, vocabulary_size)
    low, high = 1, MOST_UNITS
    if not count(low) <= wanted <= count(high):
        raise ConfigError(
            f"No width gives {cell.kind} with {cell.layers} layers {wanted:,} parameters; choose another --hidden-size."
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= wanted else (low, middle)
    nearest = min((low, high), key=lambda width: abs(count(width) - wanted))
    return cell.model.model_copy(update={"hidden_size": nearest})


def _parameters_by_width(model: ModelConfig, vocabulary_size: int) -> Callable[[int], int]:
    """Returns how many parameters such a network has with so many units.

    Every matrix has as many rows and columns as there are units, times a constant or instead of them: the number
    is a polynomial of the second degree, and three small networks tell which (Newton's forward differences).
    """
    networks = [build_network(_with_width(model, width), vocabulary_size=vocabulary_size) for width in (1, 2, 3)]
    one, two, three = (count_parameters(network) for network in networks)
    first, second = two - one, three - 2 * two + one
    return lambda width: one + (width - 1) * first + (width - 1) * (width - 2) // 2 * second


def _with_width(model: ModelConfig, width: int) -> ModelConfig:
    model = model.model_copy(update={"hidden_size": width})
    return model.model_copy(update={"embedding_size": model.embedding_size or default_embedding_size(model)})


def run_request(cell: GridCell, base: Request) -> Request:
    """Returns what is asked of a cell's run; an n-gram model has no training."""
    config = base.config
    run = config.run.model_copy(update={"name": cell.name})
    if cell.layers is not None:
        asked = base.asked | {"num_layers", "mix"}
        return Request(config.model_copy(update={"model": cell.model, "run": run}), asked)
    run = run.model_copy(update={"device": "auto"})
    return Request(config.model_copy(update={"model": cell.model, "training": TrainingConfig(), "run": run}))
