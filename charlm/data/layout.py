"""The layout of a corpus before it is encoded: its digest, its size, and the sizes of its parts."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from charlm.data.inputs import CorpusText
from charlm.data.sources import KeptSource, TextSource
from charlm.data.splits import PartName, Stretches, as_pieces, count_units, part_sizes, show_split
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
    texts: tuple[tuple[TextSource, dict[PartName, int]], ...]

    @property
    def split(self) -> str:
        """How the text is split, for people."""
        return "separate files" if self.fractions is None else show_split(self.fractions)

    def parts(self) -> Iterator[tuple[PartName, Iterator[str]]]:
        """Yields each part's name and its text in pieces, to be read before the next part is asked for.

        Raises:
            DataError: a text has become shorter since it was surveyed.
        """
        for source, sizes in self.texts:
            stretches = Stretches(source, records=self.records)
            for part, size in sizes.items():
                yield part, stretches.take(size)

    def require_text(self) -> None:
        """Refuses texts that are too short.

        Raises:
            DataError: a part has no record, or less than two characters.
        """
        for _, sizes in self.texts:
            for part, size in sizes.items():
                if size < (1 if self.records else 2):
                    raise self.too_short(part)

    def too_short(self, part: PartName, *, num_symbols: int | None = None) -> DataError:
        """Returns the error of a part that has too little text."""
        source, sizes = next(text for text in self.texts if part in text[1])
        total, size = sum(sizes.values()), sizes[part]
        if total == 0:
            return empty_text(source, records=self.records)
        unit, least = ("record", 1) if self.records else ("character", 2)
        found, given = f"'{source.label}' has {total:,} {unit}{'s' * (total != 1)}", ""
        needed = f"at least {least} {unit}{' is' if least == 1 else 's are'} needed"
        if num_symbols is not None:
            needed, given = "at least 2 symbols are needed", f" ({num_symbols} symbol{'s' * (num_symbols != 1)})"
        if len(sizes) == 1 or total < least:
            return DataError(f"{found}{given}; {needed}. Use a longer text.")
        return DataError(
            f"{found}, of which the split {self.split} leaves {size:,}{given} for {_PART_NAMES[part]}; {needed}. "
            "Use a longer text, or --split 100/0/0 to train on all of it."
        )


def survey(text: CorpusText, *, records: bool, progress: ProgressFactory) -> Layout:
    """Reads all texts of a corpus once and returns its layout.

    Raises:
        DataError: a text cannot be read.
    """
    sources: dict[PartName, TextSource | None] = {"train": text.train, "valid": text.valid, "test": text.test}
    digests: dict[PartName, str] = {}
    texts: list[tuple[TextSource, dict[PartName, int]]] = []
    num_bytes = 0
    for part, source in sources.items():
        if source is None:
            continue
        # Read up to three times: for the layout, the vocabulary and the symbols.
        kept = KeptSource(source)
        digests[part], size, more_bytes = _read(kept, records=records, progress=progress)
        texts.append((kept, {part: size} if text.split is None else part_sizes(size, text.split)))
        num_bytes += more_bytes
    digest = digests["train"] if len(digests) == 1 else hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    return Layout(digest, records, text.split, num_bytes, tuple(texts))


def empty_text(source: TextSource, *, records: bool) -> DataError:
    """Returns the error of a text with nothing in it."""
    lines = "has no line that is not empty, so it has no records" if records else "is empty"
    return DataError(f"'{source.label}' {lines}; give another text.")


def _read(source: TextSource, *, records: bool, progress: ProgressFactory) -> tuple[str, int, int]:
    """Returns the SHA-256 of a text, its size in records or characters, and its bytes in UTF-8."""
    digest, num_bytes = hashlib.sha256(), 0
    with progress(f"reading {source.label}", source.size_bytes()) as advance:

        def chunks() -> Iterator[str]:
            nonlocal num_bytes
            for chunk in source.chunks():
                content = chunk.encode()
                digest.update(content)
                num_bytes += len(content)
                yield chunk
                advance(len(content))

        size = sum(count_units(piece, records=records) for piece in as_pieces(chunks(), records=records))
    return digest.hexdigest(), size, num_bytes
