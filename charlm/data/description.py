"""meta.json of an encoded corpus: what its files hold, with a checksum of its own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charlm.data.encoder import EncodedText
from charlm.data.layout import PartName
from charlm.data.tokenizers.base import Tokenizer
from charlm.files.parsing import parse_json

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
        version: 2 was written by charlm 0.1.0; its counts are counted again when they are read.
        digest: SHA-256 of its text.
        tokenizer: SHA-256 of tokenizer.json.
        sha256: of all the rest; None in version 2.
    """

    version: Literal[2, 3]
    label: str
    digest: _Sha256
    split: str
    tokenizer: _Sha256
    parts: dict[PartName, PartDescription]
    sha256: _Sha256 | None = None

    def to_json(self) -> bytes:
        """Returns the content of meta.json, with its checksum."""
        values = self.model_dump(exclude={"sha256"})
        return json.dumps(values | {"sha256": _checksum(values)}, indent=2).encode()


def read_description(content: bytes) -> CorpusDescription:
    """Returns the description in the content of meta.json; anything but what was written is a ValueError."""
    values = parse_json(content)
    try:
        description = CorpusDescription.model_validate_json(json.dumps(values))
    except ValidationError:
        raise ValueError("meta.json is damaged, or of another version") from None
    expected = None if description.version == 2 else _checksum(description.model_dump(exclude={"sha256"}))
    if description.sha256 != expected or "train" not in description.parts:
        raise ValueError("meta.json is not what was written")
    return description


def require_counts(text: EncodedText, tokenizer: Tokenizer) -> None:
    """Counts a text again whose description has no checksum; of unknown characters, bytes are known within bounds.

    Raises:
        ValueError: the counts are not those of the text.
    """
    size, unknown, symbol_bytes = tokenizer.vocabulary_size, tokenizer.unknown, tokenizer.symbol_bytes
    occurrences = sum((np.bincount(piece, minlength=size) for piece in text.tokens.pieces()), np.zeros(size, np.int64))
    num_unknown = 0 if unknown is None else int(occurrences[unknown])
    num_records = 0 if tokenizer.begin is None else int(occurrences[tokenizer.begin])
    first = int(text.tokens.read(0, 1)[0])
    counted = (len(text.tokens), int(occurrences @ tokenizer.symbol_characters), num_unknown, num_records)
    bytes_of_unknown = text.num_bytes - int(occurrences @ symbol_bytes)
    fits_first = 1 <= text.first_bytes <= 4 if first == unknown else text.first_bytes == symbol_bytes[first]
    if (
        counted != (text.num_symbols, text.num_characters, text.num_unknown, text.num_records)
        or not num_unknown <= bytes_of_unknown <= 4 * num_unknown
        or not fits_first
    ):
        raise ValueError("the counts in meta.json are not those of the text")


def _checksum(values: Mapping[str, object]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
