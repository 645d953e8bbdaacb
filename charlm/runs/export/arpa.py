"""`charlm export arpa`: the model of an n-gram run in ARPA format."""

from pathlib import Path
from typing import BinaryIO

from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import ConfigError
from charlm.files.writing import write_result
from charlm.ngrams.arpa import arpa_lines
from charlm.ngrams.model import NgramModel
from charlm.runs.stored.model import read_model
from charlm.runs.stored.workspace import Workspace

_BEGIN, _END, _UNKNOWN = "<s>", "</s>", "<unk>"


def export_arpa(run: str, output: Path | BinaryIO, workspace: Workspace) -> None:
    """Writes an n-gram run's model in ARPA format.

    Args:
        output: an open stream, or a path; a file is replaced at once, into a device or a pipe it is written piece
            by piece.

    Raises:
        CheckpointError: there is no such run, or it is damaged.
        CheckpointError: the file cannot be written.
        OSError: a stream, device or pipe cannot be written.
        ConfigError: its model is no n-gram model.
    """
    stored = read_model(run, workspace)
    if stored.config.model.model != "ngram":
        raise ConfigError(
            f"'{stored.name}' is a network; ARPA files hold n-gram models, made with charlm train --model ngram."
        )
    tokenizer = stored.tokenizer
    model = NgramModel.from_arrays(
        stored.weights,
        order=stored.config.model.order,
        vocabulary_size=tokenizer.vocabulary_size,
        source=str(stored.source),
    )
    words = [arpa_word(tokenizer, symbol) for symbol in range(tokenizer.vocabulary_size)]
    write_result(output, (piece.encode() for piece in arpa_lines(model, words, begin=_BEGIN, end=_END)))


def arpa_word(tokenizer: Tokenizer, symbol: int) -> str:
    """Returns the word that stands for a symbol in ARPA files.

    It is the symbol's own text, with white space, what cannot be printed, and '<' spelt as <U+0020>; a symbol
    that no text of its own leads back to is <symbol-N>.
    """
    special = {tokenizer.begin: _BEGIN, tokenizer.end: _END, tokenizer.unknown: _UNKNOWN}
    if symbol in special:
        return special[symbol]
    text = tokenizer.decode([symbol])
    if not text or tokenizer.unknown_characters(text) or _symbols_of(tokenizer, text) != [symbol]:
        return f"<symbol-{symbol}>"
    return "".join(
        character if character.isprintable() and character not in " <" else f"<U+{ord(character):04X}>"
        for character in text
    )


def _symbols_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """Returns the symbols of a text, without the begin of the record that it would be."""
    return [symbol for symbol in tokenizer.encode_prompt(text).tolist() if symbol != tokenizer.begin]
