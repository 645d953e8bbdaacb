"""`/tokenize`, `/detokenize` and `/tokenizer_info`, as vLLM has them: how lm-evaluation-harness counts tokens."""

from collections.abc import Mapping
from typing import Any

from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.generator import start_symbols
from charlm.serving.errors import ApiError

_RECORD_END = "\n"


def tokenize(body: Any, tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns the symbols of a text, without the begin of a record; in records, a line end alone is their end.

    An empty text gives what a text without a prompt begins after. Characters without a symbol are the unknown one.
    """
    text = body.get("prompt") if isinstance(body, Mapping) else None
    if not isinstance(text, str):
        raise ApiError(400, "prompt must be a text.", param="prompt")
    if tokenizer.end is not None and text == _RECORD_END:
        symbols = [tokenizer.end]
    elif not text and tokenizer.begin is None:
        symbols = _start_of(tokenizer)
    else:
        given = 0 if tokenizer.begin is None else tokenizer.num_given
        symbols = tokenizer.encode_prompt(text)[given:].tolist()
    return {"tokens": symbols, "count": len(symbols), "max_model_len": None}


def detokenize(body: Any, tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns the text of symbols."""
    symbols = body.get("tokens") if isinstance(body, Mapping) else None
    size = tokenizer.vocabulary_size
    if not isinstance(symbols, list) or not all(type(each) is int and 0 <= each < size for each in symbols):
        raise ApiError(400, f"tokens must be a list of numbers from 0 to {size - 1}.", param="tokens")
    return {"prompt": tokenizer.decode(symbols)}


def describe_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns what is special in a tokenizer: what a text begins after, and the end of a record."""
    if tokenizer.end is not None:
        return {"tokenizer_class": tokenizer.kind, "bos_token": None, "eos_token": _RECORD_END}
    start = tokenizer.decode(_start_of(tokenizer))
    return {"tokenizer_class": tokenizer.kind, "bos_token": start, "eos_token": None}


def _start_of(tokenizer: Tokenizer) -> list[int]:
    """Returns what running text without a prompt begins after."""
    symbols: list[int] = start_symbols(tokenizer).tolist()
    return symbols
