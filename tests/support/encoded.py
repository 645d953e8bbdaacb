"""Texts as symbols, without a corpus."""

import tempfile

from charlm.data.encoder import EncodedText, encode_to
from charlm.data.layout import as_pieces
from charlm.data.tokenizers.base import Tokenizer


def encoded(text: str, tokenizer: Tokenizer) -> EncodedText:
    """Returns a text as it is scored."""
    with tempfile.TemporaryFile() as file:
        pieces = as_pieces([text], records=tokenizer.begin is not None)
        return encode_to(file, pieces, tokenizer, advance=lambda _: None)
