"""A tag for each token, as a further last column."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from charlm.data.examples.columns import Row, join_tokens, split_sentences
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.evaluation.tagging import tag_segments, tag_symbols
from charlm.notation import quoted
from charlm.runs.predict.answer import Answer, Given
from charlm.runs.stored.labelling import Labeller

_FEWEST_WORDS = 3
"""Columns without tabs from which on a sentence of one row may be meant as a whole sentence."""
_DOCUMENT = "-DOCSTART-"
"""The row that begins a document in the files of CoNLL-2003."""


def predict_columns(labeller: Labeller, given: Given) -> Iterator[Answer]:
    """Returns the answer to each line, as `Predict` says: a sentence is answered when the blank line after it is there.

    A model of a built-in text knows no columns: each line is text, answered by its tokens, a line each. So is a line
    that is a sentence.

    Raises:
        DataError: a row has other columns than the first, or a sentence is longer than the run allows.
    """
    tokenizer = labeller.tokenizer
    assert isinstance(tokenizer, TagTokenizer)
    if labeller.data.is_builtin:
        return _tag_text(labeller, tokenizer, given)
    return _tag_rows(labeller, tokenizer, given)


def _tag_rows(labeller: Labeller, tokenizer: TagTokenizer, given: Given) -> Iterator[Answer]:
    numbered = enumerate(given.lines, start=given.num_left_out + 1)
    lines = _one_a_line(numbered) if given.are_sentences else numbered
    sentences = split_sentences(lines, labeller.data, f"'{given.name}', line", is_trained=True)
    is_told = given.are_sentences
    while batch := list(islice(sentences, given.at_once)):
        is_told = is_told or any(_warn_of_sentence(rows, given) for rows, _ in batch)
        joined = [join_tokens(rows) for rows, _ in batch]
        texts = [text for text, _ in joined if text]
        known = iter(labeller.log_probabilities(given.encode(texts, tokenizer)))
        for (rows, is_ended), (text, segments) in zip(batch, joined, strict=True):
            tags = tag_segments(next(known)[1:], tokenizer.in_symbols(text, segments), tokenizer) if text else []
            yield from _answers(rows, iter(tags))
            if is_ended:
                yield Answer("")


def _one_a_line(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yields the tokens of sentences, which spaces divide, as rows of one column, and a blank row after each."""
    for number, line in lines:
        yield from ((number, token) for token in line.split())
        yield number, ""


def _warn_of_sentence(rows: list[Row], given: Given) -> bool:
    """Warns of a sentence of one token with several columns, which may be a whole sentence; returns whether it does."""
    tokens = [row for row in rows if row.token is not None]
    if len(tokens) != 1 or "\t" in tokens[0].line or len(tokens[0].line.split()) < _FEWEST_WORDS:
        return False
    if tokens[0].line.startswith(_DOCUMENT):
        return False
    given.warn(
        f"'{given.name}', line {tokens[0].number:,}, is read as one token, {quoted(tokens[0].token)}, with its "
        "columns. For lines that are whole sentences, add --sentences."
    )
    return True


def _answers(rows: list[Row], tags: Iterator[str]) -> Iterator[Answer]:
    for row in rows:
        if row.token is None:
            yield Answer(row.line)
            continue
        tag = next(tags)
        # As the other columns are divided: by tabs, unless there are several without any.
        mark = " " if "\t" not in row.line and " " in row.line else "\t"
        yield Answer(f"{row.line}{mark}{tag}", values={"token": row.token, "tag": tag})


def _tag_text(labeller: Labeller, tokenizer: TagTokenizer, given: Given) -> Iterator[Answer]:
    while batch := list(islice(given.lines, given.at_once)):
        rows = labeller.log_probabilities(given.encode([f"{line}\n" for line in batch], tokenizer))
        for line, known in zip(batch, rows, strict=True):
            # Of the first symbol of each character, which may be several bytes.
            tags = tag_symbols(known[1:][tokenizer.first_symbols(line)], tokenizer)
            for tag, places in groupby(range(len(line)), key=tags.__getitem__):
                token = "".join(line[place] for place in places)
                yield Answer(f"{token}\t{tag}", values={"token": token, "tag": tag})
            yield Answer("")
