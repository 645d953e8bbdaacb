"""`charlm export onnx`: one step of a run's network in ONNX's format."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from charlm.config import ModelConfig
from charlm.errors import ConfigError
from charlm.files.writing import write_result
from charlm.runs.export.graph import Graph, Value
from charlm.runs.export.networks import network_step
from charlm.runs.stored.model import StoredModel, read_any_model
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import Arrays
from charlm.stepping.build import section
from charlm.stepping.shapes import state_names, state_shapes
from charlm.tasks import TASKS
from charlm.version import __version__

TOKEN, LOG_PROBABILITIES = "token", "log_probabilities"
"""Names of the first input and the first output; the others are the parts of the state."""

_OPSET, _IR_VERSION = 17, 8
"""Versions of the operators, the first with LayerNormalization, and of the format, as old as that."""

_MOST_BYTES = (1 << 31) - (1 << 24)
"""Bytes of the weights; a file of protobuf has at most 2 GiB."""

_Described = tuple[int, list[str | int | None]]
"""The type of a tensor by ONNX's number, and its shape; an axis with a name is free."""


def export_onnx(run: str, output: Path | BinaryIO, workspace: Workspace) -> str | None:
    """Writes one step of the network of a run; needs the package onnx.

    Returns:
        A sentence where it is not all of the model; else None.

    Raises:
        CheckpointError: there is no such run, it is damaged, or the file cannot be written.
        ConfigError: its model is none that a file of ONNX can hold.
    """
    stored = read_any_model(run, workspace)
    order, metadata, note = stored.config.model.mixed_order, _metadata(stored), None
    if order is not None:
        alone = stored.record.without_mix()
        stored = replace(stored, record=alone, weights=section(stored.weights, "network"))
        metadata["network_alone"] = f"of a model that mixes n-grams up to order {order} in"
        note = f"'{stored.name}' mixes n-grams up to order {order} in; the file holds its network alone."
    config = stored.config.model
    if config.model == "ngram" or stored.tokenizer.outputs is not None or network_step(config) is None:
        raise ConfigError(f"'{stored.name}' {_obstacle(stored)}; ONNX is for networks that predict the next symbol.")
    num_bytes = sum(array.nbytes for array in stored.weights.values())
    if num_bytes > _MOST_BYTES:
        raise ConfigError(f"'{stored.name}' has {num_bytes:,} bytes of weights; a file of ONNX holds at most 2 GiB.")
    size = stored.tokenizer.vocabulary_size
    write_result(output, [onnx_step(config, stored.weights, vocabulary_size=size, metadata=metadata)])
    return note


def onnx_step(config: ModelConfig, weights: Arrays, *, vocabulary_size: int, metadata: Mapping[str, str]) -> bytes:
    """Returns the file of one step of a network, without n-grams, of which `network_step` knows the graph.

    Its inputs are the symbol, int64 `[batch]`, and the parts of the state as `state_names` names them, `[layers, batch,
    …]`; its outputs the log-probabilities `[batch, vocabulary]`, and the next state, named `next_` and as before.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(weights)
    token, *state = (Value(graph, name) for name in (TOKEN, *state_names(config)))
    add_step = network_step(config)
    assert add_step is not None
    logits, after = add_step(graph, config, token, state)
    likely = graph.apply("LogSoftmax", logits, axis=1, name=LOG_PROBABILITIES)

    types = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT}
    parts: list[_Described] = [
        (types[part.dtype], [part.shape[0], "batch", *part.shape[2:]])
        for part in state_shapes(config, vocabulary_size=vocabulary_size, batch_size=1).values()
    ]
    symbols: _Described = TensorProto.INT64, ["batch"]
    distributions: _Described = TensorProto.FLOAT, ["batch", vocabulary_size]
    inputs = zip((token, *state), (symbols, *parts), strict=True)
    outputs = zip((likely, *after), (distributions, *parts), strict=True)
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(node.operator, node.inputs, node.outputs, **node.attributes) for node in graph.nodes],
            "charlm",
            [helper.make_tensor_value_info(value.name, *each) for value, each in inputs],
            [helper.make_tensor_value_info(value.name, *each) for value, each in outputs],
            [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="charlm",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata))
    content: bytes = model.SerializeToString()
    return content


def _obstacle(stored: StoredModel) -> str:
    config, task = stored.config.model, stored.config.data.task
    if config.model == "ngram":
        return "is an n-gram model"
    if task is not None and stored.tokenizer.outputs is not None:
        return f"{TASKS[task].description} examples"
    return f"is of the cell {config.cell}, which has no graph yet"


def _metadata(stored: StoredModel) -> dict[str, str]:
    """Returns what the file says of its model."""
    names = [name for name in state_names(stored.config.model) if name != "contexts"]
    return {
        "charlm": __version__,
        "run": stored.name.encode("utf-8", "replace").decode(),
        "vocabulary": json.dumps([piece.decode("utf-8", "surrogateescape") for piece in stored.tokenizer.pieces]),
        "tokenizer": json.dumps(stored.tokenizer.to_json()),
        "initial_state": json.dumps({name: -1 if name == "window" else 0 for name in names}),
    }
