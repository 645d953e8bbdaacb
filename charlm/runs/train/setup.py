"""From settings and a text to a trainer: the one way in which trainings are put together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from charlm.config import RunConfig, TrainingConfig
from charlm.data.batches import Batches, batch_records
from charlm.data.lanes import Lanes
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.distributed.world import ALONE, World
from charlm.errors import ConfigError
from charlm.models.base import Network
from charlm.models.build import build_mixture, build_network
from charlm.models.growth import trunk_names
from charlm.models.lane_groups import Workers
from charlm.notation import counted, parse_forcing
from charlm.runs.train.mixing import Mixture
from charlm.training.adamw import build_optimizer
from charlm.training.allocation import keep_freed_memory
from charlm.training.averaging import Trigger, WeightAverage
from charlm.training.clipping import clip_gradient
from charlm.training.objectives import Objective, next_symbol_loss
from charlm.training.pace import Pace, learning_rate_at, rate_of_trunk, shortened_warmup, whole_rate
from charlm.training.precision import Arithmetic
from charlm.training.scheduled_sampling import ScheduledSampling
from charlm.training.sharing import Sharing, busy_threads
from charlm.training.trainer import Trainer

_MOST_STEPS = 1_000_000_000
"""Steps that a trainer which is only timed believes it has."""


@dataclass(frozen=True)
class Seeds:
    """The seeds of a run's independent sources of randomness."""

    weights: int
    dropout: int
    batches: int
    samples: int


def seeds_of(config: RunConfig) -> Seeds:
    """Returns the seeds that all follow from the one in a run's settings."""
    return Seeds(*np.random.SeedSequence(config.run.seed).generate_state(4, np.uint32).tolist())


@dataclass(frozen=True)
class TrainingSetup:
    """What a training is put together from, beside its settings, which may still be open.

    Attributes:
        tokens: the training text.
        load_weights: gives a new network the weights to start from; None for those drawn from the run's seed.
        world: the processes that train together.
        is_tuned: whether the trunk of a network of labels comes from another run, and learns more slowly.
    """

    tokens: TokenFile
    tokenizer: Tokenizer
    device: torch.device
    precision: Arithmetic
    mixture: Mixture | None = None
    load_weights: Callable[[Network], None] | None = None
    is_tuned: bool = False
    world: World = ALONE

    def build(self, config: RunConfig, *, may_share: bool = False) -> Trainer:
        """Returns a trainer before its first step; one without a number of steps is only to be timed.

        Args:
            may_share: whether its threads may share products of whole batches, where that is faster for a while.

        Raises:
            ConfigError: there are more processes than groups of lanes.
        """
        keep_freed_memory()
        settings = config.training
        total_steps = settings.steps or _MOST_STEPS
        assert settings.learning_rate is not None
        model = self._model(config)
        trunk = trunk_names(model) if self.is_tuned else []
        batches = self.batches(config)
        self._require_groups(min(settings.lane_groups or 1, batches.num_lanes))
        threads = config.run.threads or torch.get_num_threads()
        return Trainer(
            model,
            batches=batches,
            optimizer=build_optimizer(
                model, beta1=settings.beta1, beta2=settings.beta2, weight_decay=settings.weight_decay, trunk=trunk
            ),
            learning_rate=partial(
                learning_rate_at,
                peak=settings.learning_rate,
                final_share=settings.final_learning_rate,
                warmup_steps=shortened_warmup(settings.warmup_steps, total_steps=total_steps),
            ),
            pace=Pace(total_steps),
            clip=partial(clip_gradient, max_norm=settings.clip_norm, max_value=settings.clip_value),
            average=_average(model, settings),
            precision=self.precision,
            accumulation=settings.accumulation,
            lane_groups=settings.lane_groups or 1,
            workers=Workers(threads),
            generator=torch.Generator(self.device).manual_seed(seeds_of(config).dropout),
            device=self.device,
            objective=self._objective(config),
            trunk_factor=rate_of_trunk if trunk else whole_rate,
            sharing=self._sharing(threads, settings, batches.num_lanes) if may_share else None,
            world=self.world,
        )

    def _sharing(self, threads: int, settings: TrainingConfig, num_lanes: int) -> Sharing | None:
        """Returns what chooses between groups and shared products; None where there is no choice."""
        groups = min(settings.lane_groups or 1, num_lanes)
        if self.device.type != "cpu" or self.world.size > 1 or settings.accumulation > 1 or min(threads, groups) == 1:
            return None
        return Sharing(threads, num_busy=busy_threads(threads, num_lanes=num_lanes, groups=groups))

    def _require_groups(self, groups: int) -> None:
        size = self.world.size
        if groups < size:
            raise ConfigError(
                f"{size} processes are too many for batches that are computed in {counted(groups, 'group')} of lanes; "
                f"start {groups}, or begin a new run with --lane-groups {size}, and --batch-size {size} or more."
            )

    def batches(self, config: RunConfig) -> Batches:
        """Returns the training text as windows."""
        settings = config.training
        seed = seeds_of(config).batches
        records = batch_records(
            self.tokens,
            self.tokenizer,
            batch_size=settings.batch_size,
            sequence_length=settings.sequence_length,
            seed=seed,
        )
        return records or Lanes(
            self.tokens,
            batch_size=settings.batch_size,
            sequence_length=settings.sequence_length,
            random_length=settings.random_length,
            seed=seed,
        )

    def _model(self, config: RunConfig) -> Network:
        tokenizer = self.tokenizer
        model = build_network(config.model, vocabulary_size=tokenizer.vocabulary_size, outputs=tokenizer.outputs)
        if self.mixture is not None:
            model = build_mixture(config.model, model, self.mixture.ngrams)
        model.initialize(torch.Generator().manual_seed(seeds_of(config).weights))
        if self.load_weights is not None:
            self.load_weights(model)
        return model.to(self.device)

    def _objective(self, config: RunConfig) -> Objective:
        forcing = parse_forcing(config.training.teacher_forcing)
        if forcing.kind != "always":
            return ScheduledSampling(forcing)
        return next_symbol_loss if self.mixture is None else self.mixture.objective


def _average(model: Network, settings: TrainingConfig) -> WeightAverage | None:
    if settings.average_after is not None:
        return WeightAverage(model, trigger=Trigger(settings.average_after))
    return None if settings.average is None else WeightAverage(model, decay=settings.average)
