"""Sentences in columns, a token a line: the first column is the token, the last its tag; blank lines end sentences."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charlm.config import DataConfig
from charlm.data.examples.example import Example
from charlm.data.examples.segments import Segment, write_segments
from charlm.errors import DataError
from charlm.notation import counted, quoted

_CONLLU_COLUMNS = 10
_CONLLU_ID = re.compile(r"\d+")
_CONLLU_RANGE = re.compile(r"\d+[-.]\d+")
_NO_SPACE = "SpaceAfter=No"
UNTAGGED = "?"
"""Stands for the tag of a token that has none: it is to be predicted."""


@dataclass(frozen=True)
class Row:
    """A line of a sentence.

    Attributes:
        token: None for a comment, or for a range of CoNLL-U, whose words have lines of their own.
        tag: the last column, or in CoNLL-U's ten columns the fourth; None where there is only the token.
        has_space: whether a space follows.
    """

    number: int
    line: str
    token: str | None = None
    tag: str | None = None
    has_space: bool = True


def read_columns(lines: Iterator[tuple[int, str]], data: DataConfig, name: str) -> Iterator[Example]:
    """Yields the example of each sentence; arguments and errors as for `Read`."""
    for rows, _ in split_sentences(lines, data, f"'{name}', line"):
        text, segments = join_tokens(rows)
        if not segments:
            continue
        untagged = next((row for row in rows if row.token is not None and row.tag is None), None)
        if untagged is not None:
            raise DataError(
                f"'{name}', line {untagged.number:,}, has one column: {quoted(untagged.line)}. "
                "A line is TOKEN<TAB>TAG, with any columns between."
            )
        yield Example(text, write_segments(segments))


def split_sentences(
    lines: Iterable[tuple[int, str]], data: DataConfig, where: str, *, is_trained: bool = False
) -> Iterator[tuple[list[Row], bool]]:
    """Yields the rows of each sentence, comments among them, and whether a blank line ends it; none for further ones.

    Args:
        where: what stands before a line's number in messages.
        is_trained: whether the longest sentence that is allowed is that of a model.

    Raises:
        DataError: a row has other columns than the first, no token, or the sentence is too long.
    """
    rows: list[Row] = []
    num_columns: int | None = None
    for number, line in lines:
        if not line.strip():
            yield _bounded(rows, data, where, is_trained=is_trained), True
            rows = []
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        if line.startswith("#") and "\t" not in line and len(fields) != num_columns:
            rows.append(Row(number, line))
            continue
        num_columns = num_columns or len(fields)
        if len(fields) != num_columns:
            columns = counted(len(fields), "column")
            raise DataError(f"{where} {number:,}, has {columns}, the lines before it {num_columns}.")
        row = _to_row(number, line, fields)
        if row.token == "" or row.tag == "":
            raise DataError(f"{where} {number:,}, has an empty token or tag: {quoted(line)}.")
        rows.append(row)
    if rows:
        yield _bounded(rows, data, where, is_trained=is_trained), False


def join_tokens(rows: Iterable[Row]) -> tuple[str, list[Segment]]:
    """Returns the text of a sentence, its tokens joined by spaces where there are any, and its segments."""
    text, segments, gap = "", list[Segment](), ""
    for row in rows:
        if row.token is None:
            continue
        if gap:
            segments.append(Segment(1, None))
        text += gap + row.token
        segments.append(Segment(len(row.token), row.tag or UNTAGGED))
        gap = " " if row.has_space else ""
    return text, segments


def _to_row(number: int, line: str, fields: list[str]) -> Row:
    token, tag = fields[0], fields[-1] if len(fields) > 1 else None
    if len(fields) == _CONLLU_COLUMNS:
        if _CONLLU_RANGE.fullmatch(token):
            return Row(number, line)
        if _CONLLU_ID.fullmatch(token):
            token, tag = fields[1], fields[3]
    has_space = not any(_NO_SPACE in field.split("|") for field in fields[1:])
    return Row(number, line, token.strip(), None if tag is None else tag.strip(), has_space)


def _bounded(rows: list[Row], data: DataConfig, where: str, *, is_trained: bool) -> list[Row]:
    length = sum(len(row.token) + row.has_space for row in rows if row.token is not None)
    if length > data.most_characters + 1:
        limit = f"--max-length {data.most_characters:,}"
        limit = f"the {limit} that the model was trained with;" if is_trained else f"{limit}; raise it, or"
        raise DataError(
            f"{where} {rows[0].number:,}, begins a sentence of {length - 1:,} characters, more than {limit} divide the "
            "sentence by a blank line."
        )
    return rows
