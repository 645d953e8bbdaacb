"""The states of a run that training can go on from, and what there is where one is damaged."""

from dataclasses import dataclass
from pathlib import Path

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import RunConfig, validate
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import from_json
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.stored import require_plausible
from charlm.training.loop import Progress
from charlm.training.trainer import Trainer


@dataclass(frozen=True)
class StoredState:
    """A state of a run, checked as far as can be without its text.

    Attributes:
        path: the file it is from.
        step: optimizer steps before it.
    """

    path: Path
    checkpoint: Checkpoint
    config: RunConfig
    tokenizer: Tokenizer
    progress: Progress
    step: int

    def restore(self, trainer: Trainer) -> None:
        """Gives a trainer of the same configuration all of the state but the model's weights.

        Raises:
            CheckpointError: something is missing, or of another model.
        """
        sections = {name: self.checkpoint.section(name) for name in ("optimizer", "average", "state", "rng")}
        try:
            trainer.restore(sections, self.checkpoint.values["trainer"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"Checkpoint '{self.path}' cannot be resumed: {error}.") from None


def open_state(path: Path) -> StoredState:
    """Returns the state of a run that lies at `path`.

    Raises:
        CheckpointError: it is damaged, not there, or no state of a training.
    """
    checkpoint = read_checkpoint(path)
    values = checkpoint.values
    try:
        config = validate(RunConfig, values["config"], source=f"'{path}'")
        tokenizer = from_json(values["tokenizer"])
        progress = Progress(**values["progress"])
        step = int(values["trainer"]["step"])
        corpus = values["corpus"]
        if not all(isinstance(corpus[name], str) for name in ("label", "digest", "key", "split")):
            raise TypeError("which text it is of")
        checkpoint.tensors["corpus.symbol_counts"]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"Checkpoint '{path}' cannot be resumed: it lacks {error}.") from None
    except ConfigError as error:
        raise CheckpointError(f"Checkpoint '{path}' cannot be resumed: {error}") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.section("model").items()}
    require_plausible(config.model, shapes, vocabulary_size=tokenizer.vocabulary_size, source=path)
    return StoredState(path, checkpoint, config, tokenizer, progress, step)


def read_state(folder: RunFolder, path: Path) -> StoredState:
    """Returns a state of a run, as `open_state` does.

    Raises:
        CheckpointError: it cannot be used; the sentence names the newest one that can.
    """
    try:
        return open_state(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error} {way_out(folder, damaged=path)}") from None


def way_out(folder: RunFolder, *, damaged: Path) -> str:
    """Returns a sentence on what can be used instead of a damaged state."""
    for path in (folder.last, *folder.states().values()):
        if path != damaged and _opens(path):
            return f"The newest intact state is '{path}'; go on from it with: charlm train --resume {path}"
    if is_intact(folder.best):
        return f"No other state is intact, but the best model is: start a new run with --init-from {folder.path}"
    return "Nothing of this run can be used; train it anew."


def is_intact(path: Path) -> bool:
    """Returns whether a checkpoint can be read and is what was written."""
    try:
        read_checkpoint(path)
    except CheckpointError:
        return False
    return True


def _opens(path: Path) -> bool:
    try:
        open_state(path)
    except CheckpointError:
        return False
    return True
