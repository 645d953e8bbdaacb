"""What general compressors need for a text after another one: judges that know nothing of the model.

A text costs the size of both together less the size of the first alone. That means something only if memory does not
depend on how much is compressed: 7z and zpaq size their tables by a file's length, and the difference of two of their
sizes may be nonsense. So each compressor has as much memory for the first text as for both.
"""

import bz2
import lzma
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.accounting import make_score
from charlm.evaluation.baselines import Baseline

_PIECE = 1 << 20
_PPMD_BYTES = 256 << 20
_WINDOW_BITS = range(20, 27)
"""Up to 64 MiB, as xz -9 and zstd --ultra have; xz takes eleven times as much for its tables."""

_Pieces = Iterator[bytes]


def score_compressors(
    text: EncodedText, before: EncodedText, tokenizer: Tokenizer, *, split: str, advance: Callable[[int], None]
) -> tuple[Baseline, ...]:
    """Returns the scores of compressors on a text after another one, in the units of all scores.

    They get the UTF-8 bytes of both, the first symbol of running text with the text before, as it is not scored. An
    unknown character is U+FFFD to them; which one it is costs what it costs in every score.

    Args:
        before: what is compressed first, and not charged: the training text.
        advance: is given the number of symbols compressed since its last call; `symbols_compressed` is their sum.
    """
    first = 0 if tokenizer.begin is not None else 1
    window_bits = (before.num_bytes + text.num_bytes).bit_length()
    window_bits = min(max(window_bits, _WINDOW_BITS.start), _WINDOW_BITS.stop - 1)

    def read(encoded: EncodedText, start: int, stop: int) -> _Pieces:
        for place in range(start, stop, _PIECE):
            tokens = encoded.tokens.read(place, min(place + _PIECE, stop))
            yield b"".join([tokenizer.pieces[token] for token in tokens.tolist()])
            advance(len(tokens))

    scores = []
    for name, compressed in _COMPRESSORS.items():
        sizes = [
            sum(map(len, compressed(chain(read(before, 0, len(before.tokens)), read(text, 0, stop)), window_bits)))
            for stop in (first, len(text.tokens))
        ]
        nats = 8 * (sizes[1] - sizes[0]) * math.log(2)
        scores.append(Baseline(name, split, make_score(nats, text, tokenizer)))
    return tuple(scores)


def symbols_compressed(text: EncodedText, before: EncodedText) -> int:
    """Returns how many symbols `score_compressors` compresses, to a few."""
    return len(_COMPRESSORS) * (2 * len(before.tokens) + len(text.tokens))


def _ppmd(order: int, pieces: _Pieces, window_bits: int) -> _Pieces:
    import pyppmd  # Late: it is of the extra "judges".

    # Where its memory is full, it forgets the contexts that it has used least.
    encoder = pyppmd.Ppmd8Encoder(order, _PPMD_BYTES, pyppmd.PPMD8_RESTORE_METHOD_CUT_OFF)
    yield from map(encoder.encode, pieces)
    yield encoder.flush()


def _xz(pieces: _Pieces, window_bits: int) -> _Pieces:
    settings = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << window_bits}
    return _of(lzma.LZMACompressor(format=lzma.FORMAT_RAW, filters=[settings]), pieces)


def _bzip2(pieces: _Pieces, window_bits: int) -> _Pieces:
    return _of(bz2.BZ2Compressor(9), pieces)


def _zstd(pieces: _Pieces, window_bits: int) -> _Pieces:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    parameter = zstd.CompressionParameter
    settings = {
        int(parameter.compression_level): 19,
        int(parameter.window_log): window_bits,
        int(parameter.enable_long_distance_matching): 1,
    }
    return _of(zstd.ZstdCompressor(options=settings), pieces)


def _of(compressor: Any, pieces: _Pieces) -> _Pieces:
    yield from map(compressor.compress, pieces)
    yield compressor.flush()


_COMPRESSORS: Mapping[str, Callable[[_Pieces, int], _Pieces]] = {
    "ppmd-6": partial(_ppmd, 6),
    "ppmd-16": partial(_ppmd, 16),
    "xz": _xz,
    "bzip2": _bzip2,
    "zstd": _zstd,
}
"""From a text in pieces, and the logarithm of a window in bytes, to what it becomes."""
