"""The recurrent cells: one table of what distinguishes them, from which all else that is particular to one is found.

A new cell is a row of `CELLS`, its torch layer and its step; docs/extending.md adds one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Shapes = dict[str, tuple[int, ...]]
LayerShapes = Callable[[int, int], Shapes]
"""From a layer's number of inputs and its number of units to the names and shapes of its weights."""


@dataclass(frozen=True)
class Gate:
    """One block of a layer's matrices, with as many rows as the layer has units.

    Attributes:
        name: in the field's words.
        is_logistic: it ends in a logistic function; otherwise in tanh or another activation.
        has_inner_bias: another gate multiplies what comes from the state, and the state's bias with it, so that this
            bias cannot be added to that of the inputs.
    """

    name: str
    is_logistic: bool = True
    has_inner_bias: bool = False


@dataclass(frozen=True)
class CarriedState:
    """One array that a network of this cell carries from symbol to symbol.

    Attributes:
        name: its letter in the equations.
        is_shared: all layers share one; otherwise each has its own.
        size: what its numbers are counted by.
    """

    name: str
    is_shared: bool = False
    size: Literal["hidden", "vocabulary"] = "hidden"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A recurrent cell.

    A cell stands alone where its layers can be read one after the other, each over a whole text. The others are
    networks of their own: their `layer` is the whole network, and their `step` the whole step model.

    Attributes:
        layer: where its torch layer is, `module:class`. A layer is made of the number of its inputs and of its units,
            and maps inputs and the state before them to outputs and the state after them, as torch's own layers do.
        step: where its step is, `module:class`; charlm/stepping/cells/base.py says what a step is.
        gates: in the order in which a layer's matrices store them.
        states: what it carries; the first is its output.
        layer_shapes: names and shapes of a layer's weights; `gated_shapes` for layers that name them as torch does.
        learning_rate: the usual highest one at 192 units.
        stands_alone: see above.
        keeping_gate: the gate that keeps the past, whose first bias can be set; None for none.
        keeping_bias: its usual first bias.
        settings: names of the model's settings that its layer and its step take, beside sizes.
        splits_products: inputs and state need products of their own, as where a reset gate acts on one of the two.
        gates_see_memory: the gates depend on more than a layer's inputs and its last output.
        weights_by_symbol: names of weights beside the layers' that have a row of `hidden` numbers for each symbol.
        uses_onednn: on a CPU its layer is oneDNN's, which has bfloat16 only where the processor has AVX-512.
        matrix_pairs: matrices of a layer for its inputs, and as many for its state; None for one pair a gate.
    """

    layer: str
    step: str
    gates: tuple[Gate, ...]
    states: tuple[CarriedState, ...]
    layer_shapes: LayerShapes
    learning_rate: float
    stands_alone: bool = True
    keeping_gate: str | None = None
    keeping_bias: float = 0.0
    settings: tuple[str, ...] = ()
    splits_products: bool = False
    gates_see_memory: bool = False
    weights_by_symbol: tuple[str, ...] = ()
    uses_onednn: bool = False
    matrix_pairs: int | None = None

    @property
    def num_matrix_pairs(self) -> int:
        """Matrices of a layer for its inputs, and as many for its state."""
        return len(self.gates) if self.matrix_pairs is None else self.matrix_pairs


def gated_shapes(num_gates: int, *, num_biases: int = 1, num_peepholes: int = 0) -> LayerShapes:
    """Returns the shapes of a layer that names its weights as torch's layers do.

    Args:
        num_biases: two in torch's own layers, which have one for the inputs and one for the state.
        num_peepholes: vectors that a memory is multiplied by.
    """

    def shapes(num_inputs: int, num_units: int) -> Shapes:
        rows = num_gates * num_units
        biases = ("bias_ih_l0", "bias_hh_l0")[:num_biases]
        matrices = {"weight_ih_l0": (rows, num_inputs), "weight_hh_l0": (rows, num_units)}
        peepholes = {"weight_peephole_l0": (num_peepholes, num_units)} if num_peepholes else {}
        return {**matrices, **dict.fromkeys(biases, (rows,)), **peepholes}

    return shapes


def dense_shapes(num_inputs: int, num_units: int) -> Shapes:
    """Returns the shapes of a layer of one matrix and one bias."""
    return {"weight": (num_units, num_inputs), "bias": (num_units,)}


def _spatiotemporal_shapes(num_inputs: int, num_units: int) -> Shapes:
    return {
        "inputs.weight": (7 * num_units, num_inputs),
        "inputs.bias": (7 * num_units,),
        "states.weight": (4 * num_units, num_units),
        "shared.weight": (3 * num_units, num_units),
        "memories.weight": (2 * num_units, 2 * num_units),
    }


_CANDIDATE = Gate("candidate", is_logistic=False)
_LSTM_GATES = (Gate("input"), Gate("forget"), _CANDIDATE, Gate("output"))
_GRU_GATES = (Gate("reset"), Gate("update"))
_HIDDEN, _MEMORY = CarriedState("h"), CarriedState("c")

_LSTM = Cell(
    layer="charlm.models.cells.lstm:LSTM",
    step="charlm.stepping.cells.lstm:LstmStep",
    gates=_LSTM_GATES,
    states=(_HIDDEN, _MEMORY),
    layer_shapes=gated_shapes(4, num_biases=2),
    learning_rate=0.03,
    keeping_gate="forget",
    keeping_bias=1.0,
)
_GRU = Cell(
    layer="charlm.models.cells.gru:GRU",
    step="charlm.stepping.cells.gru:GruStep",
    gates=(*_GRU_GATES, Gate("candidate", is_logistic=False, has_inner_bias=True)),
    states=(_HIDDEN,),
    layer_shapes=gated_shapes(3, num_biases=2),
    learning_rate=0.012,
    keeping_gate="update",
    splits_products=True,
)

CELLS: dict[str, Cell] = {
    "lstm": replace(_LSTM, uses_onednn=True),
    "lstm-peephole": replace(
        _LSTM,
        layer="charlm.models.cells.lstm_peephole:PeepholeLSTM",
        step="charlm.stepping.cells.lstm:PeepholeLstmStep",
        layer_shapes=gated_shapes(4, num_peepholes=3),
        gates_see_memory=True,
    ),
    "st-lstm": Cell(
        layer="charlm.models.st_lstm:SpatiotemporalLanguageModel",
        step="charlm.stepping.st_lstm:SpatiotemporalStepModel",
        gates=(
            *_LSTM_GATES,
            *(Gate("shared input"), Gate("shared forget"), Gate("shared candidate", is_logistic=False)),
        ),
        states=(_HIDDEN, _MEMORY, CarriedState("m", is_shared=True)),
        layer_shapes=_spatiotemporal_shapes,
        learning_rate=0.01,
        stands_alone=False,
        gates_see_memory=True,
        matrix_pairs=9,
    ),
    "gru": _GRU,
    "gru-reset-before": replace(
        _GRU,
        layer="charlm.models.cells.gru_reset_before:ResetBeforeGRU",
        step="charlm.stepping.cells.gru:ResetBeforeGruStep",
        gates=(*_GRU_GATES, _CANDIDATE),
        layer_shapes=gated_shapes(3),
    ),
    "gru-simple": replace(
        _GRU,
        layer="charlm.models.cells.gru_simple:SimpleGRU",
        step="charlm.stepping.cells.gru:SimpleGruStep",
        gates=(Gate("update"), _CANDIDATE),
        layer_shapes=gated_shapes(2),
        splits_products=False,
    ),
    "rnn": Cell(
        layer="charlm.models.cells.rnn:RNN",
        step="charlm.stepping.cells.rnn:RnnStep",
        gates=(Gate("hidden", is_logistic=False),),
        states=(_HIDDEN,),
        layer_shapes=gated_shapes(1, num_biases=2),
        learning_rate=0.015,
        settings=("nonlinearity",),
    ),
    "jordan": Cell(
        layer="charlm.models.jordan:JordanLanguageModel",
        step="charlm.stepping.jordan:JordanStepModel",
        gates=(Gate("hidden", is_logistic=False),),
        states=(CarriedState("y", is_shared=True, size="vocabulary"),),
        layer_shapes=dense_shapes,
        learning_rate=0.015,
        stands_alone=False,
        settings=("nonlinearity", "feedback"),
        weights_by_symbol=("feedback.weight",),
    ),
}
"""The cells by name."""


def cell_names() -> tuple[str, ...]:
    """Returns the names of all cells."""
    return tuple(CELLS)


def standing_alone() -> tuple[str, ...]:
    """Returns the names of the cells that stand alone."""
    return tuple(name for name, cell in CELLS.items() if cell.stands_alone)


def with_keeping_gate() -> tuple[str, ...]:
    """Returns the names of the cells with a gate that keeps the past, whose first bias can be set."""
    return tuple(name for name, cell in CELLS.items() if cell.keeping_gate is not None)


def with_setting(setting: str) -> tuple[str, ...]:
    """Returns the names of the cells that take a setting of the model's beside its sizes."""
    return tuple(name for name, cell in CELLS.items() if setting in cell.settings)
