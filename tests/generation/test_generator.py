import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import SamplingConfig, TokenizerConfig
from charlm.data.tokenizers.build import train_tokenizer
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.errors import CharlmError, ConfigError, DataError
from charlm.generation import generator
from charlm.generation.generator import RECORDS_SHOWN, generate, generate_texts, sample_text, seed_of_sample
from charlm.generation.stepping import TorchStepModel
from charlm.models.recurrent import RecurrentLanguageModel
from tests.support.table_models import Bigrams, Histories, chain, cycle

CPU = torch.device("cpu")


def stepped(model: RecurrentLanguageModel) -> TorchStepModel:
    return TorchStepModel(model, device=CPU)


def recurrent(tokenizer, **changes) -> RecurrentLanguageModel:
    options = {"embedding_size": 4, "hidden_size": 5, "num_layers": 2, "output_dropout": 0.5, **changes}
    model = RecurrentLanguageModel(tokenizer.vocabulary_size, **options)
    model.initialize(torch.Generator().manual_seed(2))
    with torch.no_grad():
        model.output.weight.mul_(4)
    return model


def texts(model, tokenizer, prompt="", seed=1, **changes) -> list[str]:
    return generate_texts(model, tokenizer, prompt, SamplingConfig(**changes), seed=seed)


def pieces(model, tokenizer, prompt="", seed=1, **changes) -> list:
    return generate(model, tokenizer, prompt, SamplingConfig(**changes), seed=seed)


ABC = CharTokenizer("abc")
LETTERS = CharTokenizer("abcdefgh\n ")


def test_a_text_goes_on_where_the_prompt_ends():
    assert texts(cycle(ABC, "abc"), ABC, "ca", length=5) == ["bcabc"]
    assert texts(cycle(ABC, "abc"), ABC, "ca", length=5, temperature=0) == ["bcabc"]


def test_greedy_text_of_an_lstm_is_that_of_reading_all_from_the_start_at_every_symbol():
    model = recurrent(LETTERS).eval()
    history = LETTERS.encode("abba").tolist()
    for _ in range(12):
        logits, _ = model(torch.tensor(history)[:, None], model.initial_state(1))
        logits[..., LETTERS.unknown] = -math.inf
        history.append(int(logits[-1, 0].argmax()))
    assert texts(stepped(model), LETTERS, "abba", length=12, temperature=0) == [LETTERS.decode(history[4:])]


def test_drawn_texts_of_an_lstm_are_those_of_one_uniform_number_a_sample_and_symbol():
    model = recurrent(LETTERS).eval()
    numbers = [np.random.default_rng(seed).random(10).tolist() for seed in (8, 9, 10)]
    expected = []
    for sample in range(3):
        history = LETTERS.encode("ab").tolist()
        for step in range(10):
            logits, _ = model(torch.tensor(history)[:, None], model.initial_state(1))
            weights = [0.0] + [math.exp(value / 0.5) for value in logits[-1, 0, 1:].tolist()]
            borders = itertools.accumulate(weight / sum(weights) for weight in weights)
            history.append(next(i for i, border in enumerate(borders) if numbers[sample][step] < border))
        expected.append(LETTERS.decode(history[2:]))
    assert len(set(expected)) == 3
    assert texts(stepped(model), LETTERS, "ab", seed=8, length=10, temperature=0.5, num_samples=3) == expected


def test_the_same_seed_draws_the_same_and_another_seed_another_text():
    model = stepped(recurrent(LETTERS))
    first, again, other = (texts(model, LETTERS, length=40, seed=seed)[0] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("num_samples", [2, 9, 20])
def test_a_sample_has_the_text_that_its_seed_gives_alone(num_samples):
    model = Histories(LETTERS.vocabulary_size)
    together = texts(model, LETTERS, "ab", seed=7, length=40, num_samples=num_samples, stop=("gh",))
    alone = [texts(model, LETTERS, "ab", seed=7 + number, length=40, stop=("gh",))[0] for number in range(num_samples)]
    assert together == alone
    assert len(set(alone)) > 1


def test_no_more_texts_are_computed_together_than_the_model_is_exact_for():
    widths = []

    class Watched(Histories):
        def stepper(self, state):
            widths.append(state[0].shape[1])
            return super().stepper(state)

    model = Watched(LETTERS.vocabulary_size)
    model.exact_streams = 3
    assert texts(model, LETTERS, length=9, num_samples=7) == texts(
        Histories(LETTERS.vocabulary_size), LETTERS, length=9, num_samples=7
    )
    assert widths == [3, 3, 1]


def test_after_the_last_seed_comes_the_first():
    assert [seed_of_sample(number, seed=2**63 - 2) for number in range(4)] == [2**63 - 2, 2**63 - 1, 0, 1]


def test_of_a_long_prompt_the_end_is_read(monkeypatch):
    model = Histories(LETTERS.vocabulary_size)
    monkeypatch.setattr(generator, "LONGEST_PROMPT", 5)
    assert texts(model, LETTERS, "abcdefgh", length=20) == texts(model, LETTERS, "defgh", length=20)
    assert texts(model, LETTERS, "abcdefgh", length=20) != texts(model, LETTERS, "efgh", length=20)


def test_every_symbol_of_the_prompt_matters():
    model = Histories(LETTERS.vocabulary_size)
    results = {texts(model, LETTERS, prompt, length=30)[0] for prompt in ("abcd", "bbcd", "abcc", "acbd", "bcd")}
    assert len(results) == 5


def test_the_prompt_is_read_once_whatever_the_number_of_samples():
    model = cycle(ABC, "abc")
    texts(model, ABC, "abcab", length=2, num_samples=3)
    assert model.read_lengths == [4]


def test_text_is_the_same_however_it_is_consumed():
    model = Histories(LETTERS.vocabulary_size)
    options = {"length": 30, "num_samples": 2, "stop": ("gh",)}
    alone = list(pieces(model, LETTERS, "abc", **options))
    interleaved = zip(pieces(model, LETTERS, "abc", **options), pieces(model, LETTERS, "abc", **options), strict=True)
    assert [pair for piece in alone for pair in (piece, piece)] == [piece for pair in interleaved for piece in pair]


def test_each_sample_finishes_once_with_its_last_piece():
    model = Histories(LETTERS.vocabulary_size)
    all_pieces = list(pieces(model, LETTERS, "abc", length=50, num_samples=8, stop=("a", "b")))
    for sample in range(8):
        own = [piece.finished for piece in all_pieces if piece.sample == sample]
        assert own == [False] * (len(own) - 1) + [True]
    assert {piece.sample for piece in all_pieces if piece.finished} == set(range(8))
    assert len({[piece.sample for piece in all_pieces].count(sample) for sample in range(8)}) > 1


def test_unknown_and_begin_are_never_drawn():
    tokenizer = RecordTokenizer(ABC)
    table = np.zeros((tokenizer.vocabulary_size, tokenizer.vocabulary_size), dtype=np.float32)
    table[:, tokenizer.unknown] = 50.0
    table[:, tokenizer.begin] = 60.0
    table[:, tokenizer.end] = -50.0
    assert set(texts(Bigrams(table), tokenizer, length=300)[0]) == set("abc")
    assert texts(Bigrams(table), tokenizer, length=3, temperature=0) == ["aaa"]


def test_a_record_starts_at_its_begin_and_finishes_unshown_at_its_end():
    tokenizer = RecordTokenizer(ABC)
    record = tokenizer.encode("abc\n").tolist()
    model = chain(tokenizer, dict(itertools.pairwise(record)))
    assert texts(model, tokenizer, length=0) == ["abc"]
    assert texts(model, tokenizer, "ab", length=0) == ["c"]
    assert texts(model, tokenizer, length=2) == ["ab"]
    assert [piece.text for piece in pieces(model, tokenizer, length=0)] == ["a", "b", "c", ""]


def test_records_of_a_batch_finish_on_their_own():
    tokenizer = RecordTokenizer(ABC)
    table = np.zeros((tokenizer.vocabulary_size, tokenizer.vocabulary_size), dtype=np.float32)
    records = texts(Bigrams(table), tokenizer, length=0, num_samples=20, temperature=1)
    assert len({len(record) for record in records}) > 2
    assert set("".join(records)) == set("abc")


def test_a_record_that_ends_inside_a_character_shows_it_as_replacement():
    tokenizer = RecordTokenizer(ByteTokenizer())
    begin, first, _, end = tokenizer.encode("é\n").tolist()
    model = chain(tokenizer, {begin: first, first: end})
    assert texts(model, tokenizer, length=0) == ["\ufffd"]


def test_characters_of_several_bytes_are_shown_whole_and_counted_once():
    tokenizer = ByteTokenizer()
    model = cycle(tokenizer, "€é")
    assert [piece.text for piece in pieces(model, tokenizer, "é", length=3)] == ["€", "é", "€"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), length=st.integers(1, 30), num_samples=st.integers(1, 3))
def test_any_bytes_give_exactly_as_many_characters_as_asked_for(seed, length, num_samples):
    drawn = texts(Histories(256), ByteTokenizer(), seed=seed, length=length, num_samples=num_samples)
    assert [len(text) for text in drawn] == [length] * num_samples
    assert all(text.encode() for text in drawn)


def test_symbols_of_several_characters_are_cut_at_the_length():
    config = TokenizerConfig(tokenizer="sentencepiece", vocabulary_size=280)
    tokenizer = train_tokenizer(config, ["cat mat hat\n" * 50], records=False)
    model = Histories(tokenizer.vocabulary_size)
    model.table[:, : 280 - 20] = -50.0
    long = texts(model, tokenizer, "cat", length=40)[0]
    pieces_shown = [len(piece.text) for piece in pieces(model, tokenizer, "cat", length=40)]
    assert max(pieces_shown) > 1
    assert [texts(model, tokenizer, "cat", length=length) for length in range(1, 41)] == [
        [long[:length]] for length in range(1, 41)
    ]


def test_a_stop_string_ends_a_text_before_it():
    model = cycle(LETTERS, "abcdef")
    assert texts(model, LETTERS, "a", length=50, stop=("ef", "xyz")) == ["bcd"]
    assert [piece.text for piece in pieces(model, LETTERS, "a", length=50, stop=("def",))] == ["b", "c", ""]


def test_a_stop_string_begun_in_the_prompt_does_not_count():
    assert texts(cycle(LETTERS, "abcdef"), LETTERS, "a", length=8, stop=("ab",)) == ["bcdef"]
    assert texts(cycle(LETTERS, "abcdef"), LETTERS, "ab", length=4, stop=("bc",)) == ["cdef"]


def test_length_counts_what_a_stop_string_held_back():
    model = cycle(LETTERS, "abcdef")
    # After five characters "ef" might begin: it is shown, and the text has five all the same.
    assert texts(model, LETTERS, "f", length=5, stop=("efg",)) == ["abcde"]
    assert texts(model, LETTERS, "f", length=6, stop=("ef",)) == ["abcd"]


def test_length_zero_goes_on():
    endless = pieces(cycle(ABC, "abc"), ABC, "c", length=0)
    drawn = list(itertools.islice(endless, 2000))
    endless.close()
    assert "".join(piece.text for piece in drawn) == ("abc" * 667)[:2000]
    assert not any(piece.finished for piece in drawn)


def test_whole_texts_that_never_end_are_refused():
    with pytest.raises(ConfigError, match="length 0"):
        texts(cycle(ABC, "abc"), ABC, length=0)


@pytest.mark.parametrize(("characters", "start"), [("ab\n c", "\n"), ("a bc", " "), ("bac", "b")])
def test_without_a_prompt_text_starts_after_a_line_end_or_space_or_the_first_symbol(characters, start):
    tokenizer = CharTokenizer(characters)
    model = cycle(tokenizer, characters)
    expected = (characters * 2)[characters.index(start) + 1 :]
    assert texts(model, tokenizer, length=3) == [expected[:3]]


def test_unknown_characters_of_the_prompt_are_named():
    with pytest.raises(DataError, match=r"^The prompt has 'ж' \(U\+0436\) and '\\n' \(U\+000A\), which the model"):
        texts(cycle(ABC, "abc"), ABC, "aжb\nж")


def test_only_the_first_few_unknown_characters_are_named():
    with pytest.raises(DataError, match=r"'v' \(U\+0076\) and 4 more, which"):
        texts(cycle(ABC, "abc"), ABC, "arstuvwxyz")


def test_an_unknown_prompt_is_refused_before_the_first_piece_is_asked_for():
    with pytest.raises(DataError):
        pieces(cycle(ABC, "abc"), ABC, "?")


def test_unknown_characters_are_skipped_on_request():
    model = Histories(LETTERS.vocabulary_size)
    assert texts(model, LETTERS, "aXbZ", length=20, unknown="skip") == texts(model, LETTERS, "ab", length=20)
    assert texts(model, LETTERS, "XYZ", length=20, unknown="skip") == texts(model, LETTERS, "", length=20)


def test_output_that_is_not_finite_is_one_sentence():
    model = Histories(LETTERS.vocabulary_size)
    model.table[:, 1] = math.nan
    with pytest.raises(CharlmError, match="not finite"):
        texts(model, LETTERS)


def test_a_short_sample_has_the_length_asked_for():
    model = Histories(LETTERS.vocabulary_size)
    text = sample_text(model, LETTERS, length=33, seed=4)
    assert text == texts(model, LETTERS, seed=4, length=33)[0]
    assert len(text) == 33
    greedy = sample_text(model, LETTERS, length=33, seed=4, temperature=0.0)
    assert greedy == texts(model, LETTERS, length=33, temperature=0)[0]


def test_a_short_sample_of_records_shows_several():
    tokenizer = RecordTokenizer(ABC)
    model = chain(tokenizer, dict(itertools.pairwise(tokenizer.encode("abc\n").tolist())))
    assert sample_text(model, tokenizer, length=240, seed=1) == "\n".join(["abc"] * RECORDS_SHOWN)
    assert sample_text(model, tokenizer, length=6, seed=1) == "abc\nab"
