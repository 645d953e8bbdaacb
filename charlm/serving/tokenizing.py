"""`/tokenize`, `/detokenize` and `/tokenizer_info`, as vLLM has them: how lm-evaluation-harness counts tokens."""

from collections.abc import Mapping
from typing import Any

from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.generator import start_symbols
from charlm.serving.errors import ApiError
from charlm.serving.models import ServedModel

_RECORD_END = "\n"


def tokenize(body: Any, model: ServedModel) -> dict[str, Any]:
    """Returns the symbols of a text, without the begin of a record; in records, a line end alone is their end.

    The text is given the line ends and the Unicode form of the training text. An empty one gives what a text without a
    prompt begins after. Characters without a symbol are the unknown one.

    Raises:
        ApiError: there is no text, or the model does not know its characters or its condition.
    """
    text, tokenizer = text_field(body, "prompt"), model.tokenizer
    if text is None:
        raise _no_text("prompt")
    if tokenizer.end is not None and text == _RECORD_END:
        symbols = [tokenizer.end]
    else:
        prompt = model.read_prompt(text, condition=text_field(body, "condition"), with_unknown=True)
        symbols = prompt.symbols[0 if tokenizer.begin is None else prompt.num_given :].tolist()
    return {"tokens": symbols, "count": len(symbols), "max_model_len": None}


def detokenize(body: Any, model: ServedModel) -> dict[str, Any]:
    """Returns the text of symbols; an ApiError for others than the model has."""
    symbols = body.get("tokens") if isinstance(body, Mapping) else None
    size = model.tokenizer.vocabulary_size
    if not isinstance(symbols, list) or not all(type(each) is int and 0 <= each < size for each in symbols):
        raise ApiError(400, f"tokens must be a list of numbers from 0 to {size - 1}.", param="tokens")
    return {"prompt": model.tokenizer.decode(symbols)}


def text_field(body: Any, name: str) -> str | None:
    """Returns a field of a request's JSON; None where it is absent, and an ApiError where it is no text."""
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, str | None):
        raise _no_text(name)
    return value


def _no_text(name: str) -> ApiError:
    return ApiError(400, f"{name} must be a text.", param=name)


def describe_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns what is special in a tokenizer: what a text begins after, and the end of a record."""
    if tokenizer.end is not None:
        return {"tokenizer_class": tokenizer.kind, "bos_token": None, "eos_token": _RECORD_END}
    start = tokenizer.decode(start_symbols(tokenizer).tolist())
    return {"tokenizer_class": tokenizer.kind, "bos_token": start, "eos_token": None}
