"""What a page's script is given of a tokenizer."""

from typing import Any

from charlm.config import DataConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import ConfigError
from charlm.notation import visible

_KINDS = ("char", "byte")


def require_page_tokenizer(tokenizer: Tokenizer, *, run: str) -> None:
    """Raises a ConfigError unless the script of a page encodes and decodes as such a tokenizer does."""
    if tokenizer.kind not in _KINDS:
        raise ConfigError(
            f"'{run}' reads subwords of the sentencepiece library, which a page does not have; it can hold models of "
            "characters and of bytes."
        )


def describe_tokenizer(tokenizer: Tokenizer, data: DataConfig) -> dict[str, Any]:
    """Returns what the script builds a tokenizer from, as JSON values.

    Args:
        data: the run's, of which line ends and the Unicode form are taken.
    """
    return {
        "kind": tokenizer.kind,
        "characters": tokenizer.inner.to_json().get("characters"),
        "names": [visible(tokenizer.symbol_name(symbol)) for symbol in range(tokenizer.vocabulary_size)],
        "begin": tokenizer.begin,
        "end": tokenizer.end,
        "unknown": tokenizer.unknown,
        "numUnknown": tokenizer.num_unknown_characters,
        "normalize": None if data.normalize == "none" else data.normalize.upper(),
        "unifiesNewlines": data.newlines == "lf",
    }
