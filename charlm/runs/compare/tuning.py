"""`charlm tune`: a search over the settings that nobody asked for, by trainings of equal time."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from charlm.checkpointing.container import read_described
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Request, RunConfig, TuningConfig
from charlm.data.corpus import EncodedCorpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.build import learnt
from charlm.errors import CharlmError, CheckpointError, ConfigError
from charlm.files.writing import write_atomically
from charlm.notation import parse_seconds
from charlm.runs.compare.findings import Findings, Repeated, best_as_toml, ranked
from charlm.runs.compare.running import TrainOne, train_one
from charlm.runs.compare.space import Space, read_searches, require_searchable, usual_searches
from charlm.runs.compare.study import Study, Trial, TrialRow, require_optuna, run_name
from charlm.runs.compare.study_folder import StudyFolder
from charlm.runs.compare.trial_reports import TrialReporter
from charlm.runs.reporting import Reporter, SilentReporter, StopRequest
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.stored.standing import read_standing
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.budget import SHORTEST_TRAINING
from charlm.runs.train.settings import with_settings
from charlm.runs.train.start import plan_run
from charlm.tasks import unit_of

PlanOne = Callable[..., tuple[RunConfig, TrainingPlan]]
"""Chooses what is open of a run, as `plan_run` does."""


class TuningReporter(Reporter, Protocol):
    """Receives the reports of a search, and those of the training that it is at."""

    def upcoming(self, run: str, rows: Sequence[TrialRow], *, total: int) -> None:
        """Shows which run is trained next, after the trials so far."""

    def over(self, row: TrialRow) -> None:
        """Shows what came of a trial."""


def tune(
    settings: TuningConfig,
    request: Request,
    workspace: Workspace,
    reporter: TuningReporter,
    stop: StopRequest,
    *,
    searches: tuple[str, Mapping[str, Any]] | None = None,
    plan: PlanOne = plan_run,
    train: TrainOne = train_one,
) -> tuple[StudyFolder, Findings]:
    """Trains trials until there are enough, and returns what all of them have found.

    Interrupted, it goes on where it was when it is called again with the same name and settings; called several times
    at once, all processes share the trials.

    Args:
        request: what all trials have in common; its name is the study's.
        searches: a space to search instead of the usual one: where it is from, and its searches, section by section.
        plan: chooses what is open of a run, as charlm itself does.
        train: trains a run.

    Raises:
        CharlmError: something that the user can mend.
    """
    require_optuna()
    require_searchable(request.config)
    config = request.config
    corpus = encode_corpus(
        config.data, learnt(config.tokenizer, records=config.data.are_records, data=config.data), workspace, reporter
    )
    if corpus.valid is None:
        raise ConfigError("A search needs a validation text to judge by; choose a --split that leaves some.")
    name = config.run.name or f"tune-{text_slug(corpus.label)}"
    request = Request(
        with_settings(config, name=None, steps=None, epochs=None, budget=settings.trial_budget),
        (request.asked | {"budget"}) - {"name"},
    )
    given = None if searches is None else read_searches(searches[1], source=searches[0], asked=request.asked)
    folder = StudyFolder(
        workspace.checkpoints / name, _common_settings(request, corpus, space=None if searches is None else searches[1])
    )

    def begin() -> RunConfig:
        reporter.note(f"Measuring what charlm itself chooses for {settings.trial_budget} …")
        planned = _planned(settings, partial(plan, request, workspace, SilentReporter(), cache=workspace.data))
        # Before anything is written: a space that cannot be used begins no study.
        _space(given, request, planned).require_usable(source="The space" if searches is None else searches[0])
        return planned

    space = _space(given, request, folder.begin(begin))
    search = _Search(
        settings,
        space,
        corpus,
        Study(folder.path, seed=config.run.seed),
        Workspace(workspace.root, group=f"{workspace.group}/{name}" if workspace.group else name),
        reporter,
        stop,
        train,
    )
    search.train_trials()
    findings = search.findings()
    if findings.best is not None:
        best = space.request_for(findings.best.settings)
        write_atomically(folder.best, best_as_toml(best, comment=_heading(findings, name)).encode())
    return folder, findings


class _Search:
    """A search by this process."""

    def __init__(
        self,
        settings: TuningConfig,
        space: Space,
        corpus: EncodedCorpus,
        study: Study,
        group: Workspace,
        reporter: TuningReporter,
        stop: StopRequest,
        train: TrainOne,
    ) -> None:
        self._settings, self._space, self._corpus = settings, space, corpus
        self._study, self._group, self._reporter, self._stop = study, group, reporter, stop
        self._train_one = train
        self._warned: set[str] = set()

    def train_trials(self) -> None:
        """Trains trials until there are enough, or a stop is requested."""
        total, usual = self._settings.trials, self._space.usual()
        while not self._stop.requested:
            trial = self._study.take(total=total, usual=usual, draw=self._space.draw)
            if trial is None:
                return
            self._reporter.upcoming(trial.run, self._study.rows(), total=total)
            self._train(trial)
            self._reporter.over(self._study.rows()[trial.number])

    def _train(self, trial: Trial) -> None:
        reports = TrialReporter(self._reporter, self._stop, trial, warned=self._warned)
        try:
            request = self._space.request_for(trial.settings, name=trial.run)
            trained = self._train_one(trial.run, request, self._corpus, self._group, reports, self._stop)
        except CheckpointError:
            # The disk fails, not what was tried.
            trial.put_back()
            raise
        except CharlmError as error:
            trial.fail(str(error))
            return
        finally:
            is_pruned, self._stop.is_pruned = self._stop.is_pruned, False
        if trained is not None:
            trial.finish(trained.bits["validation"], seconds=trained.seconds)
        elif is_pruned:
            trial.prune()
        else:
            trial.put_back()

    def findings(self) -> Findings:
        """Returns what was found, after training the best trial and the first one with further seeds."""
        unit = unit_of(self._space.request.config.data.task)
        rows = ranked(self._study.rows())
        findings = Findings(rows, unit=unit)
        is_over = len(rows) >= self._settings.trials and not any(each.state in ("training", "stopped") for each in rows)
        if findings.best is None or findings.usual is None or not is_over or not self._settings.confirm_seeds:
            return findings
        numbers = sorted({findings.best.number, findings.usual.number})
        repeated = [each for number in numbers if (each := self._repeat(rows, number)) is not None]
        return Findings(rows, tuple(repeated) if len(repeated) == len(numbers) else (), unit)

    def _repeat(self, rows: Sequence[TrialRow], number: int) -> Repeated | None:
        """Trains the settings of a trial with further seeds; None if it was stopped, or another process does."""
        row = next(each for each in rows if each.number == number)
        assert row.bits is not None
        bits = [row.bits]
        first = self._space.request.config.run.seed
        for seed in range(first + 1, first + 1 + self._settings.confirm_seeds):
            found = self._bits_with_seed(row, seed, rows)
            if found is None:
                return None
            bits.append(found)
        return Repeated(number, tuple(bits))

    def _bits_with_seed(self, row: TrialRow, seed: int, rows: Sequence[TrialRow]) -> float | None:
        name = f"{run_name(row.number)}-seed-{seed}"
        run = RunFolder(self._group.checkpoints / name)
        standing, _ = read_standing(run, partial(read_described, within=run.path))
        if standing is not None and standing.best is not None and standing.best.final is not None:
            return standing.bits_per_character("validation")
        if self._stop.requested or (claim := self._study.claim(name)) is None:
            return None
        self._reporter.upcoming(name, rows, total=self._settings.trials)
        reports = TrialReporter(self._reporter, self._stop, None, warned=self._warned)
        try:
            request = self._space.request_for(row.settings, name=name, seed=seed)
            trained = self._train_one(name, request, self._corpus, self._group, reports, self._stop)
        except CharlmError as error:
            self._reporter.warn(f"{name}: {error}")
            return None
        finally:
            claim.close()
        return None if trained is None else trained.bits["validation"]


def _planned(settings: TuningConfig, plan: Callable[[], tuple[RunConfig, TrainingPlan]]) -> RunConfig:
    """Returns what charlm itself chooses for a trial; a ConfigError if there is no time to train."""
    config, length = plan()
    if length.seconds is not None and length.seconds <= SHORTEST_TRAINING:
        longer = math.ceil(4 * parse_seconds(settings.trial_budget))
        raise ConfigError(
            f"--trial-budget {settings.trial_budget} is over before training can begin on this text; "
            f"try --trial-budget {longer}s."
        )
    return config


def _space(given: Mapping[str, Any] | None, request: Request, planned: RunConfig) -> Space:
    return Space(usual_searches(request.asked, planned) if given is None else given, request, planned)


def _common_settings(request: Request, corpus: EncodedCorpus, *, space: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns what a study that goes on must have in common with its beginning; there may be more trials."""
    config = request.config
    held = {section: getattr(config, section).model_dump(mode="json") for section in ("tokenizer", "model", "training")}
    asked = {
        name: value for each in held.values() for name, value in each.items() if name in request.asked - {"budget"}
    }
    return {
        "text": corpus.digest[:16],
        "split": config.data.split,
        "trial-budget": config.training.budget,
        "seed": config.run.seed,
        "choice of settings": asked,
        "space": space,
    }


def _heading(findings: Findings, name: str) -> str:
    best = findings.best
    assert best is not None
    lines = [f"Found by charlm tune: {best.run} of study {name}, {best.bits:.4f} bits/{findings.unit} on validation."]
    if findings.usual is not None and best.number == findings.usual.number:
        lines.append("It is what charlm itself chooses.")
    elif findings.gain is not None:
        lines.append(f"What charlm itself chooses is {findings.gain:.4f} worse.")
    return "\n".join(lines)
