"""Scores of a model that adapts to the text, after what its run's validation text taught about how to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Adapt
from charlm.data.encoder import EncodedText
from charlm.data.lanes import Window
from charlm.errors import CharlmError, CheckpointError, ConfigError, DataError
from charlm.evaluation.accounting import make_score
from charlm.evaluation.adaptive import Reader, StaticReader, adapted_nats, text_nats, windows_in_order
from charlm.evaluation.dynamic import WINDOW, DynamicReader, DynamicSettings, gradient_sizes
from charlm.evaluation.score import Score
from charlm.evaluation.unknown import learnt_unknown_nats
from charlm.evaluation.windows import sampled_windows, warm_windows
from charlm.models.base import Network
from charlm.models.mixture import MixedLanguageModel
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.loading import LoadedModel
from charlm.runs.stored.record import adapted_model, section
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.adaptation import Adaptation, AdaptationSettings

_WEIGHT_RATES = (0.015, 0.025, 0.04)
_DYNAMIC_RATES = (5e-5, 1e-4, 2e-4)
_FAST_SYMBOL_RATE = 0.2
"""Better where symbols are thousands, as of Chinese; worse where they are few."""
_TRIED_SYMBOLS = {"counts": 30_000, "full": 8_000}
_READ_WINDOWS = 50
_SIZED_WINDOWS, _SIZED_LANES = 60, 64
LEARNED, SIZES = "learned", "sizes"
_VERSION = 3
"""Of what a run keeps: what an adaptation of another version learnt is found out anew."""


@dataclass(frozen=True)
class Calibration:
    """How a run's best model adapts.

    Attributes:
        settings: of what counts and mixes.
        dynamic: of the network that goes on learning; None where it does not.
        learned: of an adaptation to the validation text, to start from; None for none.
        sizes: of the network's gradients, by weight; None where it does not go on learning.
    """

    settings: AdaptationSettings
    dynamic: DynamicSettings | None
    learned: dict[str, NDArray[Any]] | None
    sizes: dict[str, Tensor] | None

    def adaptation(self, loaded: LoadedModel) -> Adaptation:
        """Returns an adaptation of a model that has read nothing yet."""
        tokenizer = loaded.tokenizer
        adaptation = Adaptation(
            num_parts(loaded), tokenizer.vocabulary_size, self.settings, line_end=tokenizer.line_end
        )
        if self.learned is not None:
            adaptation.start_from(self.learned)
        return adaptation

    def reader(self, loaded: LoadedModel) -> Reader:
        """Returns what predicts a text for it."""
        if self.dynamic is None or self.sizes is None:
            return StaticReader(loaded.model, loaded.device)
        length = WINDOW if loaded.tokenizer.begin is not None else _READ_WINDOWS * WINDOW
        return DynamicReader(loaded.model, self.sizes, self.dynamic, length=length)


def num_parts(loaded: LoadedModel) -> int:
    """Returns of how many models a model consists."""
    return 2 if isinstance(loaded.model, MixedLanguageModel) else 1


def adapted_score(
    loaded: LoadedModel,
    encoded: EncodedText,
    method: Adapt,
    workspace: Workspace,
    reporter: Reporter,
    *,
    label: str,
    folder: RunFolder | None,
    read_again: Callable[[], str | None],
    is_own_validation: bool = False,
) -> Score:
    """Returns the score of a text under a model that adapts to it.

    Args:
        folder: of the run; None where only its model is at hand.
        read_again: returns the text as it was encoded, where it can be.
        is_own_validation: whether the text is the run's validation text, from which nothing may be chosen then.

    Raises:
        ConfigError: `full` for a model without weights.
        DataError: `full`, and there is no text to measure gradients on.
    """
    if loaded.config.data.task is not None:
        raise ConfigError(f"--adapt is for models that continue text; '{loaded.name}' learnt from examples.")
    if method == "full" and not isinstance(loaded.model, Network):
        raise ConfigError("--adapt full goes on training a network, and an n-gram model has none; use --adapt counts.")
    found = calibration(loaded, method, workspace, reporter, folder=folder, from_validation=not is_own_validation)
    with reporter.progress(f"scoring {label}, adapting", len(encoded.tokens)) as advance:
        nats = text_nats(found.reader(loaded), encoded, loaded.tokenizer, found.adaptation(loaded), advance=advance)
    unknown_nats = None
    if encoded.num_unknown:
        characters = read_again()
        unknown_nats = None if characters is None else learnt_unknown_nats(characters, encoded, loaded.tokenizer)
        if unknown_nats is None:
            reporter.note(f"{label} cannot be read again, so unknown characters are charged as in the static score.")
    return make_score(nats, encoded, loaded.tokenizer, unknown_nats=unknown_nats)


def calibration(
    loaded: LoadedModel,
    method: Adapt,
    workspace: Workspace,
    reporter: Reporter,
    *,
    folder: RunFolder | None,
    from_validation: bool = True,
) -> Calibration:
    """Returns how a model adapts: as its run knows already, or as its validation text says now, which the run keeps.

    Args:
        from_validation: whether the validation text may be asked; otherwise the usual rates serve.
    """
    usual = Calibration(AdaptationSettings(), None, None, None)
    path = None if folder is None else folder.adaptation(method)
    if from_validation and path is not None and path.exists():
        stored = _read(path, usual, loaded, method, reporter)
        if stored is not None:
            return stored
    corpus = None
    try:
        corpus = reopen_corpus(loaded.record, workspace, reporter)
    except CharlmError as error:
        if method == "full":
            raise DataError(f"--adapt full measures gradients on the run's own text first: {error}") from None
        reporter.note(f"{error} The usual rates are taken.")
    valid = None if corpus is None else corpus.valid
    if method == "full":
        assert corpus is not None
        # Where the validation text is the one to be scored, the training text has to do.
        text = valid if valid is not None and from_validation else corpus.train
        usual = replace(usual, dynamic=DynamicSettings(), sizes=_measured_sizes(loaded, text))
    if valid is None or not from_validation:
        return usual
    chosen = _chosen(loaded, usual, valid, reporter, most_symbols=_TRIED_SYMBOLS[method])
    if path is not None:
        _write(path, chosen, loaded, reporter)
    return chosen


def _measured_sizes(loaded: LoadedModel, text: EncodedText) -> dict[str, Tensor]:
    if loaded.tokenizer.begin is None:
        lanes = min(_SIZED_LANES, max(1, len(text.tokens) // (2 * WINDOW)))
        windows = warm_windows(text.tokens, num_lanes=lanes, warmup=0, length=WINDOW)
    else:
        windows = sampled_windows(text, loaded.tokenizer, num_symbols=_SIZED_WINDOWS * _SIZED_LANES * WINDOW)
    return gradient_sizes(loaded.model, windows, most_windows=_SIZED_WINDOWS)


def _chosen(
    loaded: LoadedModel, usual: Calibration, valid: EncodedText, reporter: Reporter, *, most_symbols: int
) -> Calibration:
    """Returns the best of some rates on the beginning of the validation text, with what was learnt from it."""
    candidates = [replace(usual, settings=replace(usual.settings, weight_rate=rate)) for rate in _WEIGHT_RATES]
    if usual.dynamic is not None:
        candidates = [replace(usual, dynamic=replace(usual.dynamic, rate=rate)) for rate in _DYNAMIC_RATES]
    num_symbols = min(len(valid.tokens), most_symbols)
    with reporter.progress("choosing rates on the validation text", (len(candidates) + 1) * num_symbols) as advance:

        def tried(candidate: Calibration) -> tuple[float, Calibration]:
            adaptation, reader = candidate.adaptation(loaded), candidate.reader(loaded)
            windows = windows_in_order(valid.tokens, loaded.tokenizer, length=reader.length)
            nats = adapted_nats(reader, _first(windows, num_symbols), adaptation, advance=advance)
            return nats, replace(candidate, learned=adaptation.learned())

        best = min(map(tried, candidates), key=_nats)
        fast = replace(best[1].settings, symbol_rate=_FAST_SYMBOL_RATE)
        return min(best, tried(replace(best[1], settings=fast, learned=None)), key=_nats)[1]


def _nats(tried: tuple[float, Calibration]) -> float:
    return tried[0]


def _first(windows: Iterable[Window], num_symbols: int) -> Iterable[Window]:
    read = 0
    for window in windows:
        if read >= num_symbols:
            return
        read += window.num_targets
        yield window


def _read(path: Path, usual: Calibration, loaded: LoadedModel, method: Adapt, reporter: Reporter) -> Calibration | None:
    """Returns what a run knows; None where that is of another model, or damaged, which is said."""
    try:
        stored = read_checkpoint(path)
        if (stored.values.get("model"), stored.values.get("version")) != (adapted_model(loaded.record), _VERSION):
            return None
        rate, dynamic_rate = _rate(stored.values["weight_rate"]), stored.values["dynamic_rate"]
        symbol_rate = _rate(stored.values["symbol_rate"])
        if (dynamic_rate is None) != (method == "counts"):
            raise ValueError("it is of another method")
        learned = {name: tensor.numpy() for name, tensor in section(stored.tensors, LEARNED).items()}
        sizes = section(stored.tensors, SIZES)
        known = replace(
            usual,
            settings=replace(usual.settings, weight_rate=rate, symbol_rate=symbol_rate),
            dynamic=None if dynamic_rate is None else replace(DynamicSettings(), rate=_rate(dynamic_rate)),
            learned=learned,
            sizes=None if dynamic_rate is None else sizes,
        )
        known.adaptation(loaded)
        known.reader(loaded)
    except (CheckpointError, KeyError, TypeError, ValueError):
        reporter.note(f"'{path}' is damaged; what it holds is found out anew.")
        return None
    return known


def _write(path: Path, chosen: Calibration, loaded: LoadedModel, reporter: Reporter) -> None:
    assert chosen.learned is not None
    tensors = {f"{LEARNED}.{name}": torch.from_numpy(array) for name, array in chosen.learned.items()}
    tensors |= {f"{SIZES}.{name}": size for name, size in (chosen.sizes or {}).items()}
    values = {
        "model": adapted_model(loaded.record),
        "version": _VERSION,
        "weight_rate": chosen.settings.weight_rate,
        "symbol_rate": chosen.settings.symbol_rate,
        "dynamic_rate": None if chosen.dynamic is None else chosen.dynamic.rate,
    }
    try:
        write_checkpoint(path, Checkpoint(tensors, values))
    except CheckpointError as error:
        reporter.note(f"What the validation text taught is not kept: {error}")


def _rate(value: Any) -> float:
    """Returns a stored rate; what is none is a ValueError."""
    if not isinstance(value, float) or not 0.0 < value <= 1.0:
        raise ValueError("it is no rate")
    return value
