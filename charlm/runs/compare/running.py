"""One run of several on the same text: trained, gone on with, or scored where it had ended already."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from charlm.checkpointing.run_folder import RunFolder
from charlm.config import EvaluationConfig, Request
from charlm.data.corpus import EncodedCorpus
from charlm.models.build import count_parameters
from charlm.runs.evaluate.perplexity import score_encoded
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.record import StateRecord
from charlm.runs.stored.state import is_complete, open_state
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import held_out
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start


@dataclass(frozen=True)
class Trained:
    """A run that has ended.

    Attributes:
        hidden_size: None for counted models, as are `steps`.
        seconds: of training; None where it is not known any more.
        bits: per character, of the best model on "validation" and "test", as far as there are such texts.
    """

    hidden_size: int | None
    parameters: int
    steps: int | None
    seconds: float | None
    bits: dict[str, float]


TrainOne = Callable[[str, Request, EncodedCorpus, Workspace, Reporter, StopRequest], Trained | None]
"""Trains one run, as `train_one` does."""


def train_one(
    name: str,
    request: Request,
    corpus: EncodedCorpus,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
) -> Trained | None:
    """Trains a run, goes on with it, or scores it where it has ended; returns None when it was stopped.

    Args:
        name: of the run, which `request` has, too.
        corpus: the text that it is trained on.

    Raises:
        CharlmError: something that the user can mend.
    """
    is_network = request.config.model.model != "ngram"
    begun = RunFolder(workspace.checkpoints / name)
    if begun.last.exists():
        state = open_state(begun.last).record
        if is_complete(begun, state):
            return _score(name, state, corpus, workspace, reporter)
        result = resume(name, workspace, reporter, stop)
    elif not is_network and begun.best.exists():
        return _score(name, None, corpus, workspace, reporter)
    else:
        result = start(request, workspace, reporter, stop)
    if result.interrupted:
        return None
    scores = {"validation": result.validation, "test": result.test}
    return Trained(
        hidden_size=begun.read_config().model.hidden_size if is_network else None,
        parameters=result.parameters,
        steps=result.steps if is_network else None,
        seconds=round(result.seconds, 2),
        bits={split: score.bits_per_character for split, score in scores.items() if score is not None},
    )


def _score(
    name: str, state: StateRecord | None, corpus: EncodedCorpus, workspace: Workspace, reporter: Reporter
) -> Trained:
    """Returns the result of a run that had ended before its result was kept, from its files.

    Args:
        state: None for a counted run, whose time is not known any more.
    """
    loaded = load_model(name, workspace, device=torch.device("cpu"))
    return Trained(
        hidden_size=None if state is None else loaded.config.model.hidden_size,
        parameters=count_parameters(loaded.model),
        steps=None if state is None else state.step,
        seconds=None if state is None else round(state.progress.seconds, 2),
        bits={
            split: score_encoded(loaded, text, EvaluationConfig(), reporter, label=split)[0].bits_per_character
            for split, text in held_out(corpus).items()
        },
    )
