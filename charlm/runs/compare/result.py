"""The results of a comparison, one for each variant, and tables of them: Markdown, comma-separated values, words."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass


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

    @property
    def bits(self) -> float | None:
        """Bits per character on the test text, or on the validation text where there is none."""
        return self.validation if self.test is None else self.test


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
    by_place = {(each.kind, each.size or 0, each.layers): each.bits for each in results}
    lines = ["| bits/char | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for index, (size, depth) in enumerate(places or [(0, None)]):
        # What has no layers stands in the first row.
        bits = [
            by_place.get((kind, size, depth), by_place.get((kind, 0, None)) if index == 0 else None) for kind in kinds
        ]
        lines.append(
            f"| {_place(size, depth)} | " + " | ".join("" if each is None else f"{each:.4f}" for each in bits) + " |"
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
    """Returns a row of words for each variant: model, layers, units, parameters, steps, seconds, bits, error."""
    return [tuple(_word(getattr(each, name), form) for name, form in _COLUMNS.values()) for each in results]


def _word(value: float | str | None, form: str) -> str:
    return "" if value is None else format(value, form)
