"""Small texts that are made into corpora, and what is looked at in them."""

from contextlib import contextmanager
from dataclasses import dataclass, field

from charlm.config import TokenizerConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.inputs import CorpusText
from charlm.data.sources import StringSource
from charlm.data.tokenizers.build import learnt

SPLIT = (0.6, 0.2, 0.2)


@dataclass
class Progress:
    """Keeps what it is told: from each label to the total and what was done."""

    seen: dict = field(default_factory=dict)

    @contextmanager
    def __call__(self, label, total):
        self.seen[label] = [total, 0]

        def advance(more):
            self.seen[label][1] += more

        yield advance


@dataclass
class Pieces:
    """A text that arrives in small pieces and counts how often it is read."""

    text: str
    label: str = "notes"
    size: int = 7
    num_readings: int = 0

    def chunks(self):
        self.num_readings += 1
        return iter([self.text[start : start + self.size] for start in range(0, len(self.text), self.size)])

    def size_bytes(self):
        return None


def one_text(text, *, split=SPLIT):
    """A corpus text of one source that is split."""
    source = StringSource(text, "notes") if isinstance(text, str) else text
    return CorpusText("notes", source, None, None, split, ())


def prepare(text, folder, *, kind="char", records=False, recipe=None, progress=None, reading=None, **settings):
    """A corpus, encoded under a folder; `reading` has arguments for how it is read."""
    return prepare_corpus(
        text,
        folder=folder,
        recipe=recipe or learnt(TokenizerConfig(tokenizer=kind, **settings), records=records),
        records=records,
        progress=progress or Progress(),
        **(reading or {}),
    )


def decoded(corpus, part):
    """A part as text."""
    return corpus.tokenizer.decode(part.tokens.read(0, len(part.tokens)))


def counts(part):
    """All that is counted of a part."""
    return (part.num_symbols, part.num_characters, part.num_bytes, part.num_unknown, part.num_records, part.first_bytes)


def folders(data):
    """The names of what is kept."""
    return sorted(path.name for path in (data / "cache").iterdir())
