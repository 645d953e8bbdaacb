"""Makes a step model of a configuration and stored arrays."""

from collections.abc import Callable, Sequence
from functools import partial
from pkgutil import resolve_name
from typing import Any

from numpy.typing import NDArray

from charlm.cells import CELLS, Cell, Shapes, standing_alone
from charlm.config import ModelConfig, Weights
from charlm.errors import CheckpointError, ConfigError
from charlm.ngrams.model import NgramModel
from charlm.ngrams.stepping import NgramStepModel
from charlm.stepping.adaptive import AdaptiveStepModel
from charlm.stepping.base import Arrays, HeldUnit, StepModel, StepNetwork
from charlm.stepping.engine import MatrixMaker, StepEngine
from charlm.stepping.fixed_window import FixedWindowStepModel
from charlm.stepping.int8 import int8_matrix, rounds_inputs
from charlm.stepping.matrices import Float32Matrix, JointMatrix
from charlm.stepping.mixture import LinearGate, LogLinearGate, MixedStepModel
from charlm.stepping.shapes import weight_shapes

_SECONDS_TO_LOAD_TORCH = 1.0
_SECONDS_PER_WEIGHT, _SECONDS_PER_PRODUCT = 2.5e-11, 4e-6
"""What torch's products in 8 bits save at each symbol for each weight, and what each costs; measured
(docs/experiments.md)."""

NGRAMS = "ngrams"
"""What the arrays of a mixed model's n-grams are named by; its other parts are `network` and `gate`."""


def build_step_model(
    config: ModelConfig,
    arrays: Arrays,
    *,
    vocabulary_size: int,
    source: str,
    weights: Weights = "float32",
    held: Sequence[HeldUnit] = (),
    num_steps: int | None = None,
    jointly: bool = False,
) -> StepModel:
    """Returns the model that `config` describes, with the arrays that a checkpoint holds of it, to be stepped.

    Args:
        arrays: by the names that the model gives them.
        source: what messages call the place they are from.
        weights: how a network's are kept.
        held: units of a network that have a value of their own at every step.
        num_steps: symbols that will be read one by one, by which it is chosen whether int8 loads torch; None for very
            many. No result depends on it.
        jointly: whether many streams are computed together: faster for a network of recurrent layers in float32 and for
            n-grams, whose last bits then depend on the other streams, whatever `exact_streams` says.

    Raises:
        CheckpointError: they are not those of such a model.
        ConfigError: int8 was asked for and the model has no weights.
    """
    if config.model == "ngram":
        if weights != "float32":
            raise ConfigError("--weights int8 is for networks; an n-gram model has counts, not weights.")
        ngrams = NgramModel.from_arrays(arrays, order=config.order, vocabulary_size=vocabulary_size, source=source)
        return NgramStepModel(ngrams, jointly=jointly)
    _require_weights(arrays, weight_shapes(config, vocabulary_size=vocabulary_size), source=source)
    network = _build_network(config, arrays, kind=weights, num_steps=num_steps, jointly=jointly)
    stepped = network.observed(held) if held else network
    order = config.mixed_order
    if order is None:
        return stepped
    counts = section(arrays, NGRAMS)
    ngrams = NgramModel.from_arrays(counts, order=order, vocabulary_size=vocabulary_size, source=source)
    gate = {"log-linear": LogLinearGate, "linear": LinearGate}[config.known_mixing].from_arrays(section(arrays, "gate"))
    return MixedStepModel(stepped, NgramStepModel(ngrams, jointly=jointly), gate)


def build_observed(config: ModelConfig, arrays: Arrays, *, vocabulary_size: int, source: str) -> StepModel:
    """Returns a model's network, without n-grams, with the values of its units in its state; errors as above."""
    _require_weights(arrays, weight_shapes(config, vocabulary_size=vocabulary_size), source=source)
    return _build_network(config, arrays, kind="float32").observed(())


def build_adaptive(
    config: ModelConfig,
    arrays: Arrays,
    *,
    vocabulary_size: int,
    begin: int | None,
    source: str,
    end: int | None = None,
    line_end: int | None = None,
    learns: bool = True,
) -> AdaptiveStepModel:
    """Returns the model that `config` describes, which learns from what it reads; errors as above.

    Args:
        begin, end, line_end, learns: as `AdaptiveStepModel` says.
    """
    order, counts = (config.order, arrays) if config.model == "ngram" else (config.mixed_order, section(arrays, NGRAMS))
    network = None
    if config.model != "ngram":
        _require_weights(arrays, weight_shapes(config, vocabulary_size=vocabulary_size), source=source)
        network = _build_network(config, arrays, kind="float32")
    ngrams = None
    if order is not None:
        ngrams = NgramModel.from_arrays(counts, order=order, vocabulary_size=vocabulary_size, source=source)
    counted = None if ngrams is None else NgramStepModel(ngrams)
    return AdaptiveStepModel(network, counted, begin=begin, end=end, line_end=line_end, learns=learns)


def section(arrays: Arrays, name: str) -> dict[str, NDArray[Any]]:
    """Returns the arrays named `name.*`, without that prefix."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _require_weights(arrays: Arrays, shapes: Shapes, *, source: str) -> None:
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape:
            stored = f"of the shape {arrays[name].shape}" if name in arrays else "missing"
            raise CheckpointError(
                f"The weights in '{source}' do not fit the model they are stored with: {name} should be of the shape "
                f"{shape} and is {stored}."
            )


def _build_network(
    config: ModelConfig, arrays: Arrays, *, kind: Weights, num_steps: int | None = None, jointly: bool = False
) -> StepNetwork:
    weights = arrays if config.mixed_order is None else section(arrays, "network")
    cell = CELLS[config.cell] if config.model == "recurrent" else None
    if cell is not None and cell.stands_alone:
        in_float32 = _joint_maker() if jointly else Float32Matrix
        return StepEngine(
            weights,
            cell=cell,
            num_layers=config.num_layers,
            make_step=partial(resolve_name(cell.step), **_settings_of(cell, config)),
            residual=config.residual,
            make_matrix=in_float32 if kind == "float32" else _int8_maker(weights, cell, num_steps=num_steps),
            make_output=in_float32,
        )
    if kind != "float32":
        name = "a feed-forward network" if cell is None else config.cell
        raise ConfigError(f"--weights int8 is for the cells {', '.join(standing_alone())}, not for {name}.")
    layers: dict[str, Any] = {"num_layers": config.num_layers, "residual": config.residual}
    if cell is None:
        return FixedWindowStepModel(weights, window=config.window, **layers)
    make_network: Callable[..., StepNetwork] = resolve_name(cell.step)
    return make_network(weights, **_settings_of(cell, config), **layers)


def _settings_of(cell: Cell, config: ModelConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in cell.settings}


def _joint_maker() -> MatrixMaker:
    from charlm.stepping.joint_torch import TorchJointMatrix, can_multiply_packed

    return TorchJointMatrix if can_multiply_packed() else JointMatrix


def _matrix_sizes(weights: Arrays, cell: Cell) -> list[int]:
    """Returns the number of weights in each matrix that a step of all layers multiplies with."""
    sizes = [array.size for name, array in weights.items() if name.endswith(".weight_hh_l0")]
    return [sizes[0], *(2 * sizes[1:] if cell.splits_products else [2 * each for each in sizes[1:]])]


def _int8_maker(weights: Arrays, cell: Cell, *, num_steps: int | None) -> MatrixMaker:
    large = filter(rounds_inputs, _matrix_sizes(weights, cell))
    saved_per_step = sum(size * _SECONDS_PER_WEIGHT - _SECONDS_PER_PRODUCT for size in large)
    if saved_per_step > 0 and (num_steps is None or num_steps * saved_per_step > _SECONDS_TO_LOAD_TORCH):
        from charlm.stepping.int8_torch import TorchIntegers, sums_exactly

        if sums_exactly():
            return partial(int8_matrix, make_integers=TorchIntegers)
    return int8_matrix
