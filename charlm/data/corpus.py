"""A corpus as symbols: encoded once, part by part, kept under `data/cache`, and found there again."""

import hashlib
import json
import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from charlm.data.description import CorpusDescription, PartDescription, read_description, require_counts
from charlm.data.encoder import EncodedText, encode_to
from charlm.data.inputs import CorpusText
from charlm.data.layout import Layout, PartName, ProgressFactory, as_pieces, count_units, empty_text, survey
from charlm.data.sources import TextSource
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer, smallest_type
from charlm.data.tokenizers.build import TokenizerRecipe, from_json
from charlm.errors import CheckpointError, DataError
from charlm.files.errors import os_errors_as
from charlm.files.folders import replace_folder
from charlm.files.parsing import parse_json
from charlm.files.reading import file_sha256, read_bounded
from charlm.files.writing import create_synced

_KEY_VERSION = 2
"""Part of every key; a new one lets all texts be encoded anew."""
_KEY = re.compile(r"[0-9a-f]{32}")
_MOST_META_BYTES = 1 << 20
_MOST_TOKENIZER_BYTES = 256 << 20
# The system's temporary folder may be in memory; a longer text goes to the data folder's disk.
_MOST_BYTES_IN_TEMPORARY_FOLDER = 64 << 20


@dataclass(frozen=True)
class EncodedCorpus:
    """The parts of a corpus as symbols.

    Attributes:
        key: names its folder in the cache.
        digest: SHA-256 of the text in UTF-8; where parts are texts of their own, of their digests.
        split: how the text was split, for people: '90/5/5' or 'separate files'.
        reused: whether it was in the cache already.
    """

    label: str
    key: str
    folder: Path
    digest: str
    tokenizer: Tokenizer
    train: EncodedText
    valid: EncodedText | None
    test: EncodedText | None
    split: str
    reused: bool


def prepare_corpus(
    text: CorpusText, *, folder: Path, recipe: TokenizerRecipe, records: bool, progress: ProgressFactory
) -> EncodedCorpus:
    """Returns the corpus as symbols, from the cache if the same texts were encoded in the same way before.

    The texts are streamed three times: for their digest and size, to learn the vocabulary from the training
    part, and to encode. Each part is encoded on its own, so that no symbol straddles a border.

    Args:
        folder: the data folder; the cache is in it.
        records: each line is one example.

    Raises:
        DataError: a text cannot be read or is too short for its split, or the cache cannot be written.
    """
    layout = survey(text, records=records, progress=progress)
    layout.require_text()
    identity = json.dumps([_KEY_VERSION, layout.digest, layout.fractions, records, recipe.key])
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    corpus = open_cached(folder, key)
    if corpus is not None:
        return replace(corpus, label=text.label)
    with closing(_training_text(layout, progress)) as training_text:
        tokenizer = recipe.make(training_text)
    place = folder / "cache" / key
    with _write_errors_as_data_errors(place.parent), replace_folder(place) as temporary:
        parts: dict[PartName, PartDescription] = {}
        with progress(f"encoding {text.label}", layout.num_bytes) as advance:
            for part, pieces in layout.parts():
                path = temporary / f"{part}.bin"
                with create_synced(path) as file:
                    encoded = encode_to(file, pieces, tokenizer, advance=advance)
                if encoded.num_symbols < 2:
                    raise layout.too_short(part, num_symbols=encoded.num_symbols)
                counts = {name: count for name, count in vars(encoded).items() if name != "tokens"}
                parts[part] = PartDescription(**counts, sha256=file_sha256(path))
        stored_tokenizer = json.dumps(tokenizer.to_json()).encode()
        description = CorpusDescription(
            version=3,
            label=text.label,
            digest=layout.digest,
            split=layout.split,
            tokenizer=hashlib.sha256(stored_tokenizer).hexdigest(),
            parts=parts,
        )
        for name, content in (("tokenizer.json", stored_tokenizer), ("meta.json", description.to_json())):
            with create_synced(temporary / name) as file:
                file.write(content)
        # Opened before it gets its name: another process may then replace it at any time.
        corpus = _open(temporary, key)
    return replace(corpus, folder=place, reused=False)


def open_cached(folder: Path, key: str) -> EncodedCorpus | None:
    """Returns the corpus with this key; None if it is not in the cache of the data folder, or not whole."""
    if not _KEY.fullmatch(key):
        return None  # From a checkpoint of somebody else, it may be a path to anywhere.
    try:
        return _open(folder / "cache" / key, key)
    except (OSError, ValueError, CheckpointError):
        return None  # It is absent or damaged, and is made anew.


@contextmanager
def encode_text(
    source: TextSource, tokenizer: Tokenizer, *, folder: Path | None, progress: ProgressFactory
) -> Iterator[EncodedText]:
    """Gives a text as symbols of a given tokenizer; nothing of it is kept.

    Args:
        folder: the data folder, which holds a long text while it is used; None for the system's temporary one.

    Raises:
        DataError: the text cannot be read, or there is no space to keep it.
    """
    records = tokenizer.begin is not None
    size = source.size_bytes()
    is_small = size is not None and size <= _MOST_BYTES_IN_TEMPORARY_FOLDER
    place = Path(tempfile.gettempdir()) if folder is None or is_small else folder / "cache"
    with _write_errors_as_data_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        # The file has no name, so that it is gone once nobody reads it.
        with tempfile.TemporaryFile(dir=place) as file, progress(f"encoding {source.label}", size) as advance:
            encoded = encode_to(file, as_pieces(source.chunks(), records=records), tokenizer, advance=advance)
    if encoded.num_symbols == 0:
        raise empty_text(source, records=records)
    yield encoded


def _write_errors_as_data_errors(folder: Path) -> AbstractContextManager[None]:
    problem = f"The encoded text cannot be kept in '{folder}'"
    return os_errors_as(DataError, problem, remedy="Free some space, or choose another folder.")


def _training_text(layout: Layout, progress: ProgressFactory) -> Generator[str]:
    """Yields the training part; progress is shown once its first piece is asked for."""
    part, pieces = next(layout.parts())
    with progress("learning the vocabulary", layout.texts[0][1][part]) as advance:
        for piece in pieces:
            yield piece
            advance(count_units(piece, records=layout.records))


def _open(place: Path, key: str) -> EncodedCorpus:
    description = read_description(read_bounded(place / "meta.json", most_bytes=_MOST_META_BYTES, within=place))
    stored_tokenizer = read_bounded(place / "tokenizer.json", most_bytes=_MOST_TOKENIZER_BYTES, within=place)
    if description.tokenizer != hashlib.sha256(stored_tokenizer).hexdigest():
        raise ValueError(f"'{place}' is damaged")
    tokenizer = from_json(parse_json(stored_tokenizer))
    parts = {name: _open_part(place / f"{name}.bin", part, tokenizer) for name, part in description.parts.items()}
    if description.sha256 is None:
        for text in parts.values():
            require_counts(text, tokenizer)
    return EncodedCorpus(
        label=description.label,
        key=key,
        folder=place,
        digest=description.digest,
        tokenizer=tokenizer,
        train=parts["train"],
        valid=parts.get("valid"),
        test=parts.get("test"),
        split=description.split,
        reused=True,
    )


def _open_part(path: Path, part: PartDescription, tokenizer: Tokenizer) -> EncodedText:
    dtype = smallest_type(tokenizer.vocabulary_size)
    # The size first: a file of terabytes, maybe with nothing in it, need not be read.
    is_whole = path.stat().st_size == part.num_symbols * dtype.itemsize
    if not is_whole or file_sha256(path, within=path.parent) != part.sha256:
        raise ValueError(f"'{path}' is not what was written")
    with path.open("rb") as file:
        tokens = TokenFile.map(file, dtype)
    if max(int(piece.max()) for piece in tokens.pieces()) >= tokenizer.vocabulary_size:
        raise ValueError(f"'{path}' has symbols that the vocabulary lacks")
    return EncodedText(tokens, **part.model_dump(exclude={"sha256"}))
