"""Texts that are drawn together, and those that come and go."""

import numpy as np
import pytest

from charlm.config import ModelConfig, SamplingConfig
from charlm.data.tokenizers.char import CharTokenizer
from charlm.generation.batch import Batch
from charlm.generation.drawings import Drawing, Prompt
from charlm.generation.generator import generate_texts
from charlm.models.build import arrays_of
from charlm.stepping.build import build_step_model
from tests.support.small_models import NUM_SYMBOLS, small_model

TOKENIZER = CharTokenizer("abcdefghijklmnopqrstuvwxyz"[: NUM_SYMBOLS - 1])
CONFIG = ModelConfig(cell="lstm", num_layers=2, hidden_size=6, embedding_size=6, mix="ngram:3", mixing="log-linear")


@pytest.fixture(scope="module")
def models():
    arrays = arrays_of(small_model("lstm+ngram"))
    known = {"vocabulary_size": NUM_SYMBOLS, "source": "a test"}
    return build_step_model(CONFIG, arrays, **known), build_step_model(CONFIG, arrays, **known, jointly=True)


@pytest.fixture
def batch(models):
    return Batch(*models, TOKENIZER)


def drawing(text: str = "ab", *, seed: int, most: int, is_exact: bool = True, **settings) -> Drawing:
    sampling = SamplingConfig(temperature=1.0, **settings)
    prompt = Prompt(TOKENIZER.encode(text))
    return Drawing(prompt, TOKENIZER, sampling, most_symbols=most, seed=seed, is_exact=is_exact)


def run(batch, drawings, *, joins_at=()) -> list[str]:
    """Returns the texts; those with a step in `joins_at` join then, the others at once."""
    texts, waiting = dict.fromkeys(drawings, ""), dict(zip(drawings, joins_at, strict=False))
    step = 0
    while not batch.is_empty or waiting or step == 0:
        ready = [each for each in drawings if waiting.get(each, 0 if step == 0 else -1) == step]
        batch.add(ready)
        for each in ready:
            waiting.pop(each, None)
        for each, drawn in batch.step():
            texts[each] += drawn.text
        step += 1
    return list(texts.values())


def alone(models, text, seed, length, **settings) -> str:
    sampling = SamplingConfig(temperature=1.0, length=length, **settings)
    return generate_texts(models[0], TOKENIZER, text, sampling, seed=seed)[0]


def test_exact_texts_are_those_drawn_alone_whoever_comes_and_goes(models, batch):
    lengths = [3 + 7 * number % 41 for number in range(40)]
    drawings = [drawing("abca"[: 1 + n % 4], seed=n, most=length, top_k=1 + n % 4) for n, length in enumerate(lengths)]
    texts = run(batch, drawings, joins_at=[number // 3 for number in range(40)])
    expected = [alone(models, "abca"[: 1 + n % 4], n, length, top_k=1 + n % 4) for n, length in enumerate(lengths)]
    assert texts == expected


def test_a_text_alone_is_the_same_with_joint_products(models, batch):
    (text,) = run(batch, [drawing(seed=3, most=50, is_exact=False)])
    assert text == alone(models, "ab", 3, 50)


def test_joint_products_differ_in_the_last_bits_at_most(models):
    states = [model.stepper(model.initial_state(20)) for model in models]
    for token in range(3):
        exact, joint = (stepper.step(np.arange(20) % NUM_SYMBOLS) for stepper in states)
        assert joint == pytest.approx(exact, abs=1e-5), token


def test_a_cancelled_text_leaves_the_others_as_they_are(models, batch):
    drawings = [drawing(seed=seed, most=30) for seed in range(5)]
    texts = dict.fromkeys(drawings, "")
    batch.add(drawings)
    for step in range(30):
        if step == 4:
            drawings[1].is_cancelled = drawings[4].is_cancelled = True
        if step == 6:
            batch.forget_cancelled()
        for each, drawn in batch.step():
            texts[each] += drawn.text
    assert batch.is_empty
    assert [texts[drawings[n]] for n in (0, 2, 3)] == [alone(models, "ab", n, 30) for n in (0, 2, 3)]


def test_all_may_be_cancelled_at_any_time(batch):
    for ready in (False, True):
        drawings = [drawing(seed=seed, most=30) for seed in range(3)]
        batch.add(drawings)
        if ready:
            batch.step()
        for each in drawings:
            each.is_cancelled = True
        batch.step()
        batch.forget_cancelled()
        assert batch.is_empty


def test_a_long_prompt_is_read_in_stretches_between_the_steps_of_others(batch):
    other, late = drawing(seed=1, most=10), drawing("abc" * 2000, seed=2, most=5)
    batch.add([other])
    batch.step()
    batch.add([late])
    steps = [[each is late for each, _ in batch.step()] for _ in range(10)]
    # 5,999 symbols are six stretches; the sixth is read just before the text's first step.
    assert steps[:5] == [[False]] * 5
    assert steps[5:] == [[False, True]] * 4 + [[True]]
    assert batch.is_empty


def test_symbols_come_with_their_log_probabilities(models, batch):
    prompt = Prompt(TOKENIZER.encode("ab"))
    settings = SamplingConfig(temperature=0.3)
    batch.add([Drawing(prompt, TOKENIZER, settings, most_symbols=1, seed=1, num_likeliest=NUM_SYMBOLS)])
    ((_, drawn),) = batch.step()
    stepper = models[0].stepper(models[0].initial_state(1))
    for token in TOKENIZER.encode("ab"):
        logits = stepper.step(np.array([token]))[0].astype(float)
    expected = logits - np.log(np.exp(logits).sum())
    assert {each.symbol: each.log_probability for each in drawn.likeliest} == pytest.approx(dict(enumerate(expected)))
    assert drawn.own.log_probability == pytest.approx(expected[drawn.symbol])
    assert [each.symbol for each in drawn.likeliest] == np.argsort(-expected).tolist()
