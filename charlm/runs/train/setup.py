"""From settings and a text to a trainer: the one way in which trainings are put together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from charlm.config import RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.data.lanes import Lanes
from charlm.data.record_batches import Batches, RecordBatches
from charlm.models.base import Network
from charlm.models.build import build_network
from charlm.models.mixture import MixedLanguageModel
from charlm.ngrams.model import NgramModel
from charlm.notation import parse_forcing
from charlm.runs.seeds import Streams
from charlm.runs.train.mixing import Mixture
from charlm.training.adamw import build_optimizer
from charlm.training.allocation import keep_freed_memory
from charlm.training.averaging import WeightAverage
from charlm.training.clipping import clip_gradient
from charlm.training.objectives import Objective, next_symbol_loss
from charlm.training.pace import Pace, learning_rate_at, shortened_warmup
from charlm.training.precision import Arithmetic
from charlm.training.scheduled_sampling import ScheduledSampling
from charlm.training.trainer import Trainer

_MOST_STEPS = 1_000_000_000
"""Steps that a trainer which is only timed believes it has."""


@dataclass(frozen=True)
class TrainingSetup:
    """What a training is put together from, beside its settings, which may still be open.

    Attributes:
        load_weights: gives a new network the weights to start from; None for those drawn from the run's seed.
    """

    corpus: EncodedCorpus
    mixture: Mixture | None
    device: torch.device
    precision: Arithmetic
    load_weights: Callable[[Network], None] | None = None

    def build(self, config: RunConfig, *, total_steps: int = _MOST_STEPS) -> Trainer:
        """Returns a trainer before its first step."""
        ngrams = None if self.mixture is None else self.mixture.ngrams
        model = new_model(config, vocabulary_size=self.corpus.tokenizer.vocabulary_size, ngrams=ngrams)
        if self.load_weights is not None:
            self.load_weights(model)
        return build_trainer(
            config,
            build_batches(self.corpus, config),
            model,
            total_steps=total_steps,
            precision=self.precision,
            device=self.device,
            objective=self._objective(config),
        )

    def _objective(self, config: RunConfig) -> Objective:
        forcing = parse_forcing(config.training.teacher_forcing)
        if forcing.kind != "always":
            return ScheduledSampling(forcing)
        return next_symbol_loss if self.mixture is None else self.mixture.objective


def build_batches(corpus: EncodedCorpus, config: RunConfig) -> Batches:
    """Returns the training text as windows."""
    settings = config.training
    seed = Streams.from_seed(config.run.seed).batches
    tokenizer = corpus.tokenizer
    if tokenizer.begin is not None and tokenizer.end is not None:
        return RecordBatches(
            corpus.train.tokens,
            begin=tokenizer.begin,
            end=tokenizer.end,
            batch_size=settings.batch_size,
            sequence_length=settings.sequence_length,
            seed=seed,
        )
    return Lanes(
        corpus.train.tokens,
        batch_size=settings.batch_size,
        sequence_length=settings.sequence_length,
        random_length=settings.random_length,
        seed=seed,
    )


def new_model(config: RunConfig, *, vocabulary_size: int, ngrams: NgramModel | None = None) -> Network:
    """Returns the network of a run, its weights drawn from the run's seed.

    Args:
        ngrams: what it is mixed with; None where it is alone.
    """
    model = build_network(config.model, vocabulary_size=vocabulary_size)
    if ngrams is not None:
        model = MixedLanguageModel(model, ngrams)
    model.initialize(torch.Generator().manual_seed(Streams.from_seed(config.run.seed).weights))
    return model


def build_trainer(
    config: RunConfig,
    batches: Batches,
    model: Network,
    *,
    total_steps: int,
    precision: Arithmetic,
    device: torch.device,
    objective: Objective = next_symbol_loss,
) -> Trainer:
    """Returns a trainer of a model before its first step."""
    keep_freed_memory()
    streams = Streams.from_seed(config.run.seed)
    settings = config.training
    model.to(device)
    rate = settings.learning_rate
    assert rate is not None
    return Trainer(
        model,
        batches=batches,
        optimizer=build_optimizer(
            model, beta1=settings.beta1, beta2=settings.beta2, weight_decay=settings.weight_decay
        ),
        learning_rate=partial(
            learning_rate_at,
            peak=rate,
            final_share=settings.final_learning_rate,
            warmup_steps=shortened_warmup(settings.warmup_steps, total_steps=total_steps),
        ),
        pace=Pace(total_steps),
        clip=partial(clip_gradient, max_norm=settings.clip_norm, max_value=settings.clip_value),
        average=None if settings.average is None else WeightAverage(model, decay=settings.average),
        precision=precision,
        accumulation=settings.accumulation,
        generator=torch.Generator(device).manual_seed(streams.dropout),
        device=device,
        objective=objective,
    )
