"""The equations of the networks as graphs: one step, from a symbol and a state to logits and the next state.

The equations stand in charlm/models, with the order of the gates; the names of the weights are those of a checkpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlm.config import ModelConfig, Nonlinearity
from charlm.runs.export.graph import Graph, Value

_ACTIVATIONS: Mapping[Nonlinearity, Callable[[Value], Value]] = {
    "tanh": Value.tanh,
    "relu": Value.relu,
    "sigmoid": Value.sigmoid,
}

State = Sequence[Value]
"""What a network carries, or one layer of it."""


@dataclass(frozen=True)
class _Layer:
    """The weights of one layer, whose names begin alike, and the settings of its network."""

    graph: Graph
    name: str
    config: ModelConfig

    def weight(self, name: str) -> Value:
        return self.graph.weight(f"{self.name}.{name}")

    def of_inputs(self, inputs: Value) -> Value:
        return self.graph.linear(inputs, f"{self.name}.weight_ih_l0", f"{self.name}.bias_ih_l0")

    def of_state(self, hidden: Value) -> Value:
        """Returns the product with the last output; only some cells have a bias for it."""
        return self.graph.linear(hidden, f"{self.name}.weight_hh_l0", f"{self.name}.bias_hh_l0")

    def gates(self, inputs: Value, hidden: Value, number: int) -> list[Value]:
        """Returns the pre-activations of gates that only add what comes from the inputs and from the state."""
        return self.graph.split(self.of_inputs(inputs) + self.of_state(hidden), number)


def _lstm(layer: _Layer, inputs: Value, state: State) -> State:
    h, c = state
    i, f, g, o = layer.gates(inputs, h, 4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _lstm_peephole(layer: _Layer, inputs: Value, state: State) -> State:
    h, c = state
    i, f, g, o = layer.gates(inputs, h, 4)
    seen_by_i, seen_by_f, seen_by_o = layer.graph.split(layer.weight("weight_peephole_l0"), 3, axis=0)
    c = (f + seen_by_f * c).sigmoid() * c + (i + seen_by_i * c).sigmoid() * g.tanh()
    return (o + seen_by_o * c).sigmoid() * c.tanh(), c


def _gru(layer: _Layer, inputs: Value, state: State) -> State:
    (h,) = state
    r, z, n = layer.graph.split(layer.of_inputs(inputs), 3)
    r_state, z_state, n_state = layer.graph.split(layer.of_state(h), 3)
    n = (n + (r + r_state).sigmoid() * n_state).tanh()
    return (n + (z + z_state).sigmoid() * (h - n),)


def _gru_reset_before(layer: _Layer, inputs: Value, state: State) -> State:
    (h,) = state
    r, z, n = layer.graph.split(layer.of_inputs(inputs), 3)
    for_r, for_z, for_n = layer.graph.split(layer.weight("weight_hh_l0"), 3, axis=0)

    def product(hidden: Value, matrix: Value) -> Value:
        return layer.graph.apply("Gemm", hidden, matrix, transB=1)

    r, z = (r + product(h, for_r)).sigmoid(), (z + product(h, for_z)).sigmoid()
    n = (n + product(r * h, for_n)).tanh()
    return (n + z * (h - n),)


def _gru_simple(layer: _Layer, inputs: Value, state: State) -> State:
    (h,) = state
    z, n = layer.gates(inputs, h, 2)
    n = n.tanh()
    return (n + z.sigmoid() * (h - n),)


def _rnn(layer: _Layer, inputs: Value, state: State) -> State:
    (h,) = state
    return (_ACTIVATIONS[layer.config.nonlinearity](layer.of_inputs(inputs) + layer.of_state(h)),)


_CELLS: Mapping[str, Callable[[_Layer, Value, State], State]] = {
    "lstm": _lstm,
    "lstm-peephole": _lstm_peephole,
    "gru": _gru,
    "gru-reset-before": _gru_reset_before,
    "gru-simple": _gru_simple,
    "rnn": _rnn,
}
"""The steps of the cells whose layers are read one above the other."""


def _stacked(graph: Graph, config: ModelConfig, token: Value, state: State) -> tuple[Value, State]:
    values = graph.row(graph.weight("embedding.weight"), token)
    after = []
    for index in range(config.num_layers):
        layer = _Layer(graph, f"layers.{index}", config)
        after.append(_CELLS[config.cell](layer, values, [graph.row(part, index) for part in state]))
        values = _above(graph, config, index, outputs=after[-1][0], inputs=values)
    return _logits(graph, values), _by_part(graph, after, state)


def _st_lstm(graph: Graph, config: ModelConfig, token: Value, state: State) -> tuple[Value, State]:
    values = graph.row(graph.weight("embedding.weight"), token)
    last_h, last_c, last_m = state
    m = graph.row(last_m, 0)
    after = []
    for index in range(config.num_layers):
        layer = f"layers.{index}"
        entering = graph.linear(values, f"{layer}.inputs.weight", f"{layer}.inputs.bias")
        i, f, g, o, i_m, f_m, g_m = graph.split(entering, 7)
        i_h, f_h, g_h, o_h = graph.split(graph.linear(graph.row(last_h, index), f"{layer}.states.weight"), 4)
        i_s, f_s, g_s = graph.split(graph.linear(m, f"{layer}.shared.weight"), 3)
        c = (f + f_h).sigmoid() * graph.row(last_c, index) + (i + i_h).sigmoid() * (g + g_h).tanh()
        m = (f_m + f_s).sigmoid() * m + (i_m + i_s).sigmoid() * (g_m + g_s).tanh()
        memories = graph.linear(graph.apply("Concat", c, m, axis=1), f"{layer}.memories.weight")
        seen, shown = graph.split(memories, 2)
        h = (o + o_h + seen).sigmoid() * shown.tanh()
        after.append((h, c))
        values = _above(graph, config, index, outputs=h, inputs=values)
    return _logits(graph, values), (*_by_part(graph, after, state[:2]), graph.stack([m], name=f"next_{last_m.name}"))


def _jordan(graph: Graph, config: ModelConfig, token: Value, state: State) -> tuple[Value, State]:
    (y,) = state
    embedded = graph.row(graph.weight("embedding.weight"), token)
    sums = graph.linear(embedded, "layers.0.weight", "layers.0.bias")
    feedback = graph.weight("feedback.weight")
    if config.feedback == "target":
        sums = sums + graph.row(feedback, token)
    else:
        sums = sums + graph.apply("MatMul", graph.row(y, 0), feedback)
    logits = _dense(graph, config, sums, _ACTIVATIONS[config.nonlinearity])
    return logits, (graph.stack([graph.apply("Softmax", logits, axis=1)], name=f"next_{y.name}"),)


def _mlp(graph: Graph, config: ModelConfig, token: Value, state: State) -> tuple[Value, State]:
    (window,) = state
    first_axis = graph.constant("first_axis", np.array([0], dtype=np.int64))
    symbols = graph.apply("Concat", window, graph.apply("Unsqueeze", token, first_axis), axis=0)
    # The row past the last symbol's is for what lies before the text; as the number -1 it is found there.
    rows = np.concatenate((graph.weights["embedding.weight"], graph.weights["before"][None]))
    embedded = graph.row(graph.constant("embedding.weight, before", rows), symbols)
    side_by_side = graph.constant("side_by_side", np.array([0, -1], dtype=np.int64))
    inputs = graph.apply("Reshape", graph.apply("Transpose", embedded, perm=[1, 0, 2]), side_by_side)
    limits = (graph.constant(name, np.array([limit])) for name, limit in (("second", 1), ("end", config.window)))
    last = graph.apply("Slice", symbols, *limits, name=f"next_{window.name}")
    return _dense(graph, config, graph.linear(inputs, "layers.0.weight", "layers.0.bias"), Value.tanh), (last,)


def _dense(graph: Graph, config: ModelConfig, sums: Value, activate: Callable[[Value], Value]) -> Value:
    """Returns the logits that follow from the lowest layer's pre-activations in a stack of linear layers."""
    values = graph.normalize(activate(sums), 0)
    for index in range(1, config.num_layers):
        outputs = activate(graph.linear(values, f"layers.{index}.weight", f"layers.{index}.bias"))
        values = graph.normalize(outputs + values if config.residual else outputs, index)
    return _logits(graph, values)


def _above(graph: Graph, config: ModelConfig, index: int, *, outputs: Value, inputs: Value) -> Value:
    """Returns what a layer passes on: its outputs, plus its inputs where both have one size, normalised."""
    num_inputs = graph.weights["embedding.weight"].shape[1] if index == 0 else config.hidden_size
    adds_inputs = config.residual and num_inputs == config.hidden_size
    return graph.normalize(outputs + inputs if adds_inputs else outputs, index)


def _logits(graph: Graph, values: Value) -> Value:
    return graph.linear(values, "output.weight", "output.bias")


def _by_part(graph: Graph, layers: Sequence[State], before: State) -> State:
    """Returns the state of all layers as a network carries it."""
    parts = zip(*layers, strict=True)
    return [graph.stack(list(part), name=f"next_{each.name}") for part, each in zip(parts, before, strict=True)]


_NETWORKS: Mapping[str, Callable[[Graph, ModelConfig, Value, State], tuple[Value, State]]] = {
    **dict.fromkeys(_CELLS, _stacked),
    "st-lstm": _st_lstm,
    "jordan": _jordan,
    "mlp": _mlp,
}


def network_step(config: ModelConfig) -> Callable[[Graph, ModelConfig, Value, State], tuple[Value, State]] | None:
    """Returns the function that adds a network's step to a graph; None where no graph of it is known.

    It is given the symbol, int64 `[batch]`, and the state, and returns the logits `[batch, vocabulary]` and the next
    state, whose values are named as the state's, `next_` before.
    """
    return _NETWORKS.get("mlp" if config.model == "mlp" else config.cell)
