"""`charlm inspect gates`: what the gates of a run's best model do while it reads."""

import torch

from charlm.errors import ConfigError, DataError
from charlm.evaluation.gates import GateActivity, cells_with_gates, gate_activities
from charlm.models.mixture import network_of
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.runs.corpus_of_run import reopen_corpus
from charlm.runs.loading import load_model
from charlm.runs.reporting import Reporter
from charlm.runs.workspace import Workspace

NUM_TEXTS = 16


def inspect_gates(run: str, workspace: Workspace, reporter: Reporter, *, symbols: int) -> list[GateActivity]:
    """Returns the activity of each gate while the model reads what was held out, or its training text.

    Args:
        symbols: how many are read in all, in a few stretches side by side.

    Raises:
        ConfigError: the model has no gates.
        DataError: there is not enough text.
    """
    loaded = load_model(run, workspace, device=torch.device("cpu"))
    model = loaded.config.model
    network = None if model.model == "ngram" else network_of(loaded.model)
    if not isinstance(network, RecurrentLanguageModel) or network.cell not in cells_with_gates():
        kind = model.cell if model.model == "recurrent" else model.model
        raise ConfigError(
            f"'{loaded.name}' is of kind {kind}, without gates that can be looked at; these have them: "
            f"{', '.join(cells_with_gates())}."
        )
    corpus = reopen_corpus(loaded.config, loaded.values, loaded.tokenizer, workspace, reporter)
    text = corpus.valid or corpus.train
    length = min(symbols // NUM_TEXTS, len(text.tokens) // NUM_TEXTS)
    if length < 2:
        raise DataError(
            f"'{corpus.label}' is too short: {len(text.tokens)} symbols, at least {2 * NUM_TEXTS} are needed."
        )
    starts = torch.arange(NUM_TEXTS).numpy() * (len(text.tokens) // NUM_TEXTS)
    return gate_activities(network, torch.from_numpy(text.tokens.columns(starts, length)))
