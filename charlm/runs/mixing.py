"""Whether and how a run mixes an n-gram model of its own text with its network."""

from dataclasses import dataclass

from charlm.checkpointing.checkpoint import Checkpoint
from charlm.config import ModelConfig, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.errors import DataError
from charlm.ngrams.build import count_model
from charlm.ngrams.cross_fitting import cross_fit
from charlm.ngrams.model import NgramModel
from charlm.notation import Mix
from charlm.training.objectives import MixtureLoss

USUAL_ORDER = 8
"""Symbols in the longest grams; longer ones predict no better (docs/experiments.md)."""

_LOWEST_ORDER = 4
_SECONDS_PER_GRAM = 2.5e-7
"""Time to count a symbol in one order, twice: whole, and cross-fitted."""
_SHARE_OF_BUDGET = 0.2
_MOST_SYMBOLS = 20_000_000
"""Beyond it, counts and cross-fitting would take gigabytes."""


@dataclass(frozen=True)
class Mixture:
    """An n-gram model to mix in, and the objective that trains the gate.

    Attributes:
        on_trial: whether it stays only if it helps on the validation text.
    """

    ngrams: NgramModel
    objective: MixtureLoss
    on_trial: bool


def make_mixture(config: RunConfig, corpus: EncodedCorpus, *, on_trial: bool) -> tuple[RunConfig, Mixture | None]:
    """Returns what a run's configuration mixes in, None for nothing; and that configuration.

    On trial, the order is lowered to the longest stretch of the text.

    Raises:
        DataError: the text is shorter than the order that was asked for.
    """
    order = config.model.mixed_order
    if order is None:
        return config, None
    tokenizer = corpus.tokenizer
    counted = count_model(
        corpus.train.tokens.in_memory().read(0, len(corpus.train.tokens)),
        order=order,
        smoothing="kneser-ney",
        vocabulary_size=tokenizer.vocabulary_size,
        begin=tokenizer.begin,
    )
    if counted.model.order < order and not on_trial:
        raise DataError(
            f"--mix ngram:{order} needs a text with stretches as long; this one has {counted.model.order} symbols."
        )
    config = config.model_copy(update={"model": with_mix(config.model, Mix(counted.model.order))})
    return config, Mixture(counted.model, MixtureLoss(cross_fit(counted.text)), on_trial)


def settle_mix(config: RunConfig, corpus: EncodedCorpus) -> tuple[RunConfig, bool]:
    """Returns the configuration with the mix settled, and whether it is on trial.

    Only a time budget chooses one, where there is a validation text to judge it by: the highest order that a
    part of the budget suffices to count.
    """
    training = config.training
    if config.model.mix is not None:
        return config, False
    order = None
    is_forced = training.teacher_forcing == "always"
    if training.duration.is_budget and corpus.valid is not None and is_forced:
        seconds = _SHARE_OF_BUDGET * training.duration.value
        affordable = int(seconds / (_SECONDS_PER_GRAM * corpus.train.num_symbols))
        longest = min(USUAL_ORDER, affordable, corpus.train.num_symbols // 100)
        if longest >= _LOWEST_ORDER and corpus.train.num_symbols <= _MOST_SYMBOLS:
            order = longest
    return config.model_copy(update={"model": with_mix(config.model, Mix(order))}), order is not None


def with_mix(model: ModelConfig, mix: Mix) -> ModelConfig:
    """Returns a model's configuration with another mix."""
    return model.model_copy(update={"mix": mix})


def network_alone(checkpoint: Checkpoint) -> Checkpoint:
    """Returns the checkpoint of a mixed run without its n-grams and its gate, as if its network had been alone."""
    prefix = "model.network."
    tensors = {
        f"model.{name.removeprefix(prefix)}": tensor
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(prefix)
    }
    tensors["corpus.symbol_counts"] = checkpoint.tensors["corpus.symbol_counts"]
    config = checkpoint.values["config"]
    alone = config | {"model": config["model"] | {"mix": "none"}}
    return Checkpoint(tensors, {**checkpoint.values, "config": alone})
