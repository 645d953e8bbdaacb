"""The states of a run that training can go on from, and what there is where one is damaged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from torch import Tensor

from charlm.checkpointing.checkpoint import read_checkpoint, restored
from charlm.checkpointing.container import read_described
from charlm.checkpointing.run_folder import RunFolder
from charlm.data.corpus import EncodedCorpus
from charlm.errors import CheckpointError
from charlm.evaluation.accounting import make_score
from charlm.ngrams.model import NgramModel
from charlm.runs.stored.record import AVERAGE, MODEL, OPTIMIZER, STATE, ModelRecord, StateRecord, read_record, section
from charlm.runs.stored.state_file import contexts_of, read_state_file
from charlm.training.snapshot import restore
from charlm.training.state import Progress
from charlm.training.trainer import Trainer


@dataclass(frozen=True)
class StoredState:
    """A state of a run, checked as far as can be without its text.

    Attributes:
        path: the file it is from.
    """

    path: Path
    record: StateRecord
    tensors: Mapping[str, Tensor]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The model's weights, by its own names."""
        return section(self.tensors, MODEL)

    def require_contexts_of(self, ngrams: NgramModel) -> None:
        """Raises a CheckpointError if a context that a mixed model carries is none of its n-grams."""
        if not ngrams.has_contexts(section(self.tensors, STATE)[contexts_of(self.tensors)].numpy()):
            raise CheckpointError(f"Checkpoint '{self.path}' cannot be resumed: its contexts are not of this text.")

    def restore(self, trainer: Trainer) -> None:
        """Gives a trainer of the same configuration all of the state but the model's weights.

        Raises:
            CheckpointError: something is missing, or of another model.
        """
        sections = {name: section(self.tensors, name) for name in (OPTIMIZER, AVERAGE, STATE, "rng")}
        try:
            restore(trainer, sections, self.record.trainer)
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"Checkpoint '{self.path}' cannot be resumed: {error}.") from None


def open_state(path: Path) -> StoredState:
    """Returns the state of a run at `path`; raises a CheckpointError if there is none, or it is damaged."""
    record, container = read_state_file(path)
    return StoredState(path, record, restored(container).tensors)


def charge_unknown(progress: Progress, corpus: EncodedCorpus) -> None:
    """Adds what charlm 0.1.0 left out of the best loss so far, so that later losses compare with it.

    It did not charge for which character an unknown symbol stands for; the charge is the same under every model.
    """
    if progress.charges_unknown:
        return
    progress.charges_unknown = True
    if progress.best_nats is not None and corpus.valid is not None:
        progress.best_nats += make_score(0.0, corpus.valid, corpus.tokenizer).nats_per_symbol


def read_state(folder: RunFolder, path: Path) -> StoredState:
    """Returns what `open_state` does; its CheckpointError also names the newest state that can be used."""
    try:
        return open_state(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error} {advice(folder, damaged=path)}") from None


def advice(folder: RunFolder, *, damaged: Path) -> str:
    """Returns a sentence on what can be used instead of a damaged state."""
    for path in (folder.last, *folder.states().values()):
        if path != damaged and is_intact(path, read=open_state):
            return f"The newest intact state is '{path}'; go on from it with: charlm train --resume {quote(str(path))}"
    if is_intact(folder.best):
        run = quote(str(folder.path))
        return f"No other state is intact, but the best model is: start a new run with --init-from {run}"
    return "Nothing of this run can be used; train it anew."


def is_intact(path: Path, *, read: Callable[[Path], object] = read_checkpoint) -> bool:
    """Returns whether a checkpoint can be read and is what was written."""
    try:
        read(path)
    except CheckpointError:
        return False
    return True


def require_one_run(folder: RunFolder, path: Path, record: StateRecord) -> None:
    """Refuses a state beside checkpoints of another run, which going on would overwrite.

    Raises:
        CheckpointError: the newest state or the best model in the folder has another identity.
    """
    for other in (folder.last, folder.best):
        if other != path and identity_of(other) not in (None, record.provenance.identity):
            raise CheckpointError(
                f"'{path}' and '{other}' are of two runs; going on would overwrite one of them. "
                "Move one into a folder of its own."
            )


def is_complete(folder: RunFolder, record: StateRecord) -> bool:
    """Returns whether a run has ended and its final scores are stored; a process may be killed between the two."""
    if not record.is_finished or not record.plan.stores_scores:
        return record.is_finished
    try:
        values = read_described(folder.best).values
        return read_record(ModelRecord, values, source=str(folder.best)).final is not None
    except CheckpointError:
        return True  # There is no best model whose scores could be added.


def identity_of(path: Path) -> str | None:
    """Returns the identity of the run that a checkpoint is of; None where it has none, or cannot be read."""
    try:
        return read_record(ModelRecord, read_checkpoint(path).values, source=str(path)).provenance.identity
    except CheckpointError:
        return None
