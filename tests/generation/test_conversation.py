import numpy as np
import pytest

from charlm.config import ModelConfig, SamplingConfig
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.errors import ConfigError, DataError
from charlm.generation.conversation import Conversation
from charlm.generation.generator import generate_texts
from charlm.generation.sampling import softmax
from charlm.stepping.build import build_step_model
from charlm.stepping.shapes import weight_shapes

LETTERS = "\nabcd"


def make_conversation(tokenizer=None, **settings):
    tokenizer = tokenizer or CharTokenizer(LETTERS)
    config = ModelConfig(cell="gru", hidden_size=4, num_layers=2, embedding_size=3)
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, vocabulary_size=tokenizer.vocabulary_size)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    model = build_step_model(config, weights, vocabulary_size=tokenizer.vocabulary_size, source="a test")
    chosen = SamplingConfig(**({"length": 6, "temperature": 0.0} | settings))
    return Conversation(model, tokenizer, chosen, seed=5), model, tokenizer, chosen


def said(conversation, typed, **options):
    return "".join(conversation.answer(typed, **options))


def test_the_first_answer_is_what_sampling_draws():
    conversation, model, tokenizer, settings = make_conversation(temperature=1.0)
    expected = generate_texts(model, tokenizer, "ab", settings, seed=5)[0]
    assert said(conversation, "ab") == expected


def test_turns_go_on_as_if_the_whole_text_had_been_read():
    conversation, model, tokenizer, settings = make_conversation()
    first = said(conversation, "ab")
    second = said(conversation, "")
    third = said(conversation, "dca")
    for before, answer in (("ab" + first, second), ("ab" + first + second + "dca", third)):
        assert generate_texts(model, tokenizer, before, settings, seed=0)[0] == answer
    assert conversation.text == f"ab{first}{second}dca{third}"


def test_no_turn_reads_an_earlier_one_again():
    conversation, model, *_ = make_conversation()
    read: list[int] = []
    original = model.read
    model.read = lambda tokens, state: (read.append(len(tokens)), original(tokens, state))[1]
    for _ in range(50):
        said(conversation, "ab")
    assert read == [1] + [2] * 49  # All but the last symbol of the turn, and the last one drawn before it.


def test_what_is_undone_leaves_no_trace():
    conversation, *_ = make_conversation()
    first = said(conversation, "ab")
    second = said(conversation, "c")
    assert conversation.undo().answer == second
    assert conversation.text == "ab" + first
    assert said(conversation, "c") == second


def test_another_answer_has_another_seed():
    conversation, *_ = make_conversation(temperature=1.5, length=30)
    first = said(conversation, "ab")
    assert said(conversation, conversation.undo().typed) != first


def test_an_answer_that_is_stopped_is_kept_and_goes_on():
    whole, *_ = make_conversation(length=6)
    expected = said(whole, "ab")
    conversation, *_ = make_conversation(length=6)
    asked = iter([False, False, True])
    assert said(conversation, "ab", is_stopped=lambda: next(asked)) == expected[:2]
    assert said(conversation, "")[:4] == expected[2:]


def test_characters_that_the_model_does_not_know_change_nothing():
    conversation, *_ = make_conversation()
    with pytest.raises(DataError, match="which the model does not know"):
        said(conversation, "aß")
    assert conversation.turns == []
    skipping, *_ = make_conversation(unknown="skip")
    assert said(skipping, "aß") == said(conversation, "a")


def test_records_are_begun_anew_and_end():
    tokenizer = RecordTokenizer(CharTokenizer(LETTERS[1:]))
    conversation, model, _, settings = make_conversation(tokenizer, length=4)
    expected = generate_texts(model, tokenizer, "ab", settings, seed=0)[0]
    assert said(conversation, "ab") == expected
    assert said(conversation, "ab") == expected
    assert conversation.text == f"ab{expected}\nab{expected}"


def test_surprise_is_the_code_length_of_each_symbol():
    conversation, model, tokenizer, _ = make_conversation()
    said(conversation, "ab")
    said(conversation, "c")
    pieces, bits = conversation.surprise()
    text = conversation.text
    last = conversation.turns[-1]
    assert "".join(pieces) == last.typed + last.answer
    symbols = tokenizer.encode(text).astype(np.int64)
    stepper = model.stepper(model.initial_state(1))
    expected = [-np.log2(softmax(stepper.step(symbols[i : i + 1]))[0, symbols[i + 1]]) for i in range(len(text) - 1)]
    assert list(bits) == pytest.approx(expected[-len(bits) :], rel=1e-5)


def test_before_the_first_turn_there_is_nothing_to_take_back():
    conversation, *_ = make_conversation()
    for ask in (conversation.undo, conversation.surprise):
        with pytest.raises(ConfigError, match="Nothing has been written yet"):
            ask()
    assert said(conversation, "")  # An empty beginning is that of a line.
    assert conversation.surprise()[1][0] == 0.0
