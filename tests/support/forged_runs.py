"""Runs whose checkpoints were forged: well-formed, with a right checksum, and wrong in one place."""

import copy
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from charlm.checkpointing.checkpoint import Checkpoint, _stored, read_checkpoint
from charlm.checkpointing.container import FORMAT, VERSION, _digest
from charlm.cli.app import run
from charlm.config import sections
from charlm.runs.stored.record import ModelRecord, StateRecord
from tests.support.tale import write_tale
from tests.support.wrong_values import CHOSEN, WRONG

SMALL = (
    *("--hidden-size", "6", "--embedding-size", "4", "--batch-size", "4", "--sequence-length", "8", "--device", "cpu"),
    *("--steps", "8", "--evaluations", "4", "--keep", "3", "--precision", "fp32", "--threads", "1", "--dropout", "0.1"),
)
KINDS: dict[str, tuple[str, ...]] = {
    "lstm": (*SMALL, "--average", "0.9", "--patience", "9"),
    "mixed": (*SMALL, "--cell", "gru", "--mix", "ngram:3"),
    "jordan": (*SMALL, "--cell", "jordan"),
    "st-lstm": (*SMALL, "--cell", "st-lstm", "--tie-weights", "--embedding-size", "6"),
    "mlp": (*SMALL, "--model", "mlp", "--window", "4", "--layer-norm"),
    "records": (*SMALL, "--records", "lines"),
    "pieces": (*SMALL, "--tokenizer", "sentencepiece", "--vocabulary-size", "290"),
    "ngram": ("--model", "ngram", "--order", "3"),
}
MODEL_FILE, STATE_FILE = "best.safetensors", "last.safetensors"


@dataclass(frozen=True)
class Forgery:
    """A checkpoint that says something else than charlm wrote."""

    name: str
    values: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


def make_run(kind: str, folder: Path) -> Path:
    """Trains a run of a kind named 'one' in a folder, and returns its own; its last state is of half the way."""
    write_tale(folder / "tale.txt")
    if kind in ("records", "mixed"):
        text = (folder / "tale.txt").read_text()
        (folder / "tale.txt").write_text(text.replace(". ", ".\n"))
    code = run(["train", "tale.txt", "--name", "one", "--quiet", *KINDS[kind]])
    assert code == 0
    made = folder / "checkpoints" / "one"
    if kind != "ngram":
        (made / "step-4.safetensors").replace(made / STATE_FILE)
        for state in made.glob("step-*.safetensors"):
            state.unlink()
    return made


def write_forged(path: Path, forgery: Forgery | Checkpoint) -> None:
    """Writes a checkpoint with a right checksum, whatever its values are."""
    text = json.dumps(forgery.values)
    stored = {name: _stored(tensor.contiguous()) for name, tensor in forgery.tensors.items()}
    metadata = {"format": FORMAT, "version": str(VERSION), "values": text, "sha256": _digest(stored, text)}
    tensors = {name: tensor.contiguous().clone() for name, tensor in forgery.tensors.items()}
    path.write_bytes(safetensors.torch.save(tensors, metadata))


def forged_values(original: Checkpoint, *, of: type[ModelRecord] | type[StateRecord]) -> Iterator[Forgery]:
    """Yields a checkpoint with each of its values, and each that its schema allows, missing or wrong in some way."""
    for place in _places(original.values, of):
        name = ".".join(map(str, place))
        if _is_there(original.values, place):
            yield Forgery(f"{name} missing", _without(original.values, place), original.tensors)
        for wrong, value in WRONG.items():
            yield Forgery(f"{name} is {wrong}", _with(original.values, place, value), original.tensors)
    for place, name, value in CHOSEN:
        if _is_there(original.values, place[:-1]):
            yield Forgery(
                f"{'.'.join(map(str, place))} is {name}", _with(original.values, place, value), original.tensors
            )


def forged_tensors(original: Checkpoint) -> Iterator[Forgery]:
    """Yields a checkpoint with each of its tensors missing, or wrong in some way; and with one more."""

    def with_tensor(name: str, tensor: Tensor) -> dict[str, Tensor]:
        return {**original.tensors, name: tensor}

    for name, tensor in original.tensors.items():
        others = {each: other for each, other in original.tensors.items() if each != name}
        yield Forgery(f"{name} missing", original.values, others)
        for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool):
            if dtype != tensor.dtype:
                yield Forgery(f"{name} of {dtype}", original.values, with_tensor(name, tensor.to(dtype)))
        yield Forgery(f"{name} with another axis", original.values, with_tensor(name, tensor[None]))
        yield Forgery(f"{name} as one number", original.values, with_tensor(name, tensor.flatten()[:1].reshape(())))
        for axis, size in enumerate(tensor.shape):
            longer = torch.cat((tensor, tensor.narrow(axis, 0, 1)), dim=axis) if size else tensor
            for new in (longer, tensor.narrow(axis, 0, max(0, size - 1)), tensor.narrow(axis, 0, 0)):
                shown = "x".join(map(str, new.shape))
                yield Forgery(f"{name} of {shown}", original.values, with_tensor(name, new))
        is_float = tensor.is_floating_point()
        numbers = (
            (math.nan, math.inf, -math.inf, 1e38) if is_float else (-1, -2, 99, torch.iinfo(tensor.dtype).max // 2)
        )
        for number in numbers:
            if tensor.dtype != torch.uint8:
                yield Forgery(
                    f"{name} full of {number}", original.values, with_tensor(name, torch.full_like(tensor, number))
                )
        if tensor.dtype == torch.uint8:
            for number in (0, 255):
                yield Forgery(
                    f"{name} full of {number}", original.values, with_tensor(name, torch.full_like(tensor, number))
                )
    for name in ("model.extra", "state.9", "optimizer.99.step", "average.extra", "extra", "model.network.extra"):
        yield Forgery(f"{name} more", original.values, with_tensor(name, torch.zeros(2, 2)))


def _places(values: Mapping[str, Any], of: type[ModelRecord] | type[StateRecord]) -> list[tuple[Any, ...]]:
    found: dict[tuple[Any, ...], None] = dict.fromkeys(_walk(values))
    found |= dict.fromkeys((name,) for name in of.model_fields)
    found |= dict.fromkeys(("config", name) for name in sections())
    found |= dict.fromkeys(("config", name, field) for name, kind in sections().items() for field in kind.model_fields)
    found |= dict.fromkeys(("plan", field) for field in ("sizes", "seconds"))
    found |= dict.fromkeys((("trainer", "loss_scale"), ("progress", "best_nats"), ("provenance", "initialized_from")))
    found |= dict.fromkeys((*place, "unknown") for place in found if len(place) < 3 and _is_object(values, place))
    return [place for place in found if _is_there(values, place[:-1])]


def _walk(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*place, key)
        yield from _walk(each, (*place, key))


def _at(values: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        values = values[key]
    return values


def _is_object(values: Any, place: tuple[Any, ...]) -> bool:
    return _is_there(values, place) and isinstance(_at(values, place), Mapping)


def _is_there(values: Any, place: tuple[Any, ...]) -> bool:
    try:
        _at(values, place)
    except (KeyError, TypeError, IndexError):
        return False
    return True


def _with(values: Mapping[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(dict(values))
    _at(changed, place[:-1])[place[-1]] = value
    return changed


def _without(values: Mapping[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(values))
    del _at(changed, place[:-1])[place[-1]]
    return changed


def read_both(made: Path) -> dict[str, Checkpoint]:
    """Returns the model and, where there is one, the state of a run."""
    return {name: read_checkpoint(made / name) for name in (MODEL_FILE, STATE_FILE) if (made / name).exists()}


OF_MODELS = (
    "list --json",
    "info one --json",
    "verify one --json",
    "sample one --length 5 --seed 1",
    "eval perplexity one --quiet",
    "eval perplexity one tale.txt --quiet",
    "eval surprisal one tale.txt --quiet --json",
    "train tale.txt --init-from one --name new --steps 1 --batch-size 4 --quiet",
    "export arpa one -o out.arpa",
    "export page one -o out.html --force --quiet",
    "eval exposure one --prefix 4 --positions 3 --texts 2",
    "inspect gates one --symbols 64",
)
OF_STATES = (
    "list --json",
    "info one --json",
    "verify one --json",
    "train --resume one --quiet",
    "train --resume one --quiet --steps 10",
)


def plant(forgery: Forgery, file: str, folder: Path, *, pristine: Path) -> None:
    """Makes `folder` a copy of another with a run named 'one', with a forgery in the place of one of its checkpoints.

    Where the model is forged, there is no state: commands prefer it.
    """
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    shutil.copytree(pristine, folder, dirs_exist_ok=True)
    made = folder / "checkpoints" / "one"
    write_forged(made / file, forgery)
    if file == MODEL_FILE:
        (made / STATE_FILE).unlink(missing_ok=True)


def all_forgeries(file: str, original: Checkpoint) -> Iterator[Forgery]:
    """Yields every forgery of a checkpoint."""
    yield from forged_values(original, of=ModelRecord if file == MODEL_FILE else StateRecord)
    yield from forged_tensors(original)
