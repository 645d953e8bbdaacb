"""Opens the texts that a user names: paths, globs, '-', built-ins, names of the catalogue."""

import glob
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, final

from charlm.config import DataConfig
from charlm.data.builtin import BUILTIN_PREFIX, BUILTINS, open_builtin
from charlm.data.catalog import CorpusEntry, corpus_folder, entries, is_fetched
from charlm.data.encodings import detect_encoding, resolve_encoding
from charlm.data.examples.noticed import Noticed
from charlm.data.examples.source import ExampleSource, split_examples
from charlm.data.paths import find_files, is_pipe, path_exists, text_name
from charlm.data.raw import FileInput, RawInput, SpooledInput
from charlm.data.sources import CombinedSource, DecodedSource, StringSource, TextSource
from charlm.errors import DataError
from charlm.files.errors import os_errors_as
from charlm.notation import parse_size, parse_split
from charlm.tasks import TASKS

DEFAULT_SPLIT = "90/5/5"


@dataclass(frozen=True)
class CorpusText:
    """The texts that a model is trained, validated and tested on.

    Attributes:
        train: the training text; the whole text when `split` is set.
        valid, test: the validation and the test text, where they are separate texts.
        split: the fractions to cut `train` into; None when the parts are separate texts.
        notes: sentences to show, such as which encoding was detected.
        split_in_words: how the parts were divided, for people, where it was not by `split`.
        have_sides: whether the lines are examples with a tab between their sides, which --swap exchanges.
        noticed: what is noticed in examples while they are read.
    """

    label: str
    train: TextSource
    valid: TextSource | None
    test: TextSource | None
    split: tuple[float, float, float] | None
    notes: tuple[str, ...]
    split_in_words: str | None = None
    have_sides: bool = False
    noticed: Noticed = field(default_factory=Noticed)


def open_corpus(data: DataConfig, *, folder: Path, stdin: BinaryIO | None) -> CorpusText:
    """Returns the texts that the settings name.

    Args:
        folder: the data folder, in which fetched corpora are kept.
        stdin: what '-' stands for; read to its end here.

    Raises:
        DataError: something is not there, or cannot be read.
        ConfigError: the encoding is not known.
    """
    text = _open_texts(data, folder=folder, stdin=stdin)
    return text if data.task is None else _as_examples(text, data)


def _open_texts(data: DataConfig, *, folder: Path, stdin: BinaryIO | None) -> CorpusText:
    reader = _Reader(data, folder=folder, stdin=stdin)
    entry = reader.catalogued(data.corpus[0]) if len(data.corpus) == 1 else None
    if entry is not None and data.split is None and not data.valid and not data.test:
        return _usual_split(entry, reader)
    train = reader.open(data.corpus)
    valid, test = (reader.open(specs) if specs else None for specs in (data.valid, data.test))
    split = None if valid or test else parse_split(data.split or DEFAULT_SPLIT)
    return CorpusText(train.label, train, valid, test, split, reader.notes())


def open_text(
    specs: tuple[str, ...], *, data: DataConfig, folder: Path, stdin: BinaryIO | None
) -> tuple[TextSource, tuple[str, ...]]:
    """Returns one text made of all that `specs` name, read as `data` says, and sentences to show.

    Other arguments, and errors, are as in `open_corpus`.
    """
    reader = _Reader(data, folder=folder, stdin=stdin)
    text = reader.open(specs)
    return text if data.task is None else ExampleSource(text, data), reader.notes()


def clean_string(text: str, *, data: DataConfig, label: str = "text") -> TextSource:
    """Returns a text in memory, with line ends and Unicode form as `data` has them; errors as in `to_utf8`."""
    return CombinedSource((StringSource(text, label),), label, newlines=data.newlines, normalize=data.normalize)


def _as_examples(text: CorpusText, data: DataConfig) -> CorpusText:
    """Returns the texts as examples, a line each; one text is split by a hash of what is read."""

    def examples(source: TextSource | None) -> ExampleSource | None:
        assert source is None or isinstance(source, CombinedSource)
        return None if source is None else ExampleSource(source, data, noticed=text.noticed)

    train, valid, test = map(examples, (text.train, text.valid, text.test))
    assert train is not None and data.task is not None
    if text.split is None:
        return replace(text, train=train, valid=valid, test=test)
    train, valid, test = split_examples(train, text.split)
    shares = "/".join(f"{100 * fraction:g}" for fraction in text.split)
    has_fields = TASKS[data.task].has_fields
    have_sides = has_fields and data.layout != "fasttext"
    repeated = ", equal rows once" if has_fields else ""
    words = f"{shares} by a hash of what is read{repeated}"
    return replace(text, train=train, valid=valid, test=test, split=None, split_in_words=words, have_sides=have_sides)


def _usual_split(entry: CorpusEntry, reader: "_Reader") -> CorpusText:
    files = reader.corpus_files(entry)
    if entry.split is not None:
        whole = reader.combine((files[0],), entry.name)
        return CorpusText(entry.name, whole, None, None, parse_split(entry.split), reader.notes())
    if entry.split_bytes is not None:
        num_train, num_valid, _ = entry.split_bytes
        end = num_train + num_valid
        ranges = ((0, num_train), (num_train, end), (end, None))
        files = tuple(replace(files[0], start=start, stop=stop) for start, stop in ranges)
    train, valid, test = (reader.combine((file,), entry.name) for file in files)
    return CorpusText(entry.name, train, valid, test, None, reader.notes())


@final
class _Reader:
    """Opens texts with one set of settings, and collects the encodings that it had to detect."""

    def __init__(self, data: DataConfig, *, folder: Path, stdin: BinaryIO | None) -> None:
        self._data = data
        self._folder = folder
        self._stdin = stdin
        self._encoding = None if data.encoding == "auto" else resolve_encoding(data.encoding)
        self._detected: dict[str, list[str]] = {}

    def open(self, specs: tuple[str, ...]) -> CombinedSource:
        """Returns all texts that `specs` name, joined into one."""
        opened = [self._open_one(spec) for spec in specs]
        label = opened[0][0] if len(opened) == 1 else f"{opened[0][0]} and {len(opened) - 1} more"
        return self.combine(tuple(part for _, parts in opened for part in parts), label)

    def combine(self, parts: tuple[TextSource, ...], label: str) -> CombinedSource:
        """Returns the texts as one."""
        return CombinedSource(parts, label, newlines=self._data.newlines, normalize=self._data.normalize)

    def catalogued(self, spec: str) -> CorpusEntry | None:
        """Returns the corpus of this name in the catalogue; None if there is none, or a path of that name exists."""
        return None if path_exists(spec) else entries().get(spec)

    def corpus_files(self, entry: CorpusEntry) -> tuple[DecodedSource, ...]:
        """Returns the texts of a corpus from the catalogue."""
        if not is_fetched(entry, self._folder):
            raise DataError(
                f"The corpus '{entry.name}' is not in '{self._folder}' yet; run: charlm data fetch {entry.name}"
            )
        # Its own encoding, unless another one is asked for: enwik8 as latin-1 makes every byte one symbol.
        encoding = entry.encoding if self._encoding in (None, "utf-8") else self._encoding
        place = corpus_folder(entry, self._folder)
        return tuple(DecodedSource(self._file(place / file.name), entry.name, encoding) for file in entry.files)

    def notes(self) -> tuple[str, ...]:
        """Returns the encodings that were detected, one sentence each."""
        return tuple(
            f"Detected encoding {encoding} in '{names[0]}'"
            + (f" and {len(names) - 1} more" if len(names) > 1 else "")
            + ("." if encoding.startswith("utf") else "; if characters look wrong, name it with --encoding.")
            for encoding, names in self._detected.items()
        )

    def _open_one(self, spec: str) -> tuple[str, tuple[TextSource, ...]]:
        if spec == "-":
            if self._stdin is None or self._stdin.isatty():
                raise DataError("'-' reads the text from stdin, but nothing is piped in; write: charlm … - < FILE")
            return "stdin", (self._decoded(SpooledInput(self._stdin, name="stdin"), "stdin"),)
        if spec.startswith(BUILTIN_PREFIX):
            source = open_builtin(spec, task=self._data.task)
            return source.label, (source,)
        entry = self.catalogued(spec)
        if entry is not None:
            return entry.name, self.corpus_files(entry)
        known = (*entries(), *BUILTINS)
        files = find_files(spec, pattern=self._data.pattern, known=known)
        return _label(spec, files), tuple(self._decoded(self._raw(path), text_name(path)) for path in files)

    def _decoded(self, raw: RawInput, label: str) -> TextSource:
        encoding = self._encoding
        if encoding is None:
            encoding = detect_encoding(raw)
            self._detected.setdefault(encoding, []).append(raw.name)
        return DecodedSource(raw, label, encoding)

    def _raw(self, path: Path) -> RawInput:
        if not is_pipe(path):
            return self._file(path)
        with os_errors_as(DataError, f"'{path}' cannot be read"), path.open("rb") as stream:
            return SpooledInput(stream, name=str(path))

    def _file(self, path: Path) -> FileInput:
        return FileInput(path, most_unpacked_bytes=parse_size(self._data.max_bytes))


def _label(spec: str, files: tuple[Path, ...]) -> str:
    """Returns the name of the file, of the folder, or of the folder that a glob starts in.

    Bytes of a name that are no UTF-8 are shown as '?'.
    """
    path = Path(spec)
    if path in files:
        label = "pipe" if is_pipe(path) else text_name(path)
    elif path.is_dir():
        label = path.resolve().name
    else:
        fixed = [part for part in path.parts if not glob.has_magic(part)]
        label = Path(*fixed).name if path.parts[: len(fixed)] == tuple(fixed) else ""
    return label.encode(errors="replace").decode() or "texts"
