"""From a model's configuration and stored weights to the engine that steps it."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from charlm.cells import CELLS, standing_alone
from charlm.config import ModelConfig, Weights, mixed_order
from charlm.errors import CheckpointError, ConfigError
from charlm.ngrams.model import NgramModel
from charlm.ngrams.stepping import NgramStepModel
from charlm.stepping.base import Floats, StepModel
from charlm.stepping.cells import (
    Addend,
    Cell,
    GruCell,
    LstmCell,
    PeepholeLstmCell,
    ResetBeforeGruCell,
    RnnCell,
    SimpleGruCell,
)
from charlm.stepping.engine import CellMaker, EngineKind, MatrixMaker, StepEngine
from charlm.stepping.fixed_window import FixedWindowStepModel
from charlm.stepping.gate import Gate
from charlm.stepping.jordan import JordanStepModel
from charlm.stepping.matrices import Float32Matrix, Product
from charlm.stepping.mixture import MixedStepModel
from charlm.stepping.parameters import LayerParameters, arrange
from charlm.stepping.st_lstm import SpatiotemporalStepModel

NGRAMS = "ngrams"
"""What the arrays of a mixed model's n-grams are named by; its other parts are `network` and `gate`."""


def build_step_model(
    config: ModelConfig,
    arrays: Mapping[str, NDArray[Any]],
    *,
    vocabulary_size: int,
    source: str,
    weights: Weights = "float32",
) -> StepModel:
    """Returns the model that `config` describes, made of what a checkpoint holds of it, to be stepped.

    Args:
        arrays: by the names that the model gives them.
        source: what messages call the place they are from.
        weights: how a network's are kept; int8 loads torch.

    Raises:
        CheckpointError: they are not those of such a model.
        ConfigError: int8 was asked for and the model has no weights.
        CharlmError: int8 was asked for and this torch has no kernels for it.
    """
    if config.model == "ngram":
        if weights != "float32":
            raise ConfigError("--weights int8 is for networks; an n-gram model has counts, not weights.")
        ngrams = NgramModel.from_arrays(arrays, order=config.order, vocabulary_size=vocabulary_size, source=source)
        return NgramStepModel(ngrams)
    order = mixed_order(config.mix)
    if order is None:
        return _build_network(config, arrays, source=source, kind=weights)
    counts = section(arrays, NGRAMS)
    ngrams = NgramModel.from_arrays(counts, order=order, vocabulary_size=vocabulary_size, source=source)
    try:
        gate = Gate.from_arrays(section(arrays, "gate"), order=order)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"The gate in '{source}' does not fit its model: {error}.") from None
    network = _build_network(config, section(arrays, "network"), source=source, kind=weights)
    return MixedStepModel(network, NgramStepModel(ngrams), gate)


def _build_network(
    config: ModelConfig, weights: Mapping[str, NDArray[Any]], *, source: str, kind: Weights
) -> StepModel:
    if config.model == "recurrent" and CELLS[config.cell].stands_alone:
        return build_engine(config, weights, source=source, kind=kind)
    if kind != "float32":
        name = config.cell if config.model == "recurrent" else "a feed-forward network"
        raise ConfigError(f"--weights int8 is for the cells {', '.join(standing_alone())}, not for {name}.")
    try:
        if config.model == "recurrent" and config.cell == "jordan":
            return JordanStepModel(
                weights,
                num_layers=config.num_layers,
                nonlinearity=config.nonlinearity,
                forced=config.feedback == "target",
                residual=config.residual,
            )
        if config.model == "recurrent":
            return SpatiotemporalStepModel(weights, num_layers=config.num_layers, residual=config.residual)
        return FixedWindowStepModel(
            weights, window=config.window, num_layers=config.num_layers, residual=config.residual
        )
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in '{source}' do not fit the model they are stored with: {error}") from None


def section(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    """Returns the arrays named `name.*`, without that prefix."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def build_engine(
    config: ModelConfig, weights: Mapping[str, NDArray[Any]], *, source: str, kind: Weights = "float32"
) -> StepEngine:
    """Returns the engine of the model that `config` describes.

    Args:
        weights: the model's, named as its modules name them.
        source: what messages call the place the weights are from.
        kind: how the recurrent layers' weights are kept; int8 loads torch.

    Raises:
        CheckpointError: the weights are not those of such a model.
        CharlmError: int8 was asked for and this torch has no kernels for it.
    """
    try:
        parameters = arrange(weights, cell=CELLS[config.cell], num_layers=config.num_layers)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in '{source}' do not fit the model they are stored with: {error}") from None
    cell = CELLS[config.cell]
    layer_matrix, output_matrix = _matrices(kind)
    engine_kind = EngineKind(
        make_cell=_cell_maker(config),
        num_states=len(cell.states),
        separate_inputs=cell.splits_products,
        residual=config.residual,
        layer_matrix=layer_matrix,
        output_matrix=output_matrix,
    )
    return StepEngine(parameters, engine_kind)


def _matrices(kind: Weights) -> tuple[MatrixMaker, MatrixMaker]:
    if kind == "float32":
        return Float32Matrix, Float32Matrix
    # Here, so that only int8 loads torch.
    from charlm.stepping.int8 import Int8Matrix, TorchMatrix

    return Int8Matrix, TorchMatrix


def _cell_maker(config: ModelConfig) -> CellMaker:
    def make(layer: LayerParameters, product: Product, addend: Addend, hidden: Floats) -> Cell:
        match config.cell:
            case "lstm":
                return LstmCell(product, addend, hidden)
            case "lstm-peephole":
                assert layer.peepholes is not None
                return PeepholeLstmCell(product, addend, hidden, peepholes=layer.peepholes)
            case "gru":
                return GruCell(product, addend, hidden, candidate_bias=layer.candidate_bias)
            case "gru-reset-before":
                return ResetBeforeGruCell(product, addend, hidden, recurrent=layer.recurrent)
            case "gru-simple":
                return SimpleGruCell(product, addend, hidden)
            case "rnn":
                return RnnCell(product, addend, hidden, activation=config.nonlinearity)
            case "jordan" | "st-lstm":
                raise AssertionError(f"{config.cell} has an engine of its own")

    return make
