"""A tag for each token, as a further last column."""

from collections.abc import Iterator
from itertools import groupby, islice

from charlm.data.examples.columns import Row, join_tokens, split_sentences
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.evaluation.tagging import tag_segments, tag_symbols
from charlm.runs.predict.answer import Answer
from charlm.runs.stored.labelling import Labeller


def predict_columns(labeller: Labeller, lines: Iterator[str], at_once: int) -> Iterator[Answer]:
    """Returns the answer to each line, as `Predict` says: a sentence is answered when the blank line after it is there.

    A model of a built-in text knows no columns: each line is text, answered by its tokens, a line each.

    Raises:
        DataError: a row has other columns than the first, or a sentence is longer than the run allows.
    """
    tokenizer = labeller.tokenizer
    assert isinstance(tokenizer, TagTokenizer)
    if labeller.data.is_builtin:
        return _tag_text(labeller, tokenizer, lines, at_once)
    return _tag_rows(labeller, tokenizer, lines, at_once)


def _tag_rows(labeller: Labeller, tokenizer: TagTokenizer, lines: Iterator[str], at_once: int) -> Iterator[Answer]:
    sentences = split_sentences(enumerate(lines, start=1), labeller.data, "Line")
    while batch := list(islice(sentences, at_once)):
        joined = [join_tokens(rows) for rows, _ in batch]
        texts = [text for text, _ in joined if text]
        known = iter(labeller.log_probabilities(tokenizer.encode_inputs(texts)))
        for (rows, is_ended), (text, segments) in zip(batch, joined, strict=True):
            tags = tag_segments(next(known)[1:], tokenizer.in_symbols(text, segments), tokenizer) if text else []
            yield from _answers(rows, iter(tags))
            if is_ended:
                yield Answer("")


def _answers(rows: list[Row], tags: Iterator[str]) -> Iterator[Answer]:
    for row in rows:
        if row.token is None:
            yield Answer(row.line)
            continue
        tag = next(tags)
        # As the other columns are divided: by tabs, unless there are several without any.
        mark = " " if "\t" not in row.line and " " in row.line else "\t"
        yield Answer(f"{row.line}{mark}{tag}", values={"token": row.token, "tag": tag})


def _tag_text(labeller: Labeller, tokenizer: TagTokenizer, lines: Iterator[str], at_once: int) -> Iterator[Answer]:
    while batch := list(islice(lines, at_once)):
        rows = labeller.log_probabilities(tokenizer.encode_inputs([f"{line}\n" for line in batch]))
        for line, known in zip(batch, rows, strict=True):
            tags = tag_symbols(known[1:], tokenizer)
            for tag, places in groupby(range(len(line)), key=tags.__getitem__):
                token = "".join(line[place] for place in places)
                yield Answer(f"{token}\t{tag}", values={"token": token, "tag": tag})
            yield Answer("")
