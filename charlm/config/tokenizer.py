"""`tokenizer`: how text becomes symbols."""

from typing import Annotated, Literal

from pydantic import Field

from charlm.config.section import Section


class TokenizerConfig(Section):
    """How text becomes symbols."""

    tokenizer: Annotated[
        Literal["char", "byte", "sentencepiece"],
        Field(description="Symbols: Unicode characters, UTF-8 bytes, or sentencepiece subwords."),
    ] = "char"
    vocabulary_size: Annotated[
        int, Field(ge=1, le=1_000_000, description="Largest number of symbols that sentencepiece learns.")
    ] = 1000
    sentencepiece_model: Annotated[Literal["unigram", "bpe"], Field(description="Kind of sentencepiece model.")] = (
        "unigram"
    )
