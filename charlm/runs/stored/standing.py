"""How far a run has got and how good its model is, by its two checkpoints; without torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from charlm.checkpointing.container import Container, StoredTensor
from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError
from charlm.runs.stored.record import ModelRecord, RunRecord, StateRecord, StoredScore, read_record
from charlm.stepping.shapes import count_weights
from charlm.training.state import Progress

AnyRecord = TypeVar("AnyRecord", ModelRecord, StateRecord)
ReadContainer = Callable[[Path], Container[StoredTensor]]


@dataclass(frozen=True)
class Standing:
    """What a run's checkpoints say of it.

    Attributes:
        model: the record that describes its model: that of the best one, or that of a state before there is one.
        best: None where there is no best model, or it cannot be read; `state` likewise.
        parameters: weights, or grams.
    """

    model: RunRecord
    best: ModelRecord | None
    state: StateRecord | None
    parameters: int

    @property
    def newest(self) -> RunRecord:
        """The record that was written last."""
        return self.model if self.state is None else self.state

    @property
    def progress(self) -> Progress:
        """How the training went; nothing is known of it without a state."""
        return Progress() if self.state is None else self.state.progress

    @property
    def total_steps(self) -> int:
        """Steps that are planned in all; 1 for a counted model."""
        return self.newest.config.training.steps or 1

    @property
    def is_finished(self) -> bool:
        """Whether the training has come to its end."""
        if self.state is not None:
            return self.state.is_finished
        # The best model may be of an earlier step than the last one, and of before the length was planned anew.
        was_scored = self.best is not None and self.best.final is not None
        return was_scored or self.newest.step >= self.total_steps

    @property
    def scores(self) -> dict[str, StoredScore]:
        """The scores of the best model on "validation" and "test", as far as they are stored."""
        if self.best is None:
            return {}
        final, plan = self.best.final, self.best.plan
        if final is not None:
            found = {"validation": final.validation, "test": final.test}
        else:
            # The score of a mix that was dropped is not that of the network alone.
            is_mixes = plan is not None and plan.mix_on_trial and self.best.config.model.mixed_order is None
            found = {"validation": None if is_mixes else self.best.validation}
        return {split: score for split, score in found.items() if score is not None}

    @property
    def validation_share(self) -> float | None:
        """How much of the validation text its score was measured on, below 1; None for all of it, and without a score.

        Evaluations of a training may read a part of it; the final score is that of all of it.
        """
        if self.best is None or self.best.final is not None or self.best.plan is None or not self.scores:
            return None
        share = self.best.plan.evaluated_share
        return share if share < 1.0 else None

    def bits_per_character(self, split: str) -> float | None:
        """Returns the best model's score on "validation" or "test"; what charlm 0.1.0 did not charge is added."""
        score = self.scores.get(split, {})
        bits = score.get("bits_per_character")
        num_unknown, num_characters = score.get("unknown"), score.get("characters")
        if bits is None or not num_unknown or not num_characters or "unknown_bits_per_character" in score:
            return bits
        return bits + num_unknown / num_characters * math.log2(self.model.tokenizer.num_unknown_characters or 1)


def read_standing(folder: RunFolder, read: ReadContainer) -> tuple[Standing | None, list[str]]:
    """Returns what can be read of a run's checkpoints, None if nothing can, and a sentence for each damaged one.

    Args:
        read: how a checkpoint is read: as a whole, or only its header.
    """
    problems: list[str] = []
    state, of_state = _read_record(StateRecord, folder.last, read, problems)
    best, of_best = _read_record(ModelRecord, folder.best, read, problems)
    model = best or state
    return None if model is None else Standing(model, best, state, of_best or of_state), problems


def _read_record(
    kind: type[AnyRecord], path: Path, read: ReadContainer, problems: list[str]
) -> tuple[AnyRecord | None, int]:
    """Returns a checkpoint's record and its model's weights or grams; adds to `problems` why it cannot be read."""
    if not path.exists():
        return None, 0
    try:
        container = read(path)
        record = read_record(kind, container.values, source=str(path))
        return record, count_stored(record, container.tensors)
    except CheckpointError as error:
        problems.append(str(error))
        return None, 0


def standing_of_file(path: Path, container: Container[StoredTensor]) -> Standing:
    """Returns what a checkpoint that lies alone says of its run.

    Raises:
        CheckpointError: it is not what charlm stores.
    """
    source = str(path)
    if "trainer" in container.values:
        state = read_record(StateRecord, container.values, source=source)
        return Standing(state, None, state, count_stored(state, container.tensors))
    best = read_record(ModelRecord, container.values, source=source)
    return Standing(best, best, None, count_stored(best, container.tensors))


def count_stored(record: RunRecord, tensors: "Mapping[str, StoredTensor | NDArray[Any]]") -> int:
    """Returns the number of a stored model's weights, or of its grams."""
    model = record.config.model
    if model.model != "ngram":
        tokenizer = record.tokenizer
        return count_weights(model, vocabulary_size=tokenizer.vocabulary_size, outputs=tokenizer.outputs)
    return sum(math.prod(tensor.shape) for name, tensor in tensors.items() if name.endswith(".keys"))
