"""`charlm inspect units`: which unit of a run's network tracks what, and what holding one does."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from charlm.config import ModelConfig, SamplingConfig
from charlm.data.corpus import encode_text
from charlm.data.encoder import EncodedText
from charlm.data.inputs import open_text
from charlm.errors import ConfigError, DataError
from charlm.evaluation.text_properties import PROPERTIES, Property
from charlm.evaluation.unit_excerpts import Excerpt, Unit, UnitReader
from charlm.evaluation.units import Moments, measure_units
from charlm.generation.generator import generate_texts
from charlm.notation import counted, quoted
from charlm.runs.reporting import Reporter
from charlm.runs.sample import build_stepped
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.model import StoredModel, read_newest_model
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import HeldUnit
from charlm.stepping.build import build_observed
from charlm.stepping.shapes import unit_state

BEST_UNITS = 3
_LONG_EXCERPT = 800
_FEWEST_SYMBOLS = 256


@dataclass(frozen=True)
class Effect:
    """How much a property shows in a unit, on text that the unit was not chosen by.

    Attributes:
        property: its name.
        measure: "d", the difference of the means in standard deviations, or "r", the correlation.
        mean_if_so: the unit's mean where the property holds; None for a number.
        mean_otherwise: its mean where it does not.
    """

    property: str
    unit: str
    measure: str
    effect: float
    mean_if_so: float | None
    mean_otherwise: float | None


@dataclass(frozen=True)
class UnitsReport:
    """What was found.

    Attributes:
        text: what was read.
        value: the letter of what a unit's value is: c, its memory, or h, its output.
        symbols: how many were read.
    """

    run: str
    text: str
    value: str
    symbols: int
    effects: tuple[Effect, ...]
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True)
class HeldSample:
    """What a model writes with units held, and what it writes without, from the same seed."""

    run: str
    held: tuple[str, ...]
    free_text: str
    held_text: str
    seed: int


def inspect_units(
    run: str,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    symbols: int,
    unit: str | None = None,
    stdin: BinaryIO | None = None,
) -> UnitsReport:
    """Measures every unit of a run's network against every property of a text.

    Args:
        text: as in `DataConfig.corpus`; empty for what was held out of the run's own text.
        symbols: how many are read at most.
        unit: the only one to report, such as "2:117"; None for the best units of each property.

    Raises:
        ConfigError: the network has no such units.
        DataError: there is too little text.
    """
    stored = _read_network(run, workspace, reporter)
    model = stored.config.model
    part, value = unit_state(model)
    size = stored.tokenizer.vocabulary_size
    network = build_observed(model, stored.weights, vocabulary_size=size, source=str(stored.source))
    chosen = None if unit is None else _parse_unit(unit, model)
    with _text_of(stored, text, workspace, reporter, stdin=stdin) as (encoded, label):
        tokens, tokenizer = encoded.tokens, stored.tokenizer
        if len(tokens) < _FEWEST_SYMBOLS:
            raise DataError(
                f"'{label}' has {counted(len(tokens), 'symbol')}; at least {_FEWEST_SYMBOLS} are needed. "
                "Give a longer TEXT."
            )
        with reporter.progress(f"reading {label}", min(symbols, len(tokens))) as advance:
            halves = measure_units(network, tokens, tokenizer, part=part, num_symbols=symbols, advance=advance)
        effects, best = _effects(halves, size=model.hidden_size, only=chosen)
        reader = UnitReader(network, tokens, tokenizer, part)
        if chosen is not None:
            excerpts = [reader.excerpt(chosen, start=0, length=_LONG_EXCERPT)]
        else:
            excerpts = [reader.telling_excerpt(unit, tracked) for tracked, unit in best.items()]
        return UnitsReport(stored.name, label, value, min(symbols, len(tokens)), tuple(effects), tuple(excerpts))


def sample_with_held(
    run: str, held: Sequence[str], settings: SamplingConfig, workspace: Workspace, reporter: Reporter, *, seed: int
) -> HeldSample:
    """Draws a text with units held, such as "2:117=1", and one without, from the same seed.

    A mixture's n-grams are as they always are.

    Raises:
        ConfigError: the network has no such units, or a value is no number.
    """
    stored = _read_network(run, workspace, reporter)
    model = stored.config.model
    part, _ = unit_state(model)
    units = [_parse_held(each, model, part=part) for each in held]
    free, other = (
        generate_texts(build_stepped(stored, held=each), stored.tokenizer, "", settings, seed=seed)[0]
        for each in ((), units)
    )
    return HeldSample(stored.name, tuple(held), free, other, seed)


def _read_network(run: str, workspace: Workspace, reporter: Reporter) -> StoredModel:
    """Returns a run's best model, or its last before there is one; one without a network is a ConfigError."""
    stored, note = read_newest_model(run, workspace)
    if note is not None:
        reporter.note(note)
    if stored.config.model.model == "ngram":
        raise ConfigError(f"'{stored.name}' is an n-gram model: it counts, and has no units to look at.")
    return stored


@contextmanager
def _text_of(
    stored: StoredModel,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    stdin: BinaryIO | None,
) -> Iterator[tuple[EncodedText, str]]:
    if text:
        source, notes = open_text(text, data=stored.config.data, folder=workspace.data, stdin=stdin)
        for note in notes:
            reporter.note(note)
        with encode_text(source, stored.tokenizer, folder=workspace.data, progress=reporter.progress) as encoded:
            yield encoded, source.label
        return
    corpus = reopen_corpus(stored.record, workspace, reporter)
    held_out = {"validation": corpus.valid, "test": corpus.test}
    name, part = max(held_out.items(), key=lambda each: 0 if each[1] is None else len(each[1].tokens))
    if part is None:
        raise DataError(f"'{stored.name}' was trained on all of its text; give a TEXT that it has not seen.")
    yield part, f"{corpus.label} ({name})"


def _effects(
    halves: tuple[Moments, Moments], *, size: int, only: Unit | None
) -> tuple[list[Effect], dict[Property, Unit]]:
    """Returns the effects, and the unit of each property that shows it most."""
    chosen_by, judged_by = (each.effects() for each in halves)
    means = halves[1].means()
    found: list[Effect] = []
    best: dict[Property, Unit] = {}
    for index, each in enumerate(PROPERTIES):
        if np.isnan(chosen_by[:, index]).any() or np.isnan(judged_by[:, index]).any():
            continue
        first = np.argsort(-np.abs(chosen_by[:, index]), kind="stable")[:BEST_UNITS]
        rows = first.tolist() if only is None else [(only.layer - 1) * size + only.number - 1]
        for row in rows:
            so, otherwise = (None, None) if each.is_number else (round(float(mean[row, index]), 4) for mean in means)
            unit = Unit(row // size + 1, row % size + 1)
            best.setdefault(each, unit)
            effect = round(float(judged_by[row, index]), 4)
            found.append(Effect(each.name, str(unit), "r" if each.is_number else "d", effect, so, otherwise))
    return found, best


def _parse_unit(text: str, model: ModelConfig) -> Unit:
    layers, size = model.num_layers, model.hidden_size
    unit = Unit.parse(text)
    if unit is None or not (1 <= unit.layer <= layers and 1 <= unit.number <= size):
        raise ConfigError(
            f"{quoted(text)} is not a unit of this network; they are called LAYER:UNIT, from 1:1 to {layers}:{size}."
        )
    return unit


def _parse_held(text: str, model: ModelConfig, *, part: int) -> HeldUnit:
    name, _, written = text.partition("=")
    unit = _parse_unit(name, model)
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e6:
        raise ConfigError(f"--set {quoted(text)} needs a number for the unit, such as {unit}=1.")
    return HeldUnit(part, unit.layer - 1, unit.number - 1, value)
