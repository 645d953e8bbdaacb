"""Examples of one line each: two fields with a tab between, or fastText's `__label__x text`."""

from collections.abc import Iterator
from functools import partial

from charlm.config import DataConfig
from charlm.data.examples.example import Example
from charlm.errors import DataError
from charlm.notation import quoted
from charlm.tasks import TASKS, Task

_LABEL = "__label__"


def read_fields(lines: Iterator[tuple[int, str]], data: DataConfig, name: str) -> Iterator[Example]:
    """Yields the example of each line that is not empty; arguments and errors as for `Read`."""
    split = partial(_split_at_tab, data=data) if data.layout != "fasttext" else _split_fasttext
    for number, line in lines:
        if not line.strip():
            continue
        left, right = split(line, f"'{name}', line {number:,},")
        if not left or not right:
            side = "after" if left else "before"
            raise DataError(f"'{name}', line {number:,}, has nothing {side} the tab: {quoted(line)}.")
        source, target = (right, left) if is_read_right(data) else (left, right)
        if len(source) > data.most_characters:
            raise DataError(
                f"'{name}', line {number:,}, has {len(source):,} characters to read, more than --max-length "
                f"{data.most_characters:,}; raise it, or shorten the line."
            )
        yield Example(source, target)


def _split_at_tab(line: str, where: str, *, data: DataConfig) -> tuple[str, str]:
    fields = line.split("\t")
    if len(fields) != 2:
        found = "no tab" if len(fields) == 1 else f"{len(fields) - 1} tabs"
        assert data.task is not None
        task = TASKS[data.task]
        sides = task.sides[::-1] if data.swap else task.sides
        advice = ""
        if len(fields) > 2:
            advice = f" To make two columns of several: {_two_columns(task, data)}"
        elif line.startswith(_LABEL):
            advice = " Lines of __label__x text are read with --layout fasttext."
        raise DataError(
            f"{where} has {found}: {quoted(line)}. A line is {'<TAB>'.join(sides)}, with exactly one tab.{advice}"
        )
    return fields[0].strip(), fields[1].strip()


def _two_columns(task: Task, data: DataConfig) -> str:
    """Returns a command that makes two columns of three."""
    if task.head != "sequence":
        return "cut -f 1,2 FILE"
    # LEMMA<TAB>FORM<TAB>FEATURES, as inflections are written: the form is asked for.
    source, target = r'$1 " " $3', "$2"
    left, right = (target, source) if data.swap else (source, target)
    return rf"""awk -F '\t' '{{print {left} "\t" {right}}}' FILE"""


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
    """Returns the input in a line, with its label or without."""
    if data.layout == "fasttext":
        first, _, text = line.replace("\t", " ").strip().partition(" ")
        return text.strip() if first.startswith(_LABEL) else line.replace("\t", " ").strip()
    fields = line.split("\t")
    return fields[-1 if is_read_right(data) else 0].strip()


def is_read_right(data: DataConfig) -> bool:
    """Returns whether the label is left of the tab and the text right of it."""
    return data.layout != "fasttext" and data.task is not None and TASKS[data.task].label_first != bool(data.swap)
