"""Symbols that are subwords, learnt and applied by the sentencepiece library; no character is ever lost."""

import base64
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, Literal, final

import numpy as np

from charlm.data.code_points import to_utf8
from charlm.data.tokenizers.base import Tokenizer, Tokens, smallest_type
from charlm.errors import ConfigError, DataError

_SPACE_MARK = "\u2581"  # what the library writes for a space
_LONGEST_PIECE = 1 << 11  # characters; from 16 thousand on, rounding changes symbols
_PROBE = " a  \r\n\t\x00\u2581\u2585\ufb01\u212b\uac00\U0001f600\n\n "
_SAMPLE = 1 << 22  # characters: unigram training of a text without spaces takes about a minute for them
_NUM_FIXED = 256 + 3  # the bytes, unknown, newline and space
_COVERAGE = 0.9995  # of the text; what the library's documentation advises for rich character sets
_RESERVED = f"\n\0{_SPACE_MARK}\u2585"  # U+2585 is a mark of the library's own: it would drop lines that hold one


def cut_text(chunks: Iterable[str], *, longest: int = _LONGEST_PIECE) -> Iterator[str]:
    """Yields the same text in pieces of at most `longest` characters that depend on the text alone.

    A piece ends after the last newline in reach, else before the last spaces, else in the middle of a word.
    Only the last changes the symbols, because no subword holds a newline, or a space after another character.
    The library's own path through a long text would be worse: it adds up scores in 32 bits, which round them.
    """
    rest = ""
    for chunk in chunks:
        text, start = rest + chunk, 0
        while len(text) - start > longest:
            stop = start + _cut(text[start : start + longest])
            yield text[start:stop]
            start = stop
        rest = text[start:]
    if rest:
        yield rest


def _cut(window: str) -> int:
    return window.rfind("\n") + 1 or len(window[: max(window.rfind(" "), 0)].rstrip(" ")) or len(window)


@dataclass(frozen=True)
class Subwords:
    """The subwords of a model, and how a text is divided into them.

    Attributes:
        pieces: the text of each symbol, or its byte.
        scores: of each symbol, whose sums the library maximises; or the pair of the highest is merged first.
        unknown: the symbol that is never produced.
        merges: whether pairs of pieces are merged (byte-pair encoding), whose scores are whole numbers.
    """

    pieces: Sequence[str | int]
    scores: Sequence[float]
    unknown: int
    merges: bool


@final
class SentencePieceTokenizer(Tokenizer):
    """Subwords of a model of the library; a character that is in none of them becomes its UTF-8 bytes, each a symbol.

    The library's symbol 'unknown' has a number too but is never produced, so `unknown` is None.

    Raises:
        DataError: it is no sentencepiece model, or one that does not keep every text as it is.
    """

    kind = "sentencepiece"

    def __init__(self, model_proto: bytes) -> None:
        import sentencepiece  # Imported here because most runs do without it.

        self._model_proto = model_proto
        if not model_proto:  # The library takes nothing for "not loaded yet".
            raise DataError("This is no sentencepiece model (it is empty). Train one anew.")
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model_proto)
            ids = list(range(len(self._processor)))
            names = self._processor.id_to_piece(ids)
        except (RuntimeError, ValueError) as error:
            raise DataError(f"This is no sentencepiece model ({error}). Train one anew.") from None
        self._is_byte = self._processor.is_byte(ids)
        if sum(self._is_byte) != 256 or any(self._processor.is_control(ids)):
            raise DataError("This sentencepiece model lacks byte pieces or has control pieces. Train one with charlm.")
        self.pieces = [
            bytes([int(name[3:5], 16)]) if is_byte else name.replace(_SPACE_MARK, " ").encode()
            for name, is_byte in zip(names, self._is_byte, strict=True)
        ]
        self.pieces[self._processor.unk_id()] = "\ufffd".encode()
        self._dtype = smallest_type(self.vocabulary_size)
        # The library decodes a lone mark to a space, so that a mark in a text is spelled in bytes.
        self._mark = np.array([self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in _SPACE_MARK.encode()])
        if self.decode(self.encode(_PROBE)) != _PROBE:
            raise DataError("This sentencepiece model changes the text that it encodes. Train one with charlm.")

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of `text`."""
        return np.concatenate([np.empty(0, dtype=self._dtype), *self.encode_stream([text])])

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[Tokens]:
        """Yields the symbols of the text; they are the same however it was cut into chunks."""
        return (self._encode_piece(piece) for piece in cut_text(chunks))

    def _encode_piece(self, text: str) -> Tokens:
        first, *others = to_utf8(text).split(_SPACE_MARK.encode())
        parts = [self._processor.encode_as_numpy(first)]
        for other in others:
            parts += [self._mark, self._processor.encode_as_numpy(other)]
        return np.concatenate(parts).astype(self._dtype)

    def symbol_name(self, token: int) -> str:
        """Returns a subword in quotes, a byte as <0xE9>."""
        if token == self._processor.unk_id():
            return "<unknown>"
        piece = self.pieces[token]
        return f"<0x{piece.hex().upper()}>" if self._is_byte[token] else repr(piece.decode())

    def subwords(self) -> Subwords:
        """Returns what another program needs to find the same subwords in a text.

        Raises:
            DataError: the model was not trained by charlm, and has pieces that are left out or without a score.
        """
        ids = list(range(len(self._processor)))
        texts = [
            piece[0] if is_byte else piece.decode() for piece, is_byte in zip(self.pieces, self._is_byte, strict=True)
        ]
        scores = self._processor.get_score(ids)
        if any(self._processor.is_unused(ids)) or not all(map(math.isfinite, scores)):
            raise DataError("This sentencepiece model has pieces that are not in use or have no score.")
        unknown = self._processor.unk_id()
        plain = [score for text, score in zip(texts, scores, strict=True) if isinstance(text, str) and score != 0.0]
        return Subwords(texts, scores, unknown, merges=all(score.is_integer() for score in plain))

    def to_json(self) -> Mapping[str, Any]:
        """Returns the library's model in base 64."""
        return {"kind": "sentencepiece", "model": base64.b64encode(self._model_proto).decode("ascii")}


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

    import sentencepiece  # Imported here because most runs do without it.

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
    counts = Counter(chain.from_iterable(sample))
    ranked = [(character, count) for character, count in counts.most_common() if character not in " " + _RESERVED]
    covered = list(accumulate((count for _, count in ranked), initial=0))
    num_covering = sum(total < _COVERAGE * covered[-1] for total in covered)
    num_kept = min(room, max(room // 2, num_covering))
    return [*_RESERVED, *(character for character, _ in ranked[num_kept:])]
