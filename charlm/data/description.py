"""meta.json of an encoded corpus: what its files hold, with a checksum of its own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.files.parsing import parse_json

VERSION = 3
_WITHOUT_CHECKSUM = 2
"""The version of charlm 0.1.0, whose counts are counted again when they are read."""
_PIECE = 1 << 22

_Count = Annotated[int, Field(ge=0, lt=1 << 53)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@final
class PartDescription(_Stored):
    """The counts of an encoded part, as `EncodedText` has them, and the SHA-256 of its file."""

    num_symbols: _Count
    num_characters: _Count
    num_bytes: _Count
    num_unknown: _Count
    num_records: _Count
    first_bytes: _Count
    sha256: _Sha256


@final
class CorpusDescription(_Stored):
    """What an encoded corpus is.

    Attributes:
        digest: SHA-256 of its text.
        tokenizer: SHA-256 of tokenizer.json.
        sha256: of all the rest; None in version 2.
    """

    version: Literal[2, 3]
    label: str
    digest: _Sha256
    split: str
    tokenizer: _Sha256
    parts: dict[Literal["train", "valid", "test"], PartDescription]
    sha256: _Sha256 | None = None


def describe_corpus(
    *, label: str, digest: str, split: str, tokenizer: str, parts: Mapping[str, Mapping[str, int | str]]
) -> bytes:
    """Returns the content of meta.json; arguments as in `CorpusDescription`."""
    values = {
        "version": VERSION,
        "label": label,
        "digest": digest,
        "split": split,
        "tokenizer": tokenizer,
        "parts": parts,
    }
    return json.dumps(values | {"sha256": _checksum(values)}, indent=2).encode()


def read_description(content: bytes) -> CorpusDescription:
    """Returns the description in the content of meta.json.

    Raises:
        ValueError: it is none, or not what was written.
    """
    values = parse_json(content)
    try:
        description = CorpusDescription.model_validate_json(json.dumps(values))
    except ValidationError:
        raise ValueError("meta.json is damaged, or of another version") from None
    expected = None
    if description.version != _WITHOUT_CHECKSUM:
        expected = _checksum({name: value for name, value in values.items() if name != "sha256"})
    if description.sha256 != expected or "train" not in description.parts:
        raise ValueError("meta.json is not what was written")
    return description


def require_counts(text: EncodedText, tokenizer: Tokenizer) -> None:
    """Counts a text again whose description has no checksum; of unknown characters, bytes are known within bounds.

    Raises:
        ValueError: the counts are not those of the text.
    """
    occurrences = np.zeros(tokenizer.vocabulary_size, dtype=np.int64)
    for start in range(0, len(text.tokens), _PIECE):
        occurrences += np.bincount(text.tokens.read(start, start + _PIECE), minlength=len(occurrences))
    num_unknown = 0 if tokenizer.unknown is None else int(occurrences[tokenizer.unknown])
    num_records = 0 if tokenizer.begin is None else int(occurrences[tokenizer.begin])
    symbol_bytes = tokenizer.symbol_bytes.copy()
    if tokenizer.unknown is not None:
        symbol_bytes[tokenizer.unknown] = 0
    first = int(text.tokens.read(0, 1)[0])
    counted = (len(text.tokens), int(occurrences @ tokenizer.symbol_characters), num_unknown, num_records)
    bytes_of_unknown = text.num_bytes - int(occurrences @ symbol_bytes)
    fits_first = 1 <= text.first_bytes <= 4 if first == tokenizer.unknown else text.first_bytes == symbol_bytes[first]
    if (
        counted != (text.num_symbols, text.num_characters, text.num_unknown, text.num_records)
        or not num_unknown <= bytes_of_unknown <= 4 * num_unknown
        or not fits_first
    ):
        raise ValueError("the counts in meta.json are not those of the text")


def counts_of(part: PartDescription) -> dict[str, int]:
    """Returns the counts of a part, by the names that `EncodedText` gives them."""
    return part.model_dump(exclude={"sha256"})


def _checksum(values: Mapping[str, object]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
