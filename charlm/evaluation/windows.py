"""Three divisions of a text into windows; in each, every symbol after the first is a target exactly once."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from charlm.data.batches import batch_records
from charlm.data.encoder import EncodedText
from charlm.data.lanes import IGNORED, Window
from charlm.data.record_batches import find_records
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer


def stream_windows(tokens: TokenFile, *, length: int = 512) -> Iterator[Window]:
    """Yields the windows of one stream with the state carried from start to end, for the exact score."""
    for start in range(0, len(tokens) - 1, length):
        stop = min(start + length, len(tokens) - 1)
        pairs = _long(tokens.read(start, stop + 1))
        starts = torch.tensor([start])
        yield Window(pairs[:-1, None], pairs[1:, None], fresh=start == 0, num_targets=stop - start, starts=starts)


def cold_windows(tokens: TokenFile, *, context: int, batch_size: int = 64) -> Iterator[Window]:
    """Yields consecutive windows of `context` symbols, each from a zero state, `batch_size` of them in parallel."""
    num_targets = len(tokens) - 1
    span = context * batch_size
    for start in range(0, num_targets, span):
        stop = min(start + span, num_targets)
        pairs = _long(tokens.read(start, stop + 1))
        missing = (start - stop) % context
        inputs = functional.pad(pairs[:-1], (0, missing)).view(-1, context).t()
        targets = functional.pad(pairs[1:], (0, missing), value=IGNORED).view(-1, context).t()
        starts = torch.arange(start, stop, context)
        yield Window(inputs, targets, fresh=True, num_targets=stop - start, starts=starts)


def warm_windows(
    tokens: TokenFile, *, num_lanes: int, warmup: int, length: int = 128, share: float = 1.0
) -> Iterator[Window]:
    """Yields `num_lanes` parts of the text in parallel, each after a warm-up on the `warmup` symbols before it.

    This is much faster than one stream. The score is nearly the same: the state lacks the text more than `warmup`
    symbols before each part.

    Args:
        share: how much of each part is scored, from its beginning on.
    """
    num_targets = len(tokens) - 1
    borders = np.linspace(0, num_targets, num_lanes + 1).round().astype(np.int64)
    firsts = borders[:-1]
    lasts = firsts + np.ceil(share * np.diff(borders)).astype(np.int64)
    starts = np.maximum(firsts - warmup, 0)
    longest = int((lasts - starts).max())
    for offset in range(0, longest, length):
        rows = np.arange(offset, min(offset + length, longest))[:, None] + starts
        symbols = torch.from_numpy(tokens.columns(starts + offset, len(rows) + 1))
        scored = torch.from_numpy((rows >= firsts) & (rows < lasts))
        targets = torch.where(scored, symbols[1:], IGNORED)
        yield Window(
            symbols[:-1],
            targets,
            fresh=offset == 0,
            num_targets=int(scored.sum()),
            starts=torch.from_numpy(starts + offset),
        )


def sampled_windows(text: EncodedText, tokenizer: Tokenizer, *, num_symbols: int) -> Iterator[Window]:
    """Yields windows with about so many targets, from all of a text, in lanes that have read some symbols before."""
    records = batch_records(text.tokens, tokenizer, batch_size=64, sequence_length=256, seed=0)
    if records is not None:
        return map(records.window, range(records.windows_per_epoch))
    length = len(text.tokens)
    num_lanes = max(1, min(32, length // 512))
    return warm_windows(text.tokens, num_lanes=num_lanes, warmup=64, share=min(1.0, num_symbols / length))


def record_windows(tokens: TokenFile, *, begin: int, most_symbols: int) -> Iterator[Window]:
    """Yields whole records in their order, some neighbours side by side, each from a zero state.

    Args:
        most_symbols: of a window, padding included; a longer record is a window of its own.
    """
    records = list(itertools.pairwise(find_records(tokens, begin).tolist()))
    first = 0
    while first < len(records):
        last, longest = first, 0
        while last < len(records):
            longest = max(longest, records[last][1] - records[last][0] - 1)
            if last > first and longest * (last - first + 1) > most_symbols:
                break
            last += 1
        pieces = [_long(tokens.read(*each)) for each in records[first:last]]
        inputs = torch.nn.utils.rnn.pad_sequence([piece[:-1] for piece in pieces])
        targets = torch.nn.utils.rnn.pad_sequence([piece[1:] for piece in pieces], padding_value=IGNORED)
        num_targets = int((targets != IGNORED).sum())
        starts = torch.tensor([start for start, _ in records[first:last]])
        yield Window(inputs, targets, fresh=True, num_targets=num_targets, starts=starts)
        first = last


def _long(tokens: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(tokens.astype(np.int64))
