import errno
import hashlib
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from charlm.config import TokenizerConfig
from charlm.data.corpus import encode_text, open_cached, prepare_corpus
from charlm.data.description import read_description
from charlm.data.inputs import CorpusText
from charlm.data.layout import survey
from charlm.data.sources import StringSource
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import smallest_type
from charlm.data.tokenizers.build import TokenizerRecipe, extended, learnt
from charlm.data.tokenizers.build import given as given_tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.errors import DataError

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
    source = StringSource(text, "notes") if isinstance(text, str) else text
    return CorpusText("notes", source, None, None, split, ())


def prepare(text, folder, *, kind="char", records=False, recipe=None, progress=None, **settings):
    return prepare_corpus(
        text,
        folder=folder,
        recipe=recipe or learnt(TokenizerConfig(tokenizer=kind, **settings), records=records),
        records=records,
        progress=progress or Progress(),
    )


def decoded(corpus, part):
    return corpus.tokenizer.decode(part.tokens.read(0, len(part.tokens)))


def counts(part):
    return (part.num_symbols, part.num_characters, part.num_bytes, part.num_unknown, part.num_records, part.first_bytes)


def folders(data):
    return sorted(path.name for path in (data / "cache").iterdir())


def test_each_part_holds_its_stretch_of_the_text_and_its_counts(tmp_path):
    corpus = prepare(one_text("abcabcabcé" + "abc" + "é😀", split=(2 / 3, 1 / 5, 2 / 15)), tmp_path)
    assert decoded(corpus, corpus.train) == "abcabcabcé"
    assert decoded(corpus, corpus.valid) == "abc"
    assert decoded(corpus, corpus.test) == "é\ufffd"
    assert corpus.tokenizer == CharTokenizer("abcé")
    # é is 2 bytes of UTF-8, the smiley 4; the smiley was never seen in training.
    assert counts(corpus.train) == (10, 10, 11, 0, 0, 1)
    assert counts(corpus.valid) == (3, 3, 3, 0, 0, 1)
    assert counts(corpus.test) == (2, 2, 6, 1, 0, 2)
    assert (corpus.label, corpus.split, corpus.reused) == ("notes", "66.6667/20/13.3333", False)
    assert corpus.train.tokens.read(0, 1).dtype == np.uint8


def test_an_unknown_first_symbol_counts_its_own_bytes(tmp_path):
    corpus = prepare(one_text("aaaaaaaa😀a", split=(0.8, 0.2, 0.0)), tmp_path)
    assert counts(corpus.valid) == (2, 2, 5, 1, 0, 4)
    assert corpus.test is None


def test_bytes_are_split_between_characters(tmp_path):
    corpus = prepare(one_text("é" * 10), tmp_path, kind="byte")
    assert counts(corpus.train) == (12, 6, 12, 0, 0, 1)
    assert counts(corpus.valid) == counts(corpus.test) == (4, 2, 4, 0, 0, 1)


def test_subwords_do_not_straddle_a_border(tmp_path):
    text = "the cat sat on the mat and the cat ate the rat\n" * 20
    corpus = prepare(one_text(text), tmp_path, kind="sentencepiece", vocabulary_size=300)
    first, second = round(len(text) * 0.6), round(len(text) * 0.8)
    assert [decoded(corpus, part) for part in (corpus.train, corpus.valid, corpus.test)] == [
        text[:first],
        text[first:second],
        text[second:],
    ]
    assert corpus.train.num_symbols < corpus.train.num_characters == corpus.train.num_bytes == first


def test_records_stay_whole_and_their_ends_count_as_line_ends(tmp_path):
    text = Pieces("anna\nbob\r\n\n\neva\nzoé\r\nan\n")
    corpus = prepare(one_text(text), tmp_path, records=True)
    tokenizer = corpus.tokenizer
    assert decoded(corpus, corpus.train) == "anna\nbob\neva\n"
    assert corpus.train.tokens.read(0, 7).tolist() == [
        tokenizer.begin,
        *(tokenizer.encode_prompt("anna")[1:]),
        tokenizer.end,
        tokenizer.begin,
    ]
    assert counts(corpus.train) == (3 * 2 + 10, 13, 13, 0, 3, 0)
    # z, é were never seen in training; é is 2 bytes, and each record's end is one.
    assert counts(corpus.valid) == (5, 4, 5, 3 - 1, 1, 0)
    assert counts(corpus.test) == (4, 3, 3, 0, 1, 0)


def test_texts_of_their_own_are_parts_of_their_own(tmp_path):
    sources = [StringSource(text, label) for text, label in (("abcabc", "a"), ("cab!", "b"), ("bca", "c"))]
    text = CorpusText("mine", *sources, None, ())
    corpus = prepare(text, tmp_path)
    assert [decoded(corpus, part) for part in (corpus.train, corpus.valid, corpus.test)] == [
        "abcabc",
        "cab\ufffd",
        "bca",
    ]
    assert corpus.split == "separate files"
    assert corpus.digest == survey(text, records=False, progress=Progress()).digest
    swapped = CorpusText("mine", sources[0], sources[2], sources[1], None, ())
    assert survey(swapped, records=False, progress=Progress()).digest != corpus.digest


def test_the_digest_of_one_text_is_its_sha256(tmp_path):
    corpus = prepare(one_text("sœur " * 10), tmp_path)
    assert corpus.digest == hashlib.sha256(("sœur " * 10).encode()).hexdigest()


@pytest.mark.parametrize(("vocabulary_size", "size"), [(1, 1), (256, 1), (257, 2), (65536, 2), (65537, 4)])
def test_symbols_take_the_smallest_type_that_holds_them(vocabulary_size, size):
    assert smallest_type(vocabulary_size).itemsize == size
    assert smallest_type(vocabulary_size).kind == "u"


def test_more_than_255_characters_take_two_bytes_each(tmp_path):
    text = "".join(chr(0x4E00 + number) for number in range(300))
    corpus = prepare(one_text(text * 2, split=(0.5, 0.5, 0.0)), tmp_path)
    assert (corpus.folder / "train.bin").stat().st_size == 600
    assert corpus.train.tokens.read(0, 1).dtype == np.dtype("<u2")
    assert decoded(corpus, corpus.valid) == text


# The cache


def test_the_same_text_is_encoded_once(tmp_path):
    source = Pieces("hello world " * 9)
    first = prepare(one_text(source), tmp_path)
    again = prepare(one_text(source), tmp_path)
    # Short enough to be kept while it is encoded, so that each time it is read once.
    assert source.num_readings == 2
    assert (first.reused, again.reused) == (False, True)
    assert (first.key, first.folder, first.digest, first.tokenizer) == (
        again.key,
        again.folder,
        again.digest,
        again.tokenizer,
    )
    assert counts(first.train) == counts(again.train)
    assert first.folder == tmp_path / "cache" / first.key
    assert folders(tmp_path) == [first.key]


def test_whatever_changes_the_symbols_has_a_place_of_its_own(tmp_path):
    text = "line one\nline two\nline three\n" * 5
    tokenizer = CharTokenizer("abc")
    corpora = [
        prepare(one_text(text), tmp_path),
        prepare(one_text(text + "!"), tmp_path),
        prepare(one_text(text, split=(0.5, 0.25, 0.25)), tmp_path),
        prepare(one_text(text), tmp_path, records=True),
        prepare(one_text(text), tmp_path, kind="byte"),
        prepare(one_text(text), tmp_path, recipe=given_tokenizer(tokenizer)),
        prepare(one_text(text), tmp_path, recipe=extended(tokenizer)),
    ]
    assert len({corpus.key for corpus in corpora}) == len(corpora)
    assert corpora[5].train.num_unknown > 0
    assert corpora[6].train.num_unknown == 0
    assert corpora[6].tokenizer.decode([1, 2, 3]) == "abc"


def test_the_cached_corpus_is_opened_without_its_text(tmp_path):
    made = prepare(one_text("hello world " * 9), tmp_path)
    opened = open_cached(tmp_path, made.key)
    assert opened is not None
    assert decoded(opened, opened.train) == decoded(made, made.train)
    assert (opened.label, opened.split, opened.digest, opened.reused) == ("notes", "60/20/20", made.digest, True)
    assert open_cached(tmp_path, "0" * 32) is None
    assert open_cached(tmp_path / "none", made.key) is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def change_version(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("train.bin", cut),
        ("test.bin", os.unlink),
        ("meta.json", cut),
        ("meta.json", os.unlink),
        ("meta.json", change_version),
        ("meta.json", lambda path: path.write_text("[]")),
        ("meta.json", lambda path: path.write_bytes(b"\xff\x00")),
        ("tokenizer.json", cut),
        ("tokenizer.json", lambda path: path.write_text('{"kind": "byte"}')),
    ],
)
def test_a_damaged_folder_is_made_anew(tmp_path, name, damage):
    made = prepare(one_text("hello world " * 9), tmp_path)
    damage(made.folder / name)
    assert open_cached(tmp_path, made.key) is None
    again = prepare(one_text("hello world " * 9), tmp_path)
    assert not again.reused
    assert decoded(again, again.test) == decoded(made, made.test)
    assert folders(tmp_path) == [made.key]


def test_no_flipped_bit_of_the_description_goes_unnoticed(tmp_path):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    content = (made.folder / "meta.json").read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            try:
                assert read_description(bytes(flipped)) == read_description(content)
            except ValueError:
                continue


def older(path):
    """Makes the description that charlm 0.1.0 would have written."""
    values = json.loads(path.read_text()) | {"version": 2}
    del values["sha256"]
    path.write_text(json.dumps(values))
    return values


def test_a_corpus_that_an_older_version_encoded_is_opened(tmp_path):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    older(made.folder / "meta.json")
    assert open_cached(tmp_path, made.key).test.num_characters == made.test.num_characters


@pytest.mark.parametrize("name", ["num_symbols", "num_characters", "num_bytes", "num_unknown", "num_records"])
def test_counts_of_an_older_version_are_counted_again(tmp_path, name):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    values = older(made.folder / "meta.json")
    values["parts"]["test"][name] += 8
    (made.folder / "meta.json").write_text(json.dumps(values))
    assert open_cached(tmp_path, made.key) is None


def test_a_file_in_the_place_of_the_folder_is_replaced(tmp_path):
    made = prepare(one_text("hello world " * 9), tmp_path / "first")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / made.key).write_text("what is this")
    assert prepare(one_text("hello world " * 9), tmp_path).key == made.key
    assert open_cached(tmp_path, made.key) is not None


def test_an_encoding_that_is_interrupted_leaves_nothing(tmp_path):
    class Interrupting(CharTokenizer):
        def encode_stream(self, chunks):
            yield self.encode("abc")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(one_text("abc" * 9), tmp_path, recipe=TokenizerRecipe("x", lambda _: Interrupting("abc")))
    assert folders(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError, match=r"cannot be kept in '.*cache': No space left .* Free some space"):
        prepare(one_text("hello world " * 9), tmp_path)
    assert folders(tmp_path) == []


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match=r"cannot be kept in '.*data/cache': Not a directory"):
        prepare(one_text("hello world " * 9), tmp_path / "data")


# Too short, or changing


@pytest.mark.parametrize(
    ("text", "split", "message"),
    [
        ("", SPLIT, "'notes' is empty; give another text."),
        ("a", SPLIT, "'notes' has 1 character; at least 2 characters are needed. Use a longer text."),
        (
            "a" * 30,
            (0.9, 0.05, 0.05),
            "'notes' has 30 characters, of which the split 90/5/5 leaves 1 for the test; at least 2 characters are "
            "needed. Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
        (
            "a" * 30,
            (0.01, 0.99, 0),
            "'notes' has 30 characters, of which the split 1/99/0 leaves 0 for training; at least 2 characters are "
            "needed. Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
    ],
)
def test_a_text_too_short_for_its_split_is_refused_in_one_sentence(tmp_path, text, split, message):
    with pytest.raises(DataError) as raised:
        prepare(one_text(text, split=split), tmp_path)
    assert str(raised.value) == message
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\r\n\n", "'notes' has no line that is not empty, so it has no records; give another text."),
        (
            "anna\nbob\n",
            "'notes' has 2 records, of which the split 90/5/5 leaves 0 for validation; at least 1 record is needed. "
            "Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
    ],
)
def test_too_few_records_are_refused_in_one_sentence(tmp_path, text, message):
    with pytest.raises(DataError) as raised:
        prepare(one_text(text, split=(0.9, 0.05, 0.05)), tmp_path, records=True)
    assert str(raised.value) == message


def test_a_part_that_is_one_symbol_is_refused(tmp_path):
    text = " cat" * 800
    split = (1 - 4 / 3200, 4 / 3200, 0.0)
    with pytest.raises(DataError, match=r"leaves 4 \(1 symbol\) for validation; at least 2 symbols are needed"):
        prepare(
            one_text(text, split=split), tmp_path, kind="sentencepiece", vocabulary_size=280, sentencepiece_model="bpe"
        )
    assert folders(tmp_path) == []


def test_two_symbols_are_enough(tmp_path):
    corpus = prepare(one_text("ab", split=(1.0, 0.0, 0.0)), tmp_path)
    assert decoded(corpus, corpus.train) == "ab"


def test_a_validation_text_of_its_own_that_is_too_short_is_named(tmp_path):
    text = CorpusText("mine", StringSource("abcabc"), StringSource("a", "held-out"), None, None, ())
    with pytest.raises(DataError, match="'held-out' has 1 character; at least 2 characters are needed"):
        prepare(text, tmp_path)


def test_a_text_that_shrinks_while_it_is_read_is_told():
    layout = survey(one_text("hello world " * 9), records=False, progress=Progress())
    ((_, sizes),) = layout.texts
    shrunk = replace(layout, texts=((StringSource(("hello world " * 9)[:-1], "notes"), sizes),))
    with pytest.raises(DataError, match="'notes' changed while it was read"):
        [list(pieces) for _, pieces in shrunk.parts()]


# Progress


def test_progress_reaches_its_total(tmp_path):
    progress = Progress()
    text = "é" * 100
    prepare(one_text(text), tmp_path, progress=progress)
    assert progress.seen == {
        "reading notes": [200, 200],
        "learning the vocabulary": [60, 60],
        "encoding notes": [200, 200],
    }
    again = Progress()
    prepare(one_text(text), tmp_path, progress=again)
    assert again.seen == {"reading notes": [200, 200]}


def test_no_vocabulary_is_learnt_where_the_tokenizer_is_given(tmp_path):
    progress = Progress()
    prepare(one_text("abc" * 9), tmp_path, recipe=given_tokenizer(CharTokenizer("abc")), progress=progress)
    assert sorted(progress.seen) == ["encoding notes", "reading notes"]


# Any other text


@pytest.mark.parametrize("source", [StringSource("abé!", "x"), Pieces("abé!", size=1)])
def test_another_text_is_encoded_with_a_given_tokenizer_and_not_kept(tmp_path, source):
    with encode_text(source, CharTokenizer("abé"), folder=tmp_path, progress=Progress()) as encoded:
        assert encoded.tokens.read(0, 4).tolist() == [1, 2, 3, 0]
        assert counts(encoded) == (4, 4, 5, 1, 0, 1)
    assert not (tmp_path / "cache").exists() or folders(tmp_path) == []


def test_records_of_another_text_are_encoded_as_records(tmp_path):
    tokenizer = prepare(one_text("anna\nbob\neva\nann\nbo\n"), tmp_path, records=True).tokenizer
    with encode_text(StringSource("bob\n\neva"), tokenizer, folder=None, progress=Progress()) as encoded:
        assert tokenizer.decode(encoded.tokens.read(0, 100)) == "bob\neva\n"
        assert counts(encoded) == (10, 8, 8, 0, 2, 0)


def test_one_symbol_is_given_and_none_is_refused():
    with encode_text(StringSource("a"), CharTokenizer("a"), folder=None, progress=Progress()) as encoded:
        assert len(encoded.tokens) == 1
    with (
        pytest.raises(DataError, match="'text' is empty"),
        encode_text(StringSource(""), CharTokenizer("a"), folder=None, progress=Progress()),
    ):
        pass


# The file


def test_a_token_file_reads_stretches_as_copies(tmp_path):
    symbols = np.arange(1000, dtype="<u2")
    (tmp_path / "train.bin").write_bytes(symbols.tobytes())
    with (tmp_path / "train.bin").open("rb") as file:
        tokens = TokenFile.map(file, symbols.dtype)
    assert len(tokens) == 1000
    read = tokens.read(990, 2000)
    assert read.dtype == symbols.dtype
    assert read.tolist() == list(range(990, 1000))
    read[0] = 7
    assert tokens.read(990, 991).tolist() == [990]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_reading_through_a_file_keeps_little_of_it_in_memory(tmp_path):
    num_symbols = 100 << 20
    with (tmp_path / "train.bin").open("wb") as file:
        file.truncate(num_symbols)
    with (tmp_path / "train.bin").open("rb") as file:
        tokens = TokenFile.map(file, np.dtype(np.uint8))

    def resident_bytes():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident_bytes()
    most = 0
    for start in range(0, num_symbols, 1 << 20):
        tokens.read(start, start + (1 << 20))
        most = max(most, resident_bytes() - before)
    assert most < 48 << 20
