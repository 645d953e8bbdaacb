"""Prompts: from what a request gives, a text or symbols, to the symbols that the model reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlm.config import DataConfig
from charlm.data.inputs import clean_string
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import CharlmError
from charlm.generation.generator import named_characters, never_drawn, start_symbols
from charlm.serving.errors import ApiError


@dataclass(frozen=True, eq=False)
class ReadPrompt:
    """A prompt as the model reads it.

    Attributes:
        text: what is read, with the line ends and the Unicode form of the training text.
        symbols: int64 `[symbols]`, at least one.
        num_given: symbols at the front that are not of the text: the begin of a record, or what a text without a
            prompt begins after.
    """

    text: str
    symbols: NDArray[np.int64]
    num_given: int


def read_prompt(
    prompt: str | list[int], tokenizer: Tokenizer, data: DataConfig, *, with_unknown: bool = False
) -> ReadPrompt:
    """Returns a prompt from its text or its symbols.

    Args:
        with_unknown: whether characters without a symbol may be the unknown symbol, where there is one.

    Raises:
        ApiError: it has characters or symbols that the model does not know.
    """
    if isinstance(prompt, str):
        return _read_text(prompt, tokenizer, data, with_unknown=with_unknown)
    return _read_symbols(prompt, tokenizer)


def _read_text(prompt: str, tokenizer: Tokenizer, data: DataConfig, *, with_unknown: bool) -> ReadPrompt:
    try:
        text = "".join(clean_string(prompt, data=data, label="the prompt").chunks())
    except CharlmError as error:
        raise ApiError(400, str(error), param="prompt") from None
    unknown = tokenizer.unknown_characters(text)
    if unknown and not (with_unknown and tokenizer.unknown is not None):
        message = f"The prompt has {named_characters(unknown)}, which the model does not know; leave it out."
        raise ApiError(400, message, param="prompt", code="unknown_characters")
    symbols = tokenizer.encode_prompt(text)
    num_given = 0 if tokenizer.begin is None else tokenizer.num_given
    if not len(symbols):
        symbols = start_symbols(tokenizer)
        num_given = len(symbols)
    return ReadPrompt(text, symbols.astype(np.int64), num_given)


def _read_symbols(prompt: list[int], tokenizer: Tokenizer) -> ReadPrompt:
    symbols = np.array(prompt, dtype=object)
    given = np.asarray(tokenizer.encode_prompt(""), dtype=np.int64)
    if not len(given) and not prompt:
        given = np.asarray(start_symbols(tokenizer), dtype=np.int64)
    num_given = len(given)
    # The begin of a record may be written, or the end of the one before.
    if num_given == 1 and prompt and prompt[0] in (tokenizer.begin, tokenizer.end):
        symbols, num_given = symbols[1:], 0
    never = {*never_drawn(tokenizer), tokenizer.end} - {tokenizer.unknown}
    for symbol in symbols.tolist():
        if not 0 <= symbol < tokenizer.vocabulary_size:
            message = f"Token {symbol} does not exist; the model has 0 to {tokenizer.vocabulary_size - 1}."
            raise ApiError(400, message, param="prompt")
        if symbol in never:
            message = f"Token {symbol}, {tokenizer.symbol_name(symbol)}, cannot stand within a prompt."
            raise ApiError(400, message, param="prompt")
    known = symbols.astype(np.int64)
    return ReadPrompt(tokenizer.decode(known.tolist()), np.concatenate((given, known)), num_given)
