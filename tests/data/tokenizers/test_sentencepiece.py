import io

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.tokenizers.sentencepiece import SentencePieceTokenizer, cut_text, sample_text, train_sentencepiece
from charlm.errors import ConfigError, DataError

WORDS = [first + last for first in ("the", "cat", "sing", "rest", "naïv") for last in ("", "s", "ing", "re", "ly", "é")]
TEXT = "".join(f"    the {first}, the {second}\nthe  {first}\n" for first in WORDS for second in WORDS[::5])
NASTY = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("the a\n\r\t\0 \u2581\u2585\ufeff\xa0\u0301é<0x41>"))
)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def tokenizer(request):
    return train_sentencepiece([TEXT], vocabulary_size=320, kind=request.param)


@settings(deadline=None, max_examples=200)
@given(text=NASTY)
def test_every_text_comes_back_unchanged(tokenizer, text):
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert 0 not in tokens, "the library's unknown symbol"
    assert tokenizer.symbol_characters[tokens].sum() == len(text)
    assert tokenizer.symbol_bytes[tokens].sum() == len(text.encode())


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u2581", " \u2581 ", "\u2581\u2581a", "\0", "a\r\n b\r", "  x   y  ", "\n\n",
     "<unk><s></s><0x41>", "日本 語", " \u2047 ", "\ufb01\u212b\u0041\u030a", "\u2585"],
)  # fmt: skip
def test_known_traps_come_back_unchanged(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_common_words_become_single_symbols(tokenizer):
    assert len(tokenizer.encode(" the")) == 1
    assert len(tokenizer.encode("é")) == 1
    assert len(tokenizer.encode("語")) == 3
    assert len(tokenizer.encode("\n")) == 1


def test_a_lone_surrogate_is_refused(tokenizer):
    with pytest.raises(DataError, match=r"U\+DCFF at character 1"):
        tokenizer.encode("a\udcff")
    with pytest.raises(DataError, match=r"U\+DCFF"):
        train_sentencepiece(["a\udcff"], vocabulary_size=300, kind="bpe")


def test_training_and_loading_print_nothing(capfd):
    train_sentencepiece([TEXT], vocabulary_size=300, kind="unigram")
    with pytest.raises(DataError):
        SentencePieceTokenizer(b"noise")
    assert capfd.readouterr() == ("", "")


@settings(deadline=None, max_examples=50)
@given(text=NASTY, longest=st.integers(1, 9), size=st.integers(1, 20))
def test_cutting_loses_nothing_and_depends_on_the_text_alone(text, longest, size):
    pieces = list(cut_text([text], longest=longest))
    assert "".join(pieces) == text
    assert all(1 <= len(piece) <= longest for piece in pieces)
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(cut_text(chunks, longest=longest)) == pieces


def test_cuts_come_after_newlines_then_before_spaces_then_anywhere():
    assert list(cut_text(["ab\ncd e"], longest=5)) == ["ab\n", "cd e"]
    assert list(cut_text(["ab cd  ef"], longest=7)) == ["ab cd", "  ef"]
    assert list(cut_text([" abcdef"], longest=4)) == [" abc", "def"]


def test_a_long_line_has_the_symbols_of_its_words(tokenizer):
    single = " ".join(TEXT.split() * 4)
    words = np.concatenate([tokenizer.encode(word) for word in single.replace(" ", "\0 ").split("\0")])
    assert len(single) > 10_000
    assert np.array_equal(tokenizer.encode(single), words)


def test_a_model_that_changes_text_is_refused():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c"] * 9), model_writer=model, vocab_size=270, byte_fallback=True, bos_id=-1,
        eos_id=-1, hard_vocab_limit=False, minloglevel=4,
    )  # fmt: skip
    with pytest.raises(DataError, match="changes the text"):
        SentencePieceTokenizer(model.getvalue())


def test_names_tell_bytes_from_text(tokenizer):
    names = [tokenizer.symbol_name(token) for token in range(tokenizer.vocabulary_size)]
    assert len(set(names)) == len(names)
    assert names[0] == "<unknown>"
    assert tokenizer.symbol_name(int(tokenizer.encode(" the")[0])) == "' the'"
    assert tokenizer.symbol_name(int(tokenizer.encode("語")[0])) == "<0xE8>"


def test_the_librarys_unknown_symbol_can_be_decoded_though_never_encoded(tokenizer):
    assert tokenizer.unknown is None
    assert tokenizer.decode([0]) == "\ufffd"
    assert tokenizer.symbol_characters[0] == 1


# Learning


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


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_subwords_are_told_with_their_scores_and_how_they_are_found(kind):
    tokenizer = train_sentencepiece(["the cat and the hat that is there\n" * 20], vocabulary_size=290, kind=kind)
    subwords = tokenizer.subwords()
    texts = [bytes([piece]) if isinstance(piece, int) else piece.encode() for piece in subwords.pieces]
    assert texts == list(tokenizer.pieces)
    assert sum(isinstance(piece, int) for piece in subwords.pieces) == 256
    assert len(subwords.scores) == tokenizer.vocabulary_size
    assert subwords.merges == (kind == "bpe")
    assert tokenizer.symbol_name(subwords.unknown) == "<unknown>"
