"""Recipes for the tokenizer of a corpus: learnt from the training text, given, or given and extended."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from charlm.config import TokenizerConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import fingerprint, train_tokenizer
from charlm.data.tokenizers.records import split_records


@dataclass(frozen=True)
class TokenizerRecipe:
    """How a tokenizer is made from a training text.

    Attributes:
        key: identifies the tokenizer, together with the text; part of the cache key.
        make: makes the tokenizer from the pieces of the training text.
    """

    key: str
    make: Callable[[Iterable[str]], Tokenizer]


def learnt(config: TokenizerConfig, *, records: bool) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer learnt from the training text."""
    settings = config.model_dump() if config.tokenizer == "sentencepiece" else {"tokenizer": config.tokenizer}
    key = json.dumps({"learnt": settings, "records": records}, sort_keys=True)
    return TokenizerRecipe(key, partial(train_tokenizer, config, records=records))


def given(tokenizer: Tokenizer) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer that is used as it is."""
    return TokenizerRecipe(f"given {fingerprint(tokenizer)}", lambda _: tokenizer)


def extended(tokenizer: Tokenizer) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer that learns the characters of the text that it lacks."""
    return TokenizerRecipe(f"extended {fingerprint(tokenizer)}", partial(_extend, tokenizer))


def _extend(tokenizer: Tokenizer, chunks: Iterable[str]) -> Tokenizer:
    if tokenizer.begin is not None:
        # Line ends part records; they are no characters of theirs.
        chunks = ("".join(records) for records in split_records(chunks))
    lacking: set[str] = set()
    for chunk in chunks:
        lacking.update(tokenizer.unknown_characters(chunk))
    return tokenizer.extend(sorted(lacking))
