"""`tokenizer`: how text becomes symbols."""

from typing import Literal

from pydantic import Field

from charlm.config.section import Section


class TokenizerConfig(Section):
    """How text becomes symbols."""

    tokenizer: Literal["char", "byte", "sentencepiece"] = Field(
        default="char", description="Symbols: Unicode characters, UTF-8 bytes, or sentencepiece subwords."
    )
    vocabulary_size: int = Field(
        default=1000, ge=1, le=1_000_000, description="Largest number of symbols that sentencepiece learns."
    )
    sentencepiece_model: Literal["unigram", "bpe"] = Field(
        default="unigram", description="Kind of sentencepiece model."
    )
