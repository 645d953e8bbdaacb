"""The further axes of a grid: values of settings, and seeds."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from charlm.config import ComparisonConfig, ModelConfig, Request, TrainingConfig, require_suited, validate
from charlm.errors import ConfigError
from charlm.notation import nearest
from charlm.runs.compare.variant import Variant

_INSTEAD = {
    "model": "--models lstm,mlp,ngram:5",
    "cell": "--models lstm,gru",
    "window": "--models mlp:8,mlp:16",
    "order": "--models ngram:5,ngram:8",
    "num_layers": "--layers 1,2",
}
"""Settings that have options of their own, with an example."""
_NEVER = frozenset({"smoothing", "prune", "mix", "mixing", "direction"})
"""Settings that mean nothing for the networks of a comparison."""
_LENGTHS = frozenset({"steps", "epochs", "budget"})


def read_axes(settings: ComparisonConfig, base: Request) -> list[dict[str, str]]:
    """Returns every combination of the values in `--grid`, each value as it was written; one empty one without any.

    Raises:
        ConfigError: a setting is unknown, has an axis of its own, or is given already.
    """
    axes: dict[str, list[str]] = {}
    known = [name for name in _names() if name not in _INSTEAD.keys() | _NEVER | _LENGTHS]
    for text in settings.grid:
        written, _, listed = text.partition("=")
        name, values = written.strip().lstrip("-").replace("-", "_"), [each.strip() for each in listed.split(",")]
        if name not in known:
            raise ConfigError(f"--grid {text}: {_refusal(name, written, known)}")
        if not all(values):
            raise ConfigError(f"--grid {text} lacks a value; write for example --grid learning-rate=0.01,0.03.")
        if name in base.asked or name in axes:
            raise ConfigError(f"--grid {text} and another option both give {written}; leave one out.")
        if name == "hidden_size" and settings.match == "parameters":
            raise ConfigError(f"--grid {text}: with --match parameters, widths follow from --sizes.")
        if len(set(values)) < len(values):
            raise ConfigError(f"--grid {text} names a value twice.")
        axes[name] = values
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _refusal(name: str, written: str, known: Sequence[str]) -> str:
    if name in _INSTEAD:
        return f"'{written}' has an option of its own; write for example {_INSTEAD[name]}."
    if name in _LENGTHS:
        return f"all networks of a comparison have the same length; give --{name} instead."
    near = nearest(name, known)
    return f"'{written}' is not a setting of networks that can be compared" + (
        f"; did you mean {near.replace('_', '-')}?" if near else "; 'charlm compare --help' lists them."
    )


def along_axes(variant: Variant, axes: Sequence[Mapping[str, str]], base: Request) -> Iterator[Variant]:
    """Yields a network with every combination of values; an n-gram model as it is.

    Raises:
        ConfigError: the network cannot have a value.
    """
    for values in axes if variant.layers is not None else ({},):
        shown = " ".join(f"{name.replace('_', '-')}={value}" for name, value in values.items())
        model = _changed(variant.model, values, ModelConfig, shown)
        require_suited(model, base.asked | values.keys(), source=f"--models {variant.kind} --grid {shown}")
        yield replace(
            variant,
            name=re.sub(r"[^A-Za-z0-9._-]", "-", f"{variant.name} {shown}".strip()),
            kind=f"{variant.kind} {shown}".strip(),
            model=model,
            training=_changed(base.config.training, values, TrainingConfig, shown),
            asked=frozenset(values),
        )


def with_seeds(variants: Iterable[Variant], *, first: int, number: int) -> list[Variant]:
    """Returns each network with several seeds, one after another; the first one is that of all, and keeps its name."""
    further = range(first + 1, first + number)
    found = []
    for variant in variants:
        found.append(variant)
        if variant.layers is not None:
            found += [replace(variant, name=f"{variant.name}-seed-{seed}", seed=seed) for seed in further]
    return found


def _names() -> list[str]:
    return [*ModelConfig.model_fields, *TrainingConfig.model_fields]


def _changed(section: Any, values: Mapping[str, str], kind: type[Any], shown: str) -> Any:
    own = {name: value for name, value in values.items() if name in kind.model_fields}
    return validate(kind, section.model_dump() | own, source=f"--grid {shown}") if own else section
