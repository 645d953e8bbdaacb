"""The layout of a corpus before it is encoded: its digest, its size, and the sizes of its parts."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from charlm.data.inputs import CorpusText
from charlm.data.sources import KeptSource, TextSource
from charlm.data.splits import Stretches, as_pieces, count_units, part_sizes, show_split
from charlm.errors import DataError

ProgressFactory = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress display from a label and a total, and gives a function to call with what was done since."""

_PART_NAMES = {"train": "training", "valid": "validation", "test": "the test"}


@dataclass(frozen=True)
class Layout:
    """The texts of a corpus, and the sizes of the parts that they are split into.

    Attributes:
        digest: SHA-256 of the text in UTF-8; where parts are texts of their own, of their digests.
        records: whether sizes are in records, not in characters.
        fractions: how the one text is split; None where the parts are texts of their own.
        num_bytes: size of all texts in UTF-8.
        texts: each text with the sizes of its parts, which follow one another in it.
    """

    digest: str
    records: bool
    fractions: tuple[float, float, float] | None
    num_bytes: int
    texts: tuple[tuple[TextSource, dict[str, int]], ...]

    @property
    def split(self) -> str:
        """How the text is split, for people."""
        return "separate files" if self.fractions is None else show_split(self.fractions)

    def parts(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Yields each part's name and its text in pieces, to be read before the next part is asked for.

        Raises:
            DataError: a text has become shorter since it was surveyed.
        """
        for source, sizes in self.texts:
            stretches = Stretches(as_pieces(source.chunks(), records=self.records), records=self.records)
            for part, size in sizes.items():
                yield part, self._whole(stretches.take(size), size, source)

    def too_short(self, part: str, *, num_symbols: int | None = None) -> DataError:
        """Returns the error of a part that has too little text."""
        source, sizes = next(text for text in self.texts if part in text[1])
        total, size = sum(sizes.values()), sizes[part]
        if total == 0:
            return empty_text(source, records=self.records)
        least = 1 if self.records else 2
        needed = "at least 1 record is needed" if self.records else "at least 2 characters are needed"
        given = ""
        if num_symbols is not None:
            needed, given = "at least 2 symbols are needed", f" ({num_symbols} symbol{'s' * (num_symbols != 1)})"
        found = f"'{source.label}' has {_shown_size(total, records=self.records)}"
        if len(sizes) == 1 or total < least:
            return DataError(f"{found}{given}; {needed}. Use a longer text.")
        return DataError(
            f"{found}, of which the split {self.split} leaves {size:,}{given} for {_PART_NAMES[part]}; {needed}. "
            "Use a longer text, or --split 100/0/0 to train on all of it."
        )

    def _whole(self, pieces: Iterator[str], size: int, source: TextSource) -> Iterator[str]:
        for piece in pieces:
            size -= count_units(piece, records=self.records)
            yield piece
        if size:
            raise DataError(f"'{source.label}' changed while it was read; start again when it is complete.")


def survey(text: CorpusText, *, records: bool, progress: ProgressFactory) -> Layout:
    """Reads all texts of a corpus once and returns its layout.

    Raises:
        DataError: a text cannot be read, is empty, or too short for its split.
    """
    # Read up to three times: for the layout, the vocabulary and the symbols.
    sources = {part: KeptSource(source) for part, source in _sources(text).items()}
    found = {part: _read(source, records=records, progress=progress) for part, source in sources.items()}
    texts = tuple(
        (source, {part: found[part].size} if text.split is None else part_sizes(found[part].size, text.split))
        for part, source in sources.items()
    )
    layout = Layout(
        digest=_joint_digest({part: each.digest for part, each in found.items()}),
        records=records,
        fractions=text.split,
        num_bytes=sum(each.num_bytes for each in found.values()),
        texts=texts,
    )
    for _, sizes in texts:
        for part, size in sizes.items():
            if size < (1 if records else 2):
                raise layout.too_short(part)
    return layout


def digest_of(text: CorpusText, *, progress: ProgressFactory) -> str:
    """Returns the digest of a corpus, as in its layout.

    Raises:
        DataError: a text cannot be read.
    """
    sources = _sources(text)
    return _joint_digest(
        {part: _read(source, records=False, progress=progress).digest for part, source in sources.items()}
    )


def empty_text(source: TextSource, *, records: bool) -> DataError:
    """Returns the error of a text with nothing in it."""
    lines = "has no line that is not empty, so it has no records" if records else "is empty"
    return DataError(f"'{source.label}' {lines}; give another text.")


@dataclass(frozen=True)
class _Facts:
    """The digest and sizes of a text; `size` is in records or characters."""

    digest: str
    size: int
    num_bytes: int


def _sources(text: CorpusText) -> dict[str, TextSource]:
    sources = {"train": text.train, "valid": text.valid, "test": text.test}
    return {part: source for part, source in sources.items() if source is not None}


def _read(source: TextSource, *, records: bool, progress: ProgressFactory) -> _Facts:
    digest = hashlib.sha256()
    size, num_bytes = 0, 0
    with progress(f"reading {source.label}", source.size_bytes()) as advance:

        def chunks() -> Iterator[str]:
            nonlocal num_bytes
            for chunk in source.chunks():
                content = chunk.encode()
                digest.update(content)
                num_bytes += len(content)
                yield chunk
                advance(len(content))

        for piece in as_pieces(chunks(), records=records):
            size += count_units(piece, records=records)
    return _Facts(digest.hexdigest(), size, num_bytes)


def _joint_digest(digests: dict[str, str]) -> str:
    if len(digests) == 1:
        return digests["train"]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


def _shown_size(size: int, *, records: bool) -> str:
    return f"{size:,} {'record' if records else 'character'}{'s' * (size != 1)}"
