import bz2
import lzma
import math
import tempfile

import numpy as np
import pyppmd
import pytest

from charlm.data.encoder import encode_to
from charlm.data.layout import as_pieces
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.evaluation.compressors import score_compressors, symbols_compressed

LETTERS = CharTokenizer("abcdefghijklmnop \n")
NAMES = {"ppmd-6", "ppmd-16", "xz", "bzip2", "zstd"}


def encoded(text: str, tokenizer):
    with tempfile.TemporaryFile() as file:
        pieces = as_pieces([text], records=tokenizer.begin is not None)
        return encode_to(file, pieces, tokenizer, advance=lambda _: None)


def scores(text: str, before: str, tokenizer=LETTERS, done=None):
    advance = (lambda _: None) if done is None else done.append
    found = score_compressors(
        encoded(text, tokenizer), encoded(before, tokenizer), tokenizer, split="test", advance=advance
    )
    return {each.name: each.score for each in found}


def letters(length: int, seed: int) -> str:
    return "".join("abcdefgh"[each] for each in np.random.default_rng(seed).integers(0, 8, length))


def test_the_cost_is_what_the_second_text_adds():
    before, text = letters(3000, 1), letters(400, 2)
    found = scores(text, before)
    raw = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20}]
    sizes = {
        "bzip2": lambda content: len(bz2.compress(content, 9)),
        "xz": lambda content: len(lzma.compress(content, format=lzma.FORMAT_RAW, filters=raw)),
        "ppmd-6": lambda content: len(ppmd(content)),
    }
    for name, size in sizes.items():
        added = size((before + text).encode()) - size((before + text[0]).encode())
        assert found[name].total_nats == pytest.approx(8 * added * math.log(2))
    assert found.keys() == NAMES


def ppmd(content: bytes) -> bytes:
    encoder = pyppmd.Ppmd8Encoder(6, 256 << 20, 1)
    return encoder.encode(content) + encoder.flush()


def test_letters_at_random_take_their_three_bits():
    for name, score in scores(letters(4000, 1), letters(4000, 2)).items():
        assert 2.95 < score.bits_per_character < 3.8, name
        assert (score.num_symbols, score.num_bytes) == (3999, 3999)


def test_a_text_that_was_read_before_takes_next_to_nothing():
    text = letters(3000, 1)
    found = scores(text, text)
    assert all(found[name].bits_per_character < 0.2 for name in NAMES - {"bzip2"})


def test_bytes_and_records_are_judged_by_the_same_bytes():
    before, text = (letters(900, seed).replace("aa", "\n").replace("\n\n", "\n").strip("\n") + "\n" for seed in (1, 2))
    plain, of_bytes = scores(text, before), scores(text, before, ByteTokenizer())
    records = scores(text, before, RecordTokenizer(CharTokenizer("abcdefgh")))
    for name in NAMES:
        assert plain[name].total_nats == of_bytes[name].total_nats
        # The first symbol of running text is not scored, of records it is.
        assert 0 <= records[name].total_nats - plain[name].total_nats <= 24 * math.log(2)
    assert records["xz"].num_characters == len(text)


def test_which_characters_the_unknown_ones_are_is_charged_as_in_every_score():
    known, unknown = (
        scores("a" + letters(200, 3), letters(900, 1)),
        scores("a" + letters(200, 3) + "\u00e9\u00e8", letters(900, 1)),
    )
    for name in NAMES:
        assert unknown[name].unknown_nats == pytest.approx(2 * math.log(0x110000 - 0x800 - 18))
        assert unknown[name].total_nats > known[name].total_nats + unknown[name].unknown_nats


def test_progress_adds_up():
    done = []
    scores(letters(300, 1), letters(500, 2), done=done)
    total = symbols_compressed(encoded(letters(300, 1), LETTERS), encoded(letters(500, 2), LETTERS))
    assert sum(done) == pytest.approx(total, abs=5)


def test_pieces_do_not_change_the_sizes(monkeypatch):
    whole = scores(letters(300, 1), letters(500, 2))
    monkeypatch.setattr("charlm.evaluation.compressors._PIECE", 64)
    assert {name: score.total_nats for name, score in scores(letters(300, 1), letters(500, 2)).items()} == {
        name: score.total_nats for name, score in whole.items()
    }
