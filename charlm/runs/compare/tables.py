"""The results of a comparison as tables: Markdown, comma-separated values, rows of words."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

from charlm.runs.compare.result import VariantResult


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
    names = ("model", "layers", "units", "parameters", "steps", "seconds", "validation", "test", "")
    lines += ["", "| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table_rows(results)]
    return "\n".join(lines) + "\n"


def _place(size: int, depth: int | None) -> str:
    layers = "" if depth is None else f"{depth} layer{'s' if depth > 1 else ''}"
    return f"{size}, {layers}" if size else layers


def table_rows(results: Sequence[VariantResult]) -> list[tuple[str, ...]]:
    """Returns a row of words for each variant: model, layers, units, parameters, steps, seconds, bits, error."""

    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        (
            each.kind,
            number(each.layers, "d"),
            number(each.hidden_size, ",d"),
            number(each.parameters, ",d"),
            number(each.steps, ",d"),
            number(each.seconds, ",.0f"),
            number(each.validation, ".4f"),
            number(each.test, ".4f"),
            each.error or "",
        )
        for each in results
    ]
