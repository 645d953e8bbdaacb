"""The recurrent language model, one symbol at a time, without a framework's cost of each call.

Weights are laid out once. A symbol's way through the first layer's input matrix is looked up, not
computed: the embedding, that matrix and all biases are folded into a table `[vocabulary, gates, hidden]`.
In the higher layers, one product serves a layer's inputs and its last output, which lie side by side in
one buffer. A step allocates nothing, but for norms. See docs/decisions/0004-step-engine.md.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, final

import numpy as np

from charlm.cells import Cell
from charlm.stepping.base import EXACT_STREAMS, Arrays, Floats, HeldUnit, State, StepModel, Symbols, float32_copy
from charlm.stepping.cells.base import Addend, BoundLayer, CellStep
from charlm.stepping.held import HeldModel
from charlm.stepping.matrices import Float32Matrix, Matrix, Product, multiply_unshared
from charlm.stepping.norms import Norm, normalize
from charlm.stepping.parameters import LayerParameters, layer_parameters

READING_CHUNK = 1024
"""Symbols of a text that `read` takes through one layer before the next; bounds its memory."""

MatrixMaker = Callable[[Floats], Matrix]


@final
class StepEngine:
    """A StepModel of weights in memory.

    Args:
        cell: what its layers are.
        make_step: from a layer and its buffers to its recurrence.
        residual: a layer's input is added to its output where both have the same size.
        make_matrix: how the layers' weights are kept.
        make_output: how those of the output layer are.
    """

    def __init__(
        self,
        weights: Arrays,
        *,
        cell: Cell,
        num_layers: int,
        make_step: Callable[[BoundLayer], CellStep],
        residual: bool,
        make_matrix: MatrixMaker,
        make_output: MatrixMaker = Float32Matrix,
    ) -> None:
        self.layers = [layer_parameters(weights, index, cell=cell) for index in range(num_layers)]
        first, *others = self.layers
        self.num_states = len(cell.states)
        self.make_step = make_step
        self.residual = residual
        self.embedding = float32_copy(weights["embedding.weight"])
        self.table = _project_inputs(first, self.embedding, multiply=multiply_unshared)
        self.hidden_size = self.table.shape[2]
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.exact_streams = EXACT_STREAMS
        self.output = make_output(float32_copy(weights["output.weight"])[None])
        # A layer's product with its last output, or with its inputs and that; and the one with its inputs alone.
        self.matrices: list[tuple[Matrix, Matrix | None]] = [(make_matrix(first.recurrent), None)]
        for layer in others:
            if cell.splits_products:
                self.matrices.append((make_matrix(layer.recurrent), make_matrix(layer.inputs)))
            else:
                self.matrices.append((make_matrix(np.concatenate([layer.inputs, layer.recurrent], axis=2)), None))

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros `[layers, batch, hidden]`."""
        shape = (len(self.layers), batch_size, self.hidden_size)
        return tuple(np.zeros(shape, dtype=np.float32) for _ in range(self.num_states))

    def stepper(self, state: State) -> "EngineStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        return EngineStepper(self, state)

    def observed(self, held: Sequence[HeldUnit]) -> StepModel:
        """Returns the network with the values of all units in its state, as `StepNetwork` says."""
        return HeldModel(self, held)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text.

        A layer reads a stretch of the text before the next layer does, so that only its recurrent
        weights are needed symbol by symbol, and they stay in the processor's cache.
        """
        for start in range(0, len(tokens), READING_CHUNK):
            state = self._read_chunk(tokens[start : start + READING_CHUNK], state)
        return state

    def _read_chunk(self, tokens: Symbols, state: State) -> State:
        after = []
        values = self.embedding[tokens]
        for index, layer in enumerate(self.layers):
            projections = self.table[tokens] if index == 0 else _project_inputs(layer, values)
            outputs, layer_state = self._read_layer(layer, projections, tuple(part[index] for part in state))
            after.append(layer_state)
            values = normalize(outputs + values if self.adds_inputs(layer) else outputs, layer.norm)
        return _stacked(after)

    def _read_layer(
        self, layer: LayerParameters, projections: Floats, state: State
    ) -> tuple[Floats, tuple[Floats, ...]]:
        """Returns a layer's outputs `[time, hidden]` and its state after the last.

        Args:
            projections: of its inputs, biases added, `[time, gates, hidden]`.
            state: its state before the first, `[1, hidden]` each.
        """
        now = np.empty((len(layer.bias), 1, self.hidden_size), dtype=np.float32)
        hidden = np.empty((1, self.hidden_size), dtype=np.float32)
        product = Float32Matrix(layer.recurrent).bind(hidden)
        recurrence = self.make_step(BoundLayer(product, lambda: now, hidden, layer))
        _set_state(recurrence, state)
        outputs = np.empty((len(projections), self.hidden_size), dtype=np.float32)
        for projection, output in zip(projections, outputs, strict=True):
            now[:, 0] = projection
            recurrence.step()
            output[:] = hidden[0]
        return outputs, recurrence.state

    def adds_inputs(self, layer: LayerParameters) -> bool:
        """Returns whether a layer's input is added to its output."""
        return self.residual and layer.inputs.shape[2] == self.hidden_size


class _BoundStep(NamedTuple):
    """One layer of a stepper: `hidden`, which its recurrence writes, and `added` make up `outputs`, then normalised."""

    recurrence: CellStep
    hidden: Floats
    added: Floats | None
    outputs: Floats
    norm: Norm | None


@final
class EngineStepper:
    """Streams that an engine reads, on buffers of their own."""

    def __init__(self, engine: StepEngine, state: State) -> None:
        num_streams, size = state[0].shape[1:]
        self._table = engine.table
        self._projections = np.empty((num_streams, *engine.table.shape[1:]), dtype=np.float32)
        self._embedding = engine.embedding
        self._embedded = np.empty((num_streams, engine.embedding.shape[1]), dtype=np.float32)
        self._layers: list[_BoundStep] = []
        # A layer's buffer holds its inputs and, beside them, its last output; the first one's inputs are not needed.
        buffers = [np.zeros((num_streams, size), dtype=np.float32)]
        buffers += [np.zeros((num_streams, 2 * size), dtype=np.float32) for _ in engine.layers[1:]]
        top = np.zeros((num_streams, size), dtype=np.float32)
        outputs = [*(buffer[:, :size] for buffer in buffers[1:]), top]
        inputs = [self._embedded, *outputs]
        for index, layer in enumerate(engine.layers):
            hidden = buffers[index][:, -size:]
            addend, product = self._bind(engine, index, inputs[index], hidden, buffers[index])
            recurrence = engine.make_step(BoundLayer(product, addend, hidden, layer))
            _set_state(recurrence, tuple(part[index] for part in state))
            added = inputs[index] if engine.adds_inputs(layer) else None
            self._layers.append(_BoundStep(recurrence, hidden, added, outputs[index], layer.norm))
        self._needs_embedding = engine.adds_inputs(engine.layers[0])
        self._output = engine.output.bind(top)
        self._output_bias = engine.output_bias
        self._logits = np.empty((num_streams, engine.vocabulary_size), dtype=np.float32)

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol `[batch]` in every stream and returns the logits `[batch, vocabulary]` of the next."""
        # "clip" is the mode that needs no second buffer; there is nothing to clip.
        self._table.take(tokens, axis=0, out=self._projections, mode="clip")
        if self._needs_embedding:
            self._embedding.take(tokens, axis=0, out=self._embedded, mode="clip")
        for recurrence, hidden, added, outputs, norm in self._layers:
            recurrence.step()
            if added is None:
                np.copyto(outputs, hidden)
            else:
                np.add(hidden, added, out=outputs)
            normalize(outputs, norm)
        np.add(self._output()[0], self._output_bias, out=self._logits)
        return self._logits

    def state(self) -> State:
        """Returns a copy of the memory of all streams, `[layers, batch, hidden]` each."""
        return _stacked([layer.recurrence.state for layer in self._layers])

    def _bind(
        self, engine: StepEngine, index: int, inputs: Floats, hidden: Floats, buffer: Floats
    ) -> tuple[Addend, Product]:
        recurrent, separate = engine.matrices[index]
        if index == 0:
            projections = self._projections.transpose(1, 0, 2)
            return lambda: projections, recurrent.bind(hidden)
        bias = engine.layers[index].bias[:, None]
        if separate is None:
            return lambda: bias, recurrent.bind(buffer)
        product = separate.bind(inputs)
        added = np.empty((len(bias), *hidden.shape), dtype=np.float32)
        return lambda: np.add(product(), bias, out=added), recurrent.bind(hidden)


def _project_inputs(
    layer: LayerParameters, inputs: Floats, *, multiply: Callable[[Floats, Floats], Floats] = np.matmul
) -> Floats:
    """Returns the projection of inputs `[rows, inputs]` to a layer's gates, biases added, `[rows, gates, hidden]`.

    Args:
        multiply: computes the product; NumPy's own is faster, but its bits depend on the number of threads.
    """
    gates, size, num_inputs = layer.inputs.shape
    products = multiply(inputs, layer.inputs.reshape(gates * size, num_inputs).T)
    return products.reshape(len(inputs), gates, size) + layer.bias


def _set_state(recurrence: CellStep, state: State) -> None:
    for part, stored in zip(recurrence.state, state, strict=True):
        part[:] = stored


def _stacked(layers: Sequence[tuple[Floats, ...]]) -> State:
    return tuple(np.stack(parts) for parts in zip(*layers, strict=True))
