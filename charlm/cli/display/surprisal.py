"""The bits of each character of a text: in colours, as bars below the lines, as a table of lines, and as JSON."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Literal, TextIO

from rich.cells import cell_len, set_cell_size

from charlm.cli.display.console import plain_console, print_sentence
from charlm.cli.display.formatting import number
from charlm.cli.display.shading import Scale, write_shaded
from charlm.cli.display.text import json_line, may_colour
from charlm.notation import counted, visible
from charlm.page.shading import BIT_BORDERS, bit_level_names

if TYPE_CHECKING:
    from charlm.evaluation.surprisal import Line, Surprisal
    from charlm.runs.evaluate.surprisal import SurprisalResult

SCALE = Scale(
    borders=BIT_BORDERS,
    colours=(None, (229, 16), (215, 16), (203, 16), (124, 231)),
    bar_borders=(1, 2, 3, 4, 5, 6, 7, 8),
    bars=" ▁▂▃▄▅▆▇█",
)
"""How bits per character are shown."""
_NAME_WIDTH = 11
_BLOCK = 1 << 16
"""Symbols that are made JSON at a time."""


def summary(result: "SurprisalResult") -> str:
    """Returns one sentence: the run, the text and its score."""
    surprisal = result.surprisal
    score = surprisal.score
    unknown = f", {score.num_unknown:,} of them unknown to the model" if score.num_unknown else ""
    sentence = (
        f"{result.run} on {result.text}: {number(score.bits_per_character)} bits/char, "
        f"{counted(score.num_characters, 'character')}{unknown}"
    )
    if surprisal.network_shares is None:
        return sentence
    share = float(surprisal.network_shares[surprisal.is_scored].mean())
    return f"{sentence}; share of the network {share:.0%}, of the n-grams {1 - share:.0%}"


def print_summary(result: "SurprisalResult", stream: TextIO) -> None:
    """Prints the score of the text."""
    print_sentence(plain_console(stream), visible(summary(result)))


def print_surprisal(result: "SurprisalResult", stream: TextIO, *, top: int | None) -> None:
    """Prints the text in colours, or with a line of bars below each line.

    Args:
        top: how many of the likeliest symbols to list, in a line for each symbol instead; None shows the text.
    """
    print_summary(result, stream)
    surprisal, width = result.surprisal, plain_console(stream).width
    if top is None:
        write_characters(stream, ((text, bits / len(text)) for text, bits, _ in surprisal.stretches()), width=width)
        return
    if may_colour(stream):
        stream.write(_legend())
    stream.writelines(_symbol_lines(surprisal, width=width, colours=may_colour(stream)))


def write_characters(stream: TextIO, pieces: Iterable[tuple[str, float]], *, width: int) -> None:
    """Writes pieces of a text with their bits per character, and before it what the colours or bars stand for."""
    bars = SCALE.bars
    explained = f"Bits per character, below: {bars[1]} is 1, {bars[-1]} is 8 or more.\n\n"
    stream.write(_legend() if may_colour(stream) else explained)
    write_shaded(stream, pieces, SCALE, width=width)


def print_odd_lines(result: "SurprisalResult", stream: TextIO) -> None:
    """Prints the lines of the text by their bits per character, the oddest first; a terminal shows their beginnings."""
    print_summary(result, stream)
    stream.write("\nbits/char      bits    line\n")
    room = plain_console(stream).width - 29 if stream.isatty() else None
    for line in _odd_lines(result.surprisal):
        # An empty line is its end.
        text = visible(line.text.replace("\t", " ")) if line.text.strip() else f"{line.text}⏎"
        if room is not None and cell_len(text) > room:
            text = f"{set_cell_size(text, room - 1)}…"
        stream.write(f"{line.bits_per_character:9.4f} {line.bits:9.1f} {line.number:7d}  {text}\n")


def print_surprisal_json(result: "SurprisalResult", stream: TextIO, *, by: Literal["character", "line"]) -> None:
    """Prints one JSON value: the score, and each symbol, or each line, on a line of the output."""
    score = json_line(result.surprisal.score.to_json())
    head = f'"run": {json_line(result.run)},\n"text": {json_line(result.text)},\n"score": {score}'
    stream.write(f'{{{head},\n"{"lines" if by == "line" else "symbols"}": [')
    rows = _line_rows(result.surprisal) if by == "line" else _symbol_rows(result.surprisal)
    separator = "\n"
    for row in rows:
        stream.write(separator + row)
        separator = ",\n"
    stream.write("\n]}\n")


def alternatives(surprisal: "Surprisal", index: int, names: Sequence[str]) -> list[str]:
    """Returns the likeliest symbols at one place with their probabilities, such as 'e' 41%.

    Args:
        names: of all symbols; they are written once, as a long text has millions of alternatives.
    """
    pairs = zip(surprisal.likeliest[index].tolist(), surprisal.probabilities[index].tolist(), strict=True)
    return [f"{names[symbol]} {f'{share:.0%}' if share >= 0.01 else '<1%'}" for symbol, share in pairs]


def symbol_names(surprisal: "Surprisal") -> list[str]:
    """Returns the names of all symbols, with symbols for control characters."""
    tokenizer = surprisal.tokenizer
    return [visible(tokenizer.symbol_name(symbol)) for symbol in range(tokenizer.vocabulary_size)]


def _odd_lines(surprisal: "Surprisal") -> "list[Line]":
    lines = [line for line in surprisal.lines() if line.num_characters]
    # Empty ones last: an empty line has no character to be odd but its end.
    return sorted(lines, key=lambda line: (not line.text.strip(), -line.bits_per_character))


def _line_rows(surprisal: "Surprisal") -> Iterator[str]:
    for line in _odd_lines(surprisal):
        figures = {"bits": line.bits, "bits_per_character": line.bits_per_character}
        known = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        yield json_line({"line": line.number, "characters": line.num_characters, **known, "text": line.text})


def _symbol_rows(surprisal: "Surprisal") -> Iterator[str]:
    """Yields the JSON of each symbol; put together by hand, because a million of them go through the encoder slowly."""
    texts = {text: json_line(text) for text in set(surprisal.texts)}
    tokenizer = surprisal.tokenizer
    names = [json_line(tokenizer.symbol_name(symbol)) for symbol in range(tokenizer.vocabulary_size)]
    listed = ", ".join(["[%s, %.6g]"] * surprisal.likeliest.shape[1])
    share = "" if surprisal.network_shares is None else ', "network_share": %.6g'
    known = f'{{"text": %s, "bits": %r, "rank": %s, "alternatives": [{listed}]{share}}}'
    unknown = '{"text": %s, "bits": null, "rank": null, "alternatives": []}'
    is_known = (surprisal.is_scored & surprisal.is_finite).tolist()
    bits, ranks, shares = surprisal.bits, surprisal.ranks, surprisal.network_shares
    for start in range(0, len(is_known), _BLOCK):
        block = slice(start, start + _BLOCK)
        columns: list[Iterable[object]] = [[texts[text] for text in surprisal.texts[block]], bits[block].tolist()]
        columns.append(repeat("null") if ranks is None else ranks[block].tolist())
        for symbols, probabilities in zip(surprisal.likeliest[block].T, surprisal.probabilities[block].T, strict=True):
            columns += ([names[symbol] for symbol in symbols.tolist()], probabilities.tolist())
        if shares is not None:
            columns.append(shares[block].tolist())
        for is_told, row in zip(is_known[block], zip(*columns, strict=False), strict=True):
            yield known % row if is_told else unknown % row[0]


def _symbol_lines(surprisal: "Surprisal", *, width: int, colours: bool) -> Iterator[str]:
    """Yields a line for each scored symbol, its bits and rank, and the likeliest symbols in its place."""
    tokenizer, bits = surprisal.tokenizer, surprisal.bits.tolist()
    shares, names = surprisal.network_shares, symbol_names(surprisal)
    yield f"{'symbol':{_NAME_WIDTH}}   bits   rank  {'' if shares is None else 'network  '}likeliest\n"
    for index in surprisal.is_scored.nonzero()[0].tolist():
        token = int(surprisal.tokens[index])
        name = visible(repr(surprisal.texts[index])) if token == tokenizer.unknown else names[token]
        each = bits[index] / max(1, len(surprisal.texts[index]))
        shown = SCALE.coloured(name, SCALE.level(each)) if colours else name
        rank = "" if surprisal.ranks is None else surprisal.ranks[index]
        share = "" if shares is None else f"{float(shares[index]):7.0%}  "
        line = f"{shown}{' ' * (_NAME_WIDTH - cell_len(name))} {bits[index]:6.2f} {rank:6d}  {share}"
        start = column = max(_NAME_WIDTH, cell_len(name)) + 16 + len(share)
        for shown in alternatives(surprisal, index, names):
            part = f"{shown}  "
            if column + cell_len(part) > width + 2 and column > start:
                line, column = f"{line.rstrip()}\n{' ' * start}", start
            line, column = line + part, column + cell_len(part)
        yield f"{line.rstrip()}\n"


def _legend() -> str:
    swatches = (SCALE.coloured(f" {name} ", index) for index, name in enumerate(bit_level_names()))
    return f"bits per character:{''.join(swatches)}\n\n"
