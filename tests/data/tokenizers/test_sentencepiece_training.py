import numpy as np
import pytest

from charlm.data.tokenizers.sentencepiece_training import (
    sample_text,
    train_sentencepiece,
)
from charlm.errors import ConfigError

WORDS = [first + last for first in ("the", "cat", "sing", "rest", "naïv") for last in ("", "s", "ing", "re", "ly", "é")]
TEXT = "".join(f"    the {first}, the {second}\nthe  {first}\n" for first in WORDS for second in WORDS[::5])


@pytest.mark.parametrize("text", ["aaaa", "\n\n", "日本語", "<0x41>" * 50, "\u2585\u2581\0", "the end\u2585", "a\tb"])
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_odd_training_texts_still_make_lossless_tokenizers(text, kind):
    tokenizer = train_sentencepiece([text], vocabulary_size=300, kind=kind)
    for sample in (text, "a space\nand\u2581more"):
        assert tokenizer.decode(tokenizer.encode(sample)) == sample


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_no_more_symbols_are_learnt_than_asked_for(kind):
    assert 300 < train_sentencepiece([TEXT], vocabulary_size=310, kind=kind).vocabulary_size <= 310


def test_fewer_symbols_are_learnt_from_a_poor_text():
    assert 262 <= train_sentencepiece(["abab\n"] * 9, vocabulary_size=5000, kind="bpe").vocabulary_size < 300


def test_the_same_text_gives_the_same_model_however_it_is_cut():
    pieces = [TEXT[start : start + 7] for start in range(0, len(TEXT), 7)]
    for kind in ("unigram", "bpe"):
        first = train_sentencepiece([TEXT], vocabulary_size=300, kind=kind)
        assert first == train_sentencepiece(pieces, vocabulary_size=300, kind=kind)


def test_rare_characters_make_room_for_subwords():
    text = TEXT * 20 + "".join(map(chr, range(0x4E00, 0x4E00 + 45)))
    assert len(text) > 45 / 0.0005
    tokenizer = train_sentencepiece([text], vocabulary_size=300, kind="bpe")
    assert len(tokenizer.encode(" the")) == 1
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("size", [1, 259])
def test_a_vocabulary_without_room_beside_the_bytes_is_refused_with_the_least_size(size):
    with pytest.raises(ConfigError, match=rf"{size} is too small.* 260 "):
        train_sentencepiece(["text"], vocabulary_size=size, kind="bpe")


def test_the_least_vocabulary_that_is_named_works():
    assert train_sentencepiece(["text text"], vocabulary_size=260, kind="unigram").vocabulary_size == 260


def test_of_a_long_text_pieces_from_all_over_it_are_learnt_from():
    text = "".join(f"{number:07d}\n" for number in range(100_000))
    sample = sample_text([text], most=100_000)
    assert 50_000 <= sum(map(len, sample)) <= 100_000
    starts = [int(piece[:7]) for piece in sample]
    assert starts[0] == 0
    steps = np.diff(starts)
    assert steps.min() >= steps.max() - 1 > 0, "evenly"
    assert starts[-1] + steps.max() >= 100_000 - 256


def test_a_short_text_is_learnt_from_whole():
    assert "".join(sample_text(["ab", "c\nd"])) == "abc\nd"
