"""A search over settings as Optuna keeps it: its trials, in one append-only file for all processes."""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from charlm.checkpointing.locking import InUseError, locked
from charlm.errors import CheckpointError, ConfigError
from charlm.files.errors import os_errors_as
from charlm.files.writing import make_folder
from charlm.runs.compare.journal import JournalLock
from charlm.runs.compare.pruning import is_behind
from charlm.runs.compare.space import Draw, Values

_STUDY = "charlm"
_SETTINGS, _ERROR, _SECONDS, _EVALUATED = "settings", "error", "seconds", "evaluated share"
_SHARES = 1000
"""Optuna counts the steps of a trial in whole numbers: thousandths of its time."""
_ALIKE = 1.25
"""The factor by which the shares of the validation text that two trials read may differ to be compared."""
_RANDOM_TRIALS = 10
"""Trials before which Optuna does not yet draw by what it has seen; a third of all, if these are fewer."""
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError)

TrialState = Literal["finished", "pruned", "failed", "training", "stopped"]


@dataclass(frozen=True)
class TrialRow:
    """A trial, and what came of it.

    Attributes:
        number: counted from 0; trial 0 has the settings that charlm itself chooses.
        settings: those that were drawn.
        bits: per character of the validation text: of the best model where it is finished, else at the last evaluation.
        share: of its time that it had, 0 to 1.
        error: why it failed, one sentence.
    """

    number: int
    state: TrialState
    settings: dict[str, Any]
    bits: float | None = None
    share: float = 0.0
    seconds: float | None = None
    error: str | None = None

    @property
    def run(self) -> str:
        """The name of its run, under the study's folder."""
        return run_name(self.number)


def run_name(number: int) -> str:
    """Returns the name of the run of a trial."""
    return f"trial-{number:03d}"


def require_optuna() -> None:
    """Raises a ConfigError where Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("charlm tune needs Optuna; install it with: pip install 'charlm[tune]'")


@final
class Trial:
    """A trial that this process trains; no other one takes it as long as the process lives."""

    def __init__(self, study: "Study", trial: Any, claim: ExitStack) -> None:
        self._study = study
        self._trial = trial
        self._claim = claim
        self.number: int = trial.number

    @property
    def run(self) -> str:
        """The name of its run, under the study's folder."""
        return run_name(self.number)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were drawn."""
        with self._study.explained():
            return dict(self._trial.user_attrs[_SETTINGS])

    def report(self, share: float, bits: float, *, evaluated: float) -> None:
        """Keeps an evaluation after a share of the trial's time, unless there is one.

        Args:
            evaluated: how much of the validation text each evaluation of this trial reads, 0 to 1.
        """
        step = round(share * _SHARES)
        with self._study.explained():
            if step not in self._study.row_points(self.number):
                self._trial.report(bits, step)
            if _EVALUATED not in self._trial.user_attrs:
                self._trial.set_user_attr(_EVALUATED, evaluated)

    def is_behind(self, share: float, bits: float, *, evaluated: float) -> bool:
        """Returns whether the trial is to be given up; see `pruning.is_behind`. The first one never is.

        It is compared with finished trials whose evaluations read about as much of the validation text: a part of it
        may be easier than the whole.
        """
        return self.number > 0 and is_behind(share, bits, self._study.finished_points(evaluated))

    def finish(self, bits: float, *, seconds: float | None) -> None:
        """Keeps the result of the trial."""
        self._study.tell(self._trial, bits, state="COMPLETE", **{_SECONDS: seconds})
        self._claim.close()

    def prune(self) -> None:
        """Keeps that the trial was given up, after the evaluations that it has reported."""
        self._study.tell(self._trial, None, state="PRUNED")
        self._claim.close()

    def fail(self, error: str) -> None:
        """Keeps that the trial came to nothing, and why."""
        self._study.tell(self._trial, None, state="FAIL", **{_ERROR: error})
        self._claim.close()

    def put_back(self) -> None:
        """Leaves the trial, as it is, to whoever takes it up."""
        self._claim.close()


@final
class Study:
    """The trials of a search, which several processes may share.

    Args:
        folder: of the study; it exists.
        seed: of what is drawn.

    Raises:
        CheckpointError: the file of the trials is damaged, or cannot be read or written.
    """

    def __init__(self, folder: Path, *, seed: int) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        self._folder = folder
        self._file = folder / "journal.jsonl"
        self._claims = folder / ".claims"
        self._seed = seed
        self._optuna = optuna
        # Optuna would tell of every trial; charlm does so itself.
        logging.getLogger("optuna").setLevel(logging.ERROR)
        with os_errors_as(CheckpointError, f"Cannot make '{self._claims}'"):
            make_folder(self._claims, exist_ok=True)
        with self.explained(), self._locked():
            storage = JournalStorage(JournalFileBackend(str(self._file), lock_obj=JournalLock(self._file)))
            self._study = optuna.create_study(storage=storage, study_name=_STUDY, load_if_exists=True)

    def take(self, *, total: int, usual: dict[str, Any], draw: Callable[[Draw], dict[str, Any]]) -> Trial | None:
        """Returns the next trial: one that a process left behind, else a new one; None if there are enough.

        Args:
            total: how many trials there are to be.
            usual: what is drawn for the first trial.
            draw: draws the settings of a trial.
        """
        with self.explained(), self._locked():
            trials = self._study.get_trials(deepcopy=False)
            for each in trials:
                if each.state.name == "RUNNING" and (claim := self.claim(run_name(each.number))) is not None:
                    return self._drawn(self._optuna.trial.Trial(self._study, each._trial_id), claim, draw)
            begun = sum(each.state.name != "WAITING" for each in trials)
            if begun >= total:
                return None
            if not trials:
                self._study.enqueue_trial(usual)
            self._study.sampler = self._optuna.samplers.TPESampler(
                # Other numbers for each trial, whoever draws it; and the same ones when nothing else differs.
                seed=int(np.random.SeedSequence((self._seed, begun)).generate_state(1)[0]),
                n_startup_trials=min(_RANDOM_TRIALS, total // 3),
            )
            trial = self._study.ask()
            claim = self.claim(run_name(trial.number))
            assert claim is not None
            return self._drawn(trial, claim, draw)

    def claim(self, name: str) -> ExitStack | None:
        """Returns what holds a run for this process until it is closed; None if another process holds it."""
        held = ExitStack()
        try:
            held.enter_context(locked(self._claims, file=f"{name}.lock"))
        except InUseError:
            return None
        return held

    def rows(self) -> list[TrialRow]:
        """Returns all trials that were begun, by their numbers."""
        with self.explained():
            trials = [each for each in self._study.get_trials(deepcopy=False) if each.state.name != "WAITING"]
            return [self._row(each) for each in trials]

    def finished_points(self, evaluated: float) -> list[dict[float, float]]:
        """Returns the evaluations of finished trials that read about such a share of the text, by the share of time."""
        with self.explained():
            trials = [each for each in self._study.get_trials(deepcopy=False) if each.state.name == "COMPLETE"]
        shares = {each.number: each.user_attrs.get(_EVALUATED, 0.0) for each in trials}
        alike = (each for each in trials if evaluated / _ALIKE <= shares[each.number] <= evaluated * _ALIKE)
        return [_points(each) for each in alike]

    def row_points(self, number: int) -> dict[int, float]:
        """Returns the evaluations of a trial, by thousandths of its time."""
        with self.explained():
            return dict(self._study.get_trials(deepcopy=False)[number].intermediate_values)

    def tell(self, trial: Any, bits: float | None, *, state: str, **attributes: Any) -> None:
        """Keeps the end of a trial, and what else is known of it."""
        with self.explained():
            for name, value in attributes.items():
                trial.set_user_attr(name, value)
            self._study.tell(trial, bits, state=self._optuna.trial.TrialState[state])

    def _drawn(self, trial: Any, claim: ExitStack, draw: Callable[[Draw], dict[str, Any]]) -> Trial:
        with claim:
            if _SETTINGS not in trial.user_attrs:
                trial.set_user_attr(_SETTINGS, draw(_OptunaDraw(trial)))
            return Trial(self, trial, claim.pop_all())

    def _row(self, trial: Any) -> TrialRow:
        states: dict[str, TrialState] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        state = states.get(trial.state.name)
        if state is None:
            claim = self.claim(run_name(trial.number))
            state = "training" if claim is None else "stopped"
            if claim is not None:
                claim.close()
        points = _points(trial)
        last = max(points, default=0.0)
        return TrialRow(
            number=trial.number,
            state=state,
            settings=dict(trial.user_attrs.get(_SETTINGS, {})),
            bits=trial.value if state == "finished" else points.get(last),
            share=1.0 if state == "finished" else last,
            seconds=trial.user_attrs.get(_SECONDS),
            error=trial.user_attrs.get(_ERROR),
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the study while a trial is taken, so that no other process takes the same one."""
        with locked(self._claims, seconds=-1):
            yield

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raises what Optuna says of a file of trials that is damaged, or cannot be written, as a CheckpointError."""
        try:
            with os_errors_as(CheckpointError, f"'{self._file}' cannot be read or written"):
                yield
        except _DAMAGE:
            raise CheckpointError(
                f"'{self._file}' is damaged; put it back from a copy, or begin anew with another --name."
            ) from None


@final
class _OptunaDraw:
    """Draws by what Optuna has seen of the trials before."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def choice(self, name: str, values: Values) -> Any:
        """Returns one of the values."""
        return self._trial.suggest_categorical(name, values)

    def number(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Returns a number in a range."""
        return float(self._trial.suggest_float(name, low, high, log=log))

    def whole(self, name: str, low: int, high: int, *, log: bool) -> int:
        """Returns a whole number in a range."""
        return int(self._trial.suggest_int(name, low, high, log=log))


def _points(trial: Any) -> dict[float, float]:
    return {step / _SHARES: bits for step, bits in trial.intermediate_values.items()}
