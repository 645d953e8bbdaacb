import hashlib

import numpy as np
import pytest

from charlm.data.corpus import encode_text
from charlm.data.inputs import CorpusText
from charlm.data.sources import StringSource
from charlm.data.survey import survey
from charlm.data.tokenizers.base import smallest_type
from charlm.data.tokenizers.build import given as given_tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.errors import DataError
from tests.support.corpora import Pieces, Progress, counts, decoded, folders, one_text, prepare


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
