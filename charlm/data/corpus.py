"""A corpus as symbols: encoded once, part by part, kept under `data/cache`, and found there again."""

import hashlib
import json
import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from charlm.data.blocks import BLOCK_BYTES
from charlm.data.description import CorpusDescription, PartDescription, read_description, require_counts
from charlm.data.encoder import EncodedText, encode_to
from charlm.data.inputs import CorpusText
from charlm.data.layout import Layout, ProgressFactory, as_pieces, count_units, empty_text
from charlm.data.parts import encode_blocks
from charlm.data.sources import TextSource
from charlm.data.survey import survey
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer, smallest_type
from charlm.data.tokenizers.build import TokenizerRecipe, from_json
from charlm.errors import CheckpointError, DataError
from charlm.files.errors import os_errors_as
from charlm.files.folders import replace_folder, resume_folder
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
    text: CorpusText,
    *,
    folder: Path,
    recipe: TokenizerRecipe,
    records: bool,
    progress: ProgressFactory,
    workers: int = 1,
    block_bytes: int = BLOCK_BYTES,
) -> EncodedCorpus:
    """Returns the corpus as symbols, from the cache if the same texts were encoded in the same way before.

    The texts are streamed three times: for their digest and size, to learn the vocabulary from the training
    part, and to encode; of a long text, the first reading finds its characters, too. Each part is encoded on its own,
    so that no symbol straddles a border. What is encoded of a long text when this is stopped is gone on with later.

    Args:
        folder: the data folder; the cache is in it.
        records: each line is one example.
        workers: processes that read and encode a long text; not part of the result.
        block_bytes: as in `survey`.

    Raises:
        DataError: a text cannot be read or is too short for its split, or the cache cannot be written.
    """
    layout = survey(text, records=records, progress=progress, workers=workers, block_bytes=block_bytes)
    layout.require_text()
    identity = json.dumps([_KEY_VERSION, layout.digest, layout.fractions, records, recipe.key])
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    corpus = open_cached(folder, key)
    if corpus is not None:
        return replace(corpus, label=text.label)
    with closing(_training_text(layout, progress, needs_text=recipe.needs_text)) as training_text:
        tokenizer = recipe.make(training_text)
    place = folder / "cache" / key
    making = replace_folder if len(layout.blocks) == len(layout.texts) else resume_folder
    with _write_errors_as_data_errors(place.parent), making(place) as temporary:
        with progress(f"encoding {text.label}", layout.num_bytes) as advance:
            parts = encode_blocks(layout, tokenizer, temporary, workers=workers, advance=advance)
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
            path = temporary / name
            if path.exists():  # Left by work that was stopped at its very end.
                path.unlink()
            with create_synced(path) as file:
                file.write(content)
        # Opened before it gets its name: another process may then replace it at any time.
        corpus = _open(temporary, key, is_known=True)
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


def _training_text(layout: Layout, progress: ProgressFactory, *, needs_text: bool) -> Generator[str]:
    """Yields the training part; progress is shown once its first piece is asked for.

    Args:
        needs_text: False to have each character of a block only once, where they are known.
    """
    blocks = [block for block in layout.blocks if "train" in block.sizes]
    with progress("learning the vocabulary", sum(block.sizes["train"] for block in blocks)) as advance:
        for block in blocks:
            if block.characters is not None and block.sizes.keys() == {"train"} and not needs_text:
                yield block.characters
                advance(block.sizes["train"])
                continue
            _, pieces = next(block.parts(records=layout.records))
            for piece in pieces:
                yield piece
                advance(count_units(piece, records=layout.records))


def _open(place: Path, key: str, *, is_known: bool = False) -> EncodedCorpus:
    """Opens an encoded corpus.

    Args:
        is_known: whether its files have just been written, so that they need not be read to be checked.
    """
    description = read_description(read_bounded(place / "meta.json", most_bytes=_MOST_META_BYTES, within=place))
    stored_tokenizer = read_bounded(place / "tokenizer.json", most_bytes=_MOST_TOKENIZER_BYTES, within=place)
    if description.tokenizer != hashlib.sha256(stored_tokenizer).hexdigest():
        raise ValueError(f"'{place}' is damaged")
    tokenizer = from_json(parse_json(stored_tokenizer))
    parts = {
        name: _open_part(place / f"{name}.bin", part, tokenizer, is_known=is_known)
        for name, part in description.parts.items()
    }
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


def _open_part(path: Path, part: PartDescription, tokenizer: Tokenizer, *, is_known: bool) -> EncodedText:
    dtype = smallest_type(tokenizer.vocabulary_size)
    # The size first: a file of terabytes, maybe with nothing in it, need not be read.
    is_whole = path.stat().st_size == part.num_symbols * dtype.itemsize
    if not is_whole or (not is_known and file_sha256(path, within=path.parent) != part.sha256):
        raise ValueError(f"'{path}' is not what was written")
    with path.open("rb") as file:
        tokens = TokenFile.map(file, dtype)
    if not is_known and max(int(piece.max()) for piece in tokens.pieces()) >= tokenizer.vocabulary_size:
        raise ValueError(f"'{path}' has symbols that the vocabulary lacks")
    return EncodedText(tokens, **part.model_dump(exclude={"sha256"}))
