"""Examples of one line each: two fields with a tab between, or fastText's `__label__x text`."""

from collections.abc import Iterator

from charlm.config import DataConfig
from charlm.data.examples.example import Example
from charlm.errors import DataError
from charlm.notation import quoted
from charlm.tasks import TASKS

_LABEL = "__label__"


def read_fields(lines: Iterator[tuple[int, str]], data: DataConfig, name: str) -> Iterator[Example]:
    """Yields the example of each line that is not empty; arguments and errors as for `Read`."""
    split = {"fields": _split_at_tab, "fasttext": _split_fasttext}[data.layout or "fields"]
    for number, line in lines:
        if not line.strip():
            continue
        left, right = split(line, f"'{name}', line {number:,},")
        if not left or not right:
            side = "after" if left else "before"
            raise DataError(f"'{name}', line {number:,}, has nothing {side} the tab: {quoted(line)}.")
        read, said = (right, left) if is_read_right(data) else (left, right)
        if len(read) > data.most_characters:
            raise DataError(
                f"'{name}', line {number:,}, has {len(read):,} characters to read, more than --max-length "
                f"{data.most_characters:,}; raise it, or shorten the line."
            )
        yield Example(read, said)


def _split_at_tab(line: str, where: str) -> tuple[str, str]:
    fields = line.split("\t")
    if len(fields) != 2:
        found = "no tab" if len(fields) == 1 else f"{len(fields) - 1} tabs"
        raise DataError(f"{where} has {found}: {quoted(line)}. A line is TEXT<TAB>LABEL, with exactly one tab.")
    return fields[0].strip(), fields[1].strip()


def _split_fasttext(line: str, where: str) -> tuple[str, str]:
    first, _, text = line.replace("\t", " ").strip().partition(" ")
    label, text = first.removeprefix(_LABEL), text.strip()
    if label == first or not label:
        raise DataError(f"{where} does not begin with {_LABEL} and a label: {quoted(line)}.")
    if text.startswith(_LABEL):
        raise DataError(f"{where} has several labels: {quoted(line)}. A line has one.")
    if not text:
        raise DataError(f"{where} has no text after its label: {quoted(line)}.")
    return text, label


def given_text(line: str, data: DataConfig) -> str:
    """Returns what is read of a line, with its label or without."""
    if data.layout == "fasttext":
        first, _, text = line.replace("\t", " ").strip().partition(" ")
        return text.strip() if first.startswith(_LABEL) else line.replace("\t", " ").strip()
    fields = line.split("\t")
    return fields[-1 if is_read_right(data) else 0].strip()


def is_read_right(data: DataConfig) -> bool:
    """Returns whether the label is left of the tab and the text right of it."""
    return data.layout != "fasttext" and data.task is not None and TASKS[data.task].label_first != bool(data.swap)
