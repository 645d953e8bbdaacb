"""The results of a comparison, one for each variant, and tables of them: Markdown, comma-separated values, words."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class VariantResult:
    """The result of one variant, finished or failed.

    Attributes:
        run: its run's folder, under the comparison's.
        layers: None for n-gram models, as is `hidden_size`.
        size: units of the first model, which it has as many parameters as; None where only one size was asked for.
        seconds: of training.
        validation: bits per character; None without such a text, or where the variant failed. `test` likewise.
        error: why it failed, one sentence; None where it did not.
        seed: None for that of the whole comparison.
    """

    run: str
    kind: str
    layers: int | None
    size: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    steps: int | None = None
    seconds: float | None = None
    validation: float | None = None
    test: float | None = None
    error: str | None = None
    seed: int | None = None

    @property
    def bits(self) -> float | None:
        """Bits per character on the test text, or on the validation text where there is none."""
        return self.validation if self.test is None else self.test


@dataclass(frozen=True)
class MeanResult:
    """The results of one variant over all its seeds.

    Attributes:
        mean: the numbers are means over the seeds; the run is that of the first seed.
        spreads: standard deviations over the seeds of the bits on "validation" and "test"; none with one seed.
    """

    mean: VariantResult
    spreads: Mapping[str, float]

    @property
    def spread(self) -> float | None:
        """That of `mean.bits`; None with one seed."""
        return self.spreads.get("validation" if self.mean.test is None else "test")


def over_seeds(results: Sequence[VariantResult]) -> list[MeanResult]:
    """Returns the means and spreads of each variant over its seeds; those that failed do not count."""
    groups: dict[tuple[str, int | None, int | None], list[VariantResult]] = {}
    for each in results:
        groups.setdefault((each.kind, each.layers, each.size), []).append(each)
    return [_over_seeds(group) for group in groups.values()]


def _over_seeds(group: Sequence[VariantResult]) -> MeanResult:
    done = [each for each in group if each.error is None]
    if len(done) < 2:
        return MeanResult(done[0] if done else group[0], {})
    means: dict[str, Any] = {}
    spreads: dict[str, float] = {}
    for name in ("hidden_size", "parameters", "steps", "seconds", "validation", "test"):
        values = [value for each in done if (value := getattr(each, name)) is not None]
        if len(values) == len(done):
            means[name] = round(fmean(values)) if isinstance(values[0], int) else fmean(values)
            if name in ("validation", "test"):
                spreads[name] = stdev(values)
    return MeanResult(replace(done[0], **means), spreads)


def as_csv(results: Sequence[VariantResult]) -> str:
    """Returns the results as comma-separated values, under a line of names."""
    stream = io.StringIO()
    names = list(VariantResult.__dataclass_fields__)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in results)
    return stream.getvalue()


def markdown(results: Sequence[VariantResult]) -> str:
    """Returns two tables: bits per character by layers and model, and all that is known of each variant.

    The first is laid out as table 1 of Karpathy, Johnson and Fei-Fei (2015): a column a model, a row a size and depth.
    """
    kinds = list(dict.fromkeys(each.kind for each in results))
    places = sorted({(each.size or 0, each.layers) for each in results if each.layers is not None})
    by_place = {(each.mean.kind, each.mean.size or 0, each.mean.layers): each for each in over_seeds(results)}
    lines = ["| bits/char | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for index, (size, depth) in enumerate(places or [(0, None)]):
        # What has no layers stands in the first row.
        bits = [
            by_place.get((kind, size, depth), by_place.get((kind, 0, None)) if index == 0 else None) for kind in kinds
        ]
        lines.append(
            f"| {_place(size, depth)} | "
            + " | ".join("" if each is None else _with_spread(each.mean.bits, each.spread) for each in bits)
            + " |"
        )
    lines += ["", "| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table_rows(results)]
    return "\n".join(lines) + "\n"


def _place(size: int, depth: int | None) -> str:
    layers = "" if depth is None else f"{depth} layer{'s' if depth > 1 else ''}"
    return f"{size}, {layers}" if size else layers


_COLUMNS = {
    "model": ("kind", "s"),
    "layers": ("layers", "d"),
    "units": ("hidden_size", ",d"),
    "parameters": ("parameters", ",d"),
    "steps": ("steps", ",d"),
    "seconds": ("seconds", ",.0f"),
    "validation": ("validation", ".4f"),
    "test": ("test", ".4f"),
    "": ("error", "s"),
}
"""The headings of the table of all variants, each with the attribute below it and how that is written."""


def table_rows(results: Sequence[VariantResult]) -> list[tuple[str, ...]]:
    """Returns a row of words for each variant: model, layers, units, parameters, steps, seconds, bits, error.

    Numbers are means over the variant's seeds, bits with their spread.
    """
    return [
        tuple(_word(getattr(each.mean, name), form, each.spreads.get(name)) for name, form in _COLUMNS.values())
        for each in over_seeds(results)
    ]


def _word(value: float | str | None, form: str, spread: float | None) -> str:
    return "" if value is None else format(value, form) + ("" if spread is None else f" ± {format(spread, form)}")


def _with_spread(bits: float | None, spread: float | None) -> str:
    return _word(bits, ".4f", spread)
