"""The tensors of a checkpoint against its record: names, types and shapes, without building anything."""

from collections.abc import Mapping

from charlm.errors import CheckpointError
from charlm.runs.stored.record import (
    AVERAGE,
    DROPOUT,
    MODEL,
    OPTIMIZER,
    STATE,
    SYMBOL_COUNTS,
    RunRecord,
    StateRecord,
    section,
)
from charlm.stepping.shapes import state_shapes, weight_shapes

Described = tuple[str, tuple[int, ...]]
"""A tensor's type, by torch's name, and its shape."""

_TIED = ("output.weight", "network.output.weight")
_MOST_GENERATOR_BYTES = 1 << 16


def require_model_tensors(record: RunRecord, tensors: Mapping[str, Described], *, source: str) -> None:
    """Checks that the weights that the settings describe are there; counts are for the n-gram model to check.

    Raises:
        CheckpointError: one is missing, or of another type or shape.
    """
    size, outputs = record.tokenizer.vocabulary_size, record.tokenizer.outputs
    shapes = weight_shapes(record.config.model, vocabulary_size=size, outputs=outputs)
    _require(tensors, {f"{MODEL}.{name}": ("torch.float32", shape) for name, shape in shapes.items()}, source)
    for name in section(tensors, MODEL):
        if shapes and name not in shapes and not name.startswith("ngrams."):
            raise _not_fitting(source, f"the model has no {name!r:.100}")
    _require(tensors, {SYMBOL_COUNTS: ("torch.int64", (size,))}, source)


def require_state_tensors(record: StateRecord, tensors: Mapping[str, Described], *, source: str) -> None:
    """Checks that all tensors that going on needs are there; the optimizer's are compared with the parameters later.

    Raises:
        CheckpointError: one is missing, or of another type or shape.
    """
    require_model_tensors(record, tensors, source=source)
    model, size, outputs = record.config.model, record.tokenizer.vocabulary_size, record.tokenizer.outputs
    lanes = record.config.training.batch_size
    # A batch may be narrower where a text is short: the first state tells by how much.
    for name in (*list(state_shapes(model, vocabulary_size=size, batch_size=lanes, outputs=outputs))[:1], DROPOUT):
        if name not in tensors:
            raise _not_fitting(source, f"{name} is missing")
    if f"{STATE}.0" in tensors:
        first_shape = tensors[f"{STATE}.0"][1]
        lanes = first_shape[1] if len(first_shape) > 1 else 0
        if not 1 <= lanes <= record.config.training.batch_size:
            raise _not_fitting(source, f"{STATE}.0 is of the shape {first_shape}")
    states = state_shapes(model, vocabulary_size=size, batch_size=lanes, outputs=outputs)
    _require(tensors, {name: (f"torch.{each.dtype}", each.shape) for name, each in states.items()}, source)
    if len(section(tensors, STATE)) > len(states):
        raise _not_fitting(source, "more is carried than the model has states")
    moments = section(tensors, OPTIMIZER)
    _require(moments, {name: ("torch.float32", shape) for name, (_, shape) in moments.items()}, source)
    training = record.config.training
    if training.average is not None or training.average_after is not None:
        if record.trainer.num_averaged is None:
            raise _not_fitting(source, "the number of averaged steps is missing")
        parameters = weight_shapes(model, vocabulary_size=size, outputs=outputs)
        if model.tie_weights:  # Stored once.
            parameters = {name: each for name, each in parameters.items() if name not in _TIED}
        _require(tensors, {f"{AVERAGE}.{name}": ("torch.float32", shape) for name, shape in parameters.items()}, source)
    kind, shape = tensors[DROPOUT]
    if kind != "torch.uint8" or len(shape) != 1 or shape[0] > _MOST_GENERATOR_BYTES:
        raise _not_fitting(source, f"{DROPOUT} is of the shape {shape}")


def _require(tensors: Mapping[str, Described], expected: Mapping[str, Described], source: str) -> None:
    for name, described in expected.items():
        if name not in tensors:
            raise _not_fitting(source, f"{name} is missing")
        if tensors[name] != described:
            kind, shape = tensors[name]
            raise _not_fitting(source, f"{name} is {kind} of the shape {shape}, not {described[0]} of {described[1]}")


def _not_fitting(source: str, problem: str) -> CheckpointError:
    return CheckpointError(f"The tensors in '{source}' do not fit the settings they are stored with: {problem}.")
