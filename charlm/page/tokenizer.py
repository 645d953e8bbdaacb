"""What a page's script is given of a tokenizer."""

from dataclasses import asdict
from typing import Any

from charlm.config import DataConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.sentencepiece import SentencePieceTokenizer
from charlm.notation import visible


def describe_tokenizer(tokenizer: Tokenizer, data: DataConfig) -> dict[str, Any]:
    """Returns what the script builds a tokenizer from, as JSON values.

    Args:
        data: the run's, of which line ends and the Unicode form are taken.
    """
    inner = tokenizer.inner
    return {
        "kind": tokenizer.kind,
        "characters": inner.to_json().get("characters"),
        "subwords": asdict(inner.subwords()) if isinstance(inner, SentencePieceTokenizer) else None,
        "names": [visible(tokenizer.symbol_name(symbol)) for symbol in range(tokenizer.vocabulary_size)],
        "begin": tokenizer.begin,
        "end": tokenizer.end,
        "unknown": tokenizer.unknown,
        "numUnknown": tokenizer.num_unknown_characters,
        "normalize": None if data.normalize == "none" else data.normalize.upper(),
        "unifiesNewlines": data.newlines == "lf",
    }
