"""A training while it runs, new or resumed: what it writes into its folder, and what it reports."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.checkpointing.checkpoint import Checkpoint, write_checkpoint
from charlm.checkpointing.metrics import NETWORK_VALIDATION, NO_LINES, append_metrics, sync_metrics, trim_metrics
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.errors import NotFiniteError
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import score_parts
from charlm.models.base import OWN, LanguageModel
from charlm.models.build import load_weights
from charlm.models.mixture import NETWORK_ALONE
from charlm.notation import Mix
from charlm.runs.reporting import EvaluationReport, Reporter, StepReport, StopRequest
from charlm.runs.stored.record import SYMBOL_COUNTS, ModelRecord, Provenance, StateRecord, TrainingPlan
from charlm.runs.stored.state import charge_unknown, open_state
from charlm.runs.train.best import write_model
from charlm.runs.train.history import loss_point
from charlm.runs.train.kept_weights import KeptWeights
from charlm.runs.train.mixing import state_of_network_alone, take_mix_out
from charlm.runs.train.samples import draw_sample
from charlm.runs.train.settings import with_settings
from charlm.runs.train.tasks import characters_per_target
from charlm.training.precision import autocast
from charlm.training.snapshot import tensors_of, values_of
from charlm.training.speed import Speed
from charlm.training.state import Progress, Rollback
from charlm.training.trainer import NOT_FINITE_ADVICE, StepResult, Trainer

SAMPLE_CHARACTERS = 240

_ROLLBACK_FACTOR = 0.5


@dataclass
class TrainingSession:
    """Binds a trainer to its folder and its reporter: the hooks of the training loop.

    Attributes:
        provenance: what the run was made with.
        plan: why it is as long, and its model as large, as it is.
        symbol_counts: how often each symbol is a target in the training text.
        metrics_digest: that of the lines of metrics so far.
        saved_step: steps after which last.safetensors was written; None where there is none to be kept.
        last_sample: the text drawn at the last evaluation.
    """

    folder: RunFolder
    config: RunConfig
    corpus: EncodedCorpus
    trainer: Trainer
    progress: Progress
    provenance: Provenance
    plan: TrainingPlan
    symbol_counts: NDArray[np.int64]
    reporter: Reporter
    stop: StopRequest
    metrics_digest: str = NO_LINES
    saved_step: int | None = None
    last_sample: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.model = self.trainer.model
        self.world = self.trainer.world
        self.characters_per_target = characters_per_target(self.corpus, self.trainer.batches)
        self._kept_weights = KeptWeights(self.trainer)
        self._speed = Speed()
        self._network_score: Score | None = None
        self._ends = self.world.clock() + (self.plan.seconds or 0.0) - self.progress.seconds
        charge_unknown(self.progress, self.corpus)

    @property
    def characters_trained(self) -> float:
        """Characters that the steps so far were over, all sessions together."""
        return float(self.progress.targets * self.characters_per_target)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until training has to end; None without a time budget."""
        return None if self.plan.seconds is None else self._ends - self.world.clock()

    def after_step(self, result: StepResult) -> None:
        """Reports a step."""
        trainer = self.trainer
        if trainer.accumulation > self.config.training.accumulation:
            self._note_accumulation()
        self.reporter.step(
            StepReport(
                step=result.step,
                loss=result.total_nats / result.num_targets / self.characters_per_target,
                learning_rate=result.learning_rate,
                gradient_norm=result.gradient_norm,
                clipped=trainer.num_clipped / result.step,
                skipped=trainer.num_skipped,
                characters_per_second=self._speed.after(result.num_targets * self.characters_per_target),
                total_steps=trainer.pace.total_steps,
                share=trainer.pace.progress(result.step),
            )
        )

    def validate(self) -> Score | None:
        """Scores the validation text with the weights that would be kept (the average, if there is one).

        Raises:
            NotFiniteError: its loss is not finite.
        """
        text = self.corpus.valid
        if text is None:
            return None
        self.model.eval()
        self._kept_weights.calibrate(text, self.corpus.tokenizer)
        with self._kept_weights.applied(), autocast(self.trainer.precision, self.trainer.device):
            parts = score_parts(
                self.model,
                text,
                self.corpus.tokenizer,
                device=self.trainer.device,
                mode="fast",
                share=self.plan.evaluated_share,
                world=self.world,
            )
        if not math.isfinite(parts[OWN].total_nats):
            step = self.trainer.step
            raise NotFiniteError(f"After step {step}, the validation loss is not finite; {NOT_FINITE_ADVICE}")
        self._network_score = parts.get(NETWORK_ALONE)
        return parts[OWN]

    def after_evaluation(self, score: Score | None, *, training_nats: float | None, is_best: bool) -> None:
        """Keeps the weights if they are the best, draws a short sample, and reports both.

        Raises:
            NotFiniteError: the weights are not finite.
        """
        with self._kept_weights.applied():
            if is_best:
                self.trainer.require_finite()
                record = ModelRecord(**self._facts(), validation=None if score is None else score.to_json())
                self.write(lambda: write_model(self.folder.best, self.model, record, self.symbol_counts))
            self.last_sample = self.draw_sample(self.model, length=SAMPLE_CHARACTERS)
        nats = float("nan") if training_nats is None else training_nats
        self.reporter.evaluation(
            EvaluationReport(
                step=self.trainer.step,
                training_nats_per_character=nats / self.characters_per_target,
                score=score,
                is_best=is_best,
                sample=self.last_sample,
                network=self._network_score,
                evaluated_share=self.plan.evaluated_share,
            )
        )
        self._speed.pause()

    def draw_sample(self, model: LanguageModel, *, length: int) -> str:
        """Returns a text drawn from a model of this run, always with the run's own seed for samples; or predictions."""
        device = self.trainer.device
        return self.world.by_first(lambda: draw_sample(model, self.config, self.corpus, device, length=length))

    def write(self, function: Callable[[], str | None]) -> str:
        """Returns what a function returns that writes into the folder; the first process alone calls it."""

        def write() -> str | None:
            self.folder.require_in_place()
            return function()

        return self.world.by_first(write)

    def move_to(self, folder: RunFolder) -> None:
        """Writes all that going on needs into a new folder, which is the run's from then on, without its metrics."""
        self.folder, self.saved_step, self.metrics_digest = folder, None, NO_LINES
        self._change_settings(name=folder.name)
        self.write(lambda: folder.write_tokenizer(self.corpus.tokenizer.to_json()))
        self.save()

    def record(self, metrics: dict[str, Any]) -> None:
        """Appends a line to metrics.jsonl, and reports it."""
        if "validation" in metrics and self._network_score is not None:
            metrics = metrics | {NETWORK_VALIDATION: self._network_score.to_json()}
        digest = self.metrics_digest
        self.metrics_digest = self.write(lambda: append_metrics(self.folder.metrics, metrics, digest=digest))
        self.reporter.losses(
            loss_point(
                metrics,
                self.trainer.pace,
                characters_per_symbol=self.characters_per_target,
                is_mixed=self.config.model.mixed_order is not None,
            )
        )

    def _note_accumulation(self) -> None:
        """Stores that batches are computed in more parts, for want of memory, and reports it."""
        parts = self.trainer.accumulation
        self._change_settings(accumulation=parts)
        self.reporter.warn(
            f"There is not enough memory for a batch in one piece; from step {self.trainer.step:,} on, each is "
            f"computed in {parts} parts, with the same gradient (--accumulation {parts})."
        )

    def _change_settings(self, **settings: Any) -> None:
        self.config = with_settings(self.config, **settings)
        self.write_config()

    def write_config(self) -> None:
        """Writes config.toml, with where its length and its sizes come from."""
        self.write(lambda: self.folder.write_config(self.config, comment=self.plan.reasons))

    def end_trial(self, *, keeps_mix: bool) -> None:
        """Stores the verdict on a mix on trial; one that did not help is taken out of the best model and the state."""
        tensors = None
        if not keeps_mix:
            tensors = state_of_network_alone(tensors_of(self.trainer), self.model)
            self.write(lambda: take_mix_out(self.folder.best))
            self._change_settings(mix=Mix(None))
        self.plan = self.plan.model_copy(update={"mix_on_trial": keeps_mix, "is_judged": True})
        self.save(tensors)

    def save(self, tensors: dict[str, Tensor] | None = None) -> None:
        """Writes last.safetensors, and keeps as many of its forerunners as was asked for.

        Args:
            tensors: of the state.  [default: the trainer's]

        Raises:
            CheckpointError: it cannot be written; the one before is kept.
            TrainingError: the weights are not finite; the state before is kept.
        """
        self.trainer.require_finite()
        if self.trainer.pace.total_steps != self.config.training.steps:
            self.plan = self.plan.model_copy(update={"is_replanned": True})
            self._change_settings(steps=self.trainer.pace.total_steps)
        step, keep = self.trainer.step, self.config.training.keep
        tensors = (tensors or tensors_of(self.trainer)) | {SYMBOL_COUNTS: torch.from_numpy(self.symbol_counts)}
        record = StateRecord(
            **self._facts(),
            trainer=values_of(self.trainer),
            progress=self.progress,
            metrics=self.metrics_digest,
        )
        saved_step, state = self.saved_step, Checkpoint(tensors, record.to_values())

        def write() -> None:
            sync_metrics(self.folder.metrics)
            if keep and saved_step not in (None, step):
                self.folder.keep_last(saved_step)
            write_checkpoint(self.folder.last, state)
            self.folder.prune_states(before=step, keep=keep)

        self.write(write)
        self.saved_step = step
        self._speed.pause()

    def roll_back(self) -> None:
        """Goes back to the state in last.safetensors, and on from there with a lower learning rate."""
        trainer, progress = self.trainer, self.progress
        left = trainer.step
        state = open_state(self.folder.last)
        load_weights(self.model, state.weights, source=str(state.path))
        factor = trainer.rate_factor * _ROLLBACK_FACTOR
        state.restore(trainer)
        trainer.rate_factor = factor
        # The length may have been planned anew since.
        self._change_settings(steps=trainer.pace.total_steps)
        rollbacks = [*progress.rollbacks, Rollback(left, trainer.step, factor)]
        charge_unknown(state.record.progress, self.corpus)
        vars(progress).update(vars(state.record.progress) | {"seconds": progress.seconds, "rollbacks": rollbacks})
        self.metrics_digest = self.write(lambda: trim_metrics(self.folder.metrics, trainer.step)[0])
        self.save()
        self.reporter.warn(
            f"The loss rose out of bounds up to step {left:,}: back to step {trainer.step:,}, with {factor:g} of the "
            f"learning rate from now on (rollback {len(progress.rollbacks)} of {self.config.training.rollbacks})."
        )

    def stop_requested(self) -> bool:
        """Returns whether someone wants the run to stop, in whichever process, or a search has given it up."""
        number = self.world.largest(self.stop.signal if self.stop.requested or self.stop.is_pruned else 0)
        if number:
            self.stop.signal = int(number)
        return number > 0

    def _facts(self) -> dict[str, Any]:
        """Returns what the records of the best model and of the state have in common."""
        return {
            "provenance": self.provenance,
            "plan": self.plan,
            "step": self.trainer.step,
            "config": self.config,
            "tokenizer": self.corpus.tokenizer,
        }
