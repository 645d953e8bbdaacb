"""Learns the subwords of a text with the sentencepiece library, in bounded memory and the same way every time."""

import io
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal

from charlm.data.code_points import to_utf8
from charlm.data.tokenizers.sentencepiece import SPACE_MARK, SentencePieceTokenizer, cut_text
from charlm.errors import ConfigError, DataError

_SAMPLE = 1 << 22  # characters: unigram training of a text without spaces takes about a minute for them
_NUM_FIXED = 256 + 3  # the bytes, unknown, newline and space
_COVERAGE = 0.9995  # of the text; what the library's documentation advises for rich character sets
_RESERVED = f"\n\0{SPACE_MARK}\u2585"  # U+2585 is a mark of the library's own: it would drop lines that hold one


def train_sentencepiece(
    chunks: Iterable[str], *, vocabulary_size: int, kind: Literal["unigram", "bpe"]
) -> SentencePieceTokenizer:
    """Returns a tokenizer that has learnt at most `vocabulary_size` symbols; fewer when the text has no more.

    It learns from at most 4 million characters: of a longer text, from pieces spread evenly over all of it.
    Every character of the text gets a symbol of its own as long as these take up no more than half of the
    symbols; of more characters, the most frequent ones do (they cover 99.95 % of the text, if they fit),
    and the others are spelled in bytes.

    Args:
        chunks: the text to learn from, read once.
        vocabulary_size: the most symbols, of which 256 are the bytes.
        kind: unigram (Kudo 2018) or byte-pair encoding (Sennrich et al. 2016).

    Raises:
        ConfigError: `vocabulary_size` leaves no room beside the bytes.
        DataError: the text holds a lone surrogate, or the library cannot learn from it.
    """
    room = vocabulary_size - _NUM_FIXED
    if room < 1:
        raise ConfigError(
            f"vocabulary_size {vocabulary_size} is too small for sentencepiece, which needs {_NUM_FIXED + 1} or more "
            f"(256 of them are bytes). Use --vocabulary-size {_NUM_FIXED + 1} or more, or --tokenizer byte."
        )
    sample = sample_text(chunks)
    breaks = str.maketrans(dict.fromkeys(_characters_left_out(sample, room=room), "\n"))
    # A space has to be among the pieces, or the library would spell its mark for it in bytes: U+2581.
    lines = [b" ", *(to_utf8(line) for piece in sample for line in piece.translate(breaks).split("\n") if line)]

    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=vocabulary_size,
            model_type=kind,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,  # indented text takes a third fewer symbols
            byte_fallback=True,
            character_coverage=1.0,
            user_defined_symbols=["\n"],
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            max_sentence_length=1 << 20,  # bytes; longer lines would be dropped, and none is: see cut_text
            num_threads=1,  # it is stored in the model, whose bytes should not differ between machines
            minloglevel=4,  # nothing
        )
    except RuntimeError as error:
        raise DataError(
            f"sentencepiece cannot learn {vocabulary_size} symbols from this text ({error}). "
            "Use another --vocabulary-size, or --tokenizer char."
        ) from None
    return SentencePieceTokenizer(model.getvalue())


def sample_text(chunks: Iterable[str], *, most: int = _SAMPLE) -> list[str]:
    """Returns pieces of the text, spread evenly over it, with at most `most` characters in all."""
    kept: list[str] = []
    stride, num_kept = 1, 0
    for index, piece in enumerate(cut_text(chunks)):
        if index % stride == 0:
            kept.append(piece)
            num_kept += len(piece)
            while num_kept > most and len(kept) > 1:
                kept, stride = kept[::2], stride * 2
                num_kept = sum(map(len, kept))
    return kept


def _characters_left_out(sample: list[str], *, room: int) -> list[str]:
    counts: Counter[str] = Counter()
    for piece in sample:
        counts.update(piece)
    for character in " " + _RESERVED:
        del counts[character]
    ranked = counts.most_common()
    covered = list(accumulate((count for _, count in ranked), initial=0))
    num_covering = sum(total < _COVERAGE * covered[-1] for total in covered)
    num_kept = min(room, max(room // 2, num_covering))
    return [*_RESERVED, *(character for character, _ in ranked[num_kept:])]
