"""Whether and how a run mixes an n-gram model of its own text with its network."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from torch import Tensor

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.config import RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.distributed.world import Arrays, World
from charlm.errors import DataError
from charlm.files.folders import scratch_folder
from charlm.models.base import Network
from charlm.models.mixture import network_of
from charlm.ngrams.build import count_text
from charlm.ngrams.cross_fitting import MOST_PLACES, HeldOutDistributions, cross_fit
from charlm.ngrams.model import Level, NgramModel
from charlm.notation import Mix
from charlm.runs.stored.record import AVERAGE, MODEL, OPTIMIZER, STATE, ModelRecord, network_alone, read_record, section
from charlm.runs.train.settings import with_settings
from charlm.training.adamw import parameter_names
from charlm.training.objectives import MixtureLoss

USUAL_ORDER = 8
"""Symbols in the longest grams; longer ones predict no better (docs/experiments.md)."""

_LOWEST_ORDER = 4
_SECONDS_PER_GRAM = 4.5e-8
"""Time to count a symbol in one order, twice: whole, and cross-fitted."""
_SECONDS_PER_PLACE = 1.3e-6
"""Time for one order at each place at which n-grams are cross-fitted."""
_SHARE_OF_BUDGET = 0.2


@dataclass(frozen=True)
class Mixture:
    """An n-gram model to mix in, and the objective that trains the gate."""

    ngrams: NgramModel
    objective: MixtureLoss


def make_mixture(
    config: RunConfig, corpus: EncodedCorpus, *, on_trial: bool, world: World
) -> tuple[RunConfig, Mixture | None]:
    """Returns the configuration, and what it mixes in; None for nothing.

    Args:
        on_trial: whether the order may be lowered to the longest stretch of the text.
        world: the processes that mix it in; one of them counts.

    Raises:
        DataError: the text is shorter than the order that was asked for, or has too many n-grams for the memory.
    """
    order = config.model.mixed_order
    if order is None:
        return config, None

    def count() -> Arrays:
        memory, scratch = config.run.counting_bytes, partial(scratch_folder, corpus.folder.parent)
        counted = count_text(corpus.train.tokens, corpus.tokenizer, order=order, memory=memory, scratch=scratch)
        if counted.model.order < order and not on_trial:
            raise DataError(
                f"--mix ngram:{order} needs a text with stretches as long; this one has {counted.model.order} symbols."
            )
        return counted.model.to_arrays() | vars(cross_fit(counted.text, memory=memory, scratch=scratch))

    arrays = world.arrays_by_first(count)
    held_out = HeldOutDistributions(**{each.name: arrays[each.name] for each in fields(HeldOutDistributions)})
    levels = [Level(**section(arrays, str(each))) for each in range(1, order + 1) if f"{each}.keys" in arrays]
    ngrams = NgramModel(levels, vocabulary_size=corpus.tokenizer.vocabulary_size)
    return with_settings(config, mix=Mix(ngrams.order)), Mixture(ngrams, MixtureLoss(held_out))


def choose_mix(config: RunConfig, corpus: EncodedCorpus) -> tuple[RunConfig, bool]:
    """Returns the configuration with a mix, and whether it is on trial.

    Only a time budget chooses one, where there is a validation text to judge it by: the highest order that a
    part of the budget suffices to count.
    """
    training = config.training
    if config.model.mix is not None:
        return with_mix(config, config.model.mix), False
    order = None
    if training.duration.is_budget and corpus.valid is not None and training.teacher_forcing == "always":
        seconds = _SHARE_OF_BUDGET * training.duration.value
        num_symbols = corpus.train.num_symbols
        of_an_order = _SECONDS_PER_GRAM * num_symbols + _SECONDS_PER_PLACE * min(num_symbols, MOST_PLACES)
        longest = min(USUAL_ORDER, int(seconds / of_an_order), num_symbols // 100)
        if longest >= _LOWEST_ORDER:
            order = longest
    return with_mix(config, Mix(order)), order is not None


def with_mix(config: RunConfig, mix: Mix) -> RunConfig:
    """Returns the configuration with a mix, and how its parts are put together."""
    mixing = None if mix.order is None else config.model.mixing or "log-linear"
    return with_settings(config, mix=mix, mixing=mixing)


def take_mix_out(path: Path) -> None:
    """Replaces a stored model by its network alone, if n-grams are mixed in.

    Raises:
        CheckpointError: it is damaged, or cannot be written.
    """
    stored = read_checkpoint(path)
    record = read_record(ModelRecord, stored.values, source=str(path))
    if record.config.model.mixed_order is not None:
        write_checkpoint(path, Checkpoint(network_alone(stored.tensors), record.without_mix().to_values()))


def state_of_network_alone(tensors: Mapping[str, Tensor], model: Network) -> dict[str, Tensor]:
    """Returns the tensors of a mixed training's state as if its network had been trained alone.

    The network's own objective does not depend on the mix; only where gradients are clipped does the gate's norm count.

    Args:
        tensors: as `Trainer.tensors` names them.
        model: the mixed model.
    """
    network = network_of(model)
    mixed_order, own_order = (parameter_names(each) for each in (model, network))
    kept = {f"rng.{name}": tensor for name, tensor in section(tensors, "rng").items()}
    for part in (MODEL, AVERAGE):
        kept |= {f"{part}.{name}": tensor for name, tensor in section(tensors, f"{part}.network").items()}
    states = section(tensors, STATE)
    kept |= {f"{STATE}.{index}": states[str(index)] for index in range(len(states) - 1)}
    for index, name in enumerate(own_order):
        moments = section(tensors, f"{OPTIMIZER}.{mixed_order.index(f'network.{name}')}")
        kept |= {f"{OPTIMIZER}.{index}.{moment}": tensor for moment, tensor in moments.items()}
    return kept
