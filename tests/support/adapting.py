"""Runs that adapt to what they score, and what is changed in the files that say how."""

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import EvaluationConfig
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from tests.support.reporters import RecordingReporter
from tests.support.training_runs import train_whole

METHODS = ("counts", "full")


def trained(small_request, workspace, **settings):
    """Trains a run, 'one' unless it is named, and returns its folder."""
    return RunFolder(train_whole(small_request(**{"name": "one"} | settings), workspace).run)


def score(workspace, *text: str, adapt=None, split=None, run="one", **settings):
    """Returns the scores of a text, and the notes that were given."""
    reporter = RecordingReporter()
    result = perplexity(
        run,
        TextChoice(text, split),
        EvaluationConfig(adapt=adapt, **settings),
        workspace,
        reporter,
        device="cpu",
    )
    assert not reporter.warnings
    return result, reporter.notes


def changed(path, change, **values):
    """Replaces a checkpoint by one with a right checksum and other tensors and values."""
    stored = read_checkpoint(path)
    write_checkpoint(path, Checkpoint(change(dict(stored.tensors)), stored.values | values))
