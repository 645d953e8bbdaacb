"""What the script writes and measures against what charlm writes and measures with the same network."""

import math

import numpy as np
import pytest
import torch

from charlm.config import DataConfig, ModelConfig, SamplingConfig
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.generation.generator import generate_texts
from charlm.models.build import arrays_of, build_network
from charlm.page.network import describe_network, network_arrays
from charlm.page.packing import pack_arrays
from charlm.page.tokenizer import describe_tokenizer
from charlm.stepping.base import HeldUnit
from charlm.stepping.build import build_step_model
from charlm.stepping.restarting import restarting
from charlm.stepping.shapes import unit_state
from tests.support.javascript import needs_node, run_script
from tests.support.small_networks import draw_weights

pytestmark = needs_node

TEXT = CharTokenizer("\n abcdefgh")
RECORDS = RecordTokenizer(CharTokenizer("abcdefgh"))
OPEN = """
const network = new Network(given.model, unpackArrays(given.arrays, bytesOf(given.block)));
const tokenizer = new Tokenizer(given.tokenizer);
"""
WRITE = f"""
{OPEN}
const settings = {{ temperature: 0.9, topK: null, topP: null, stop: "", ...given.settings, seed: 7n }};
const writer = new Writer(network, tokenizer, settings, given.prompt);
let text = "";
const goesOn = () => writer.numRecords < given.records && !writer.stopped;
while (Array.from(text).length < given.length && goesOn()) text += writer.next();
return text;
"""


@pytest.fixture(scope="module", params=["lstm", "gru"])
def cell(request):
    return request.param


def network_of(tokenizer, cell="lstm", deviation=0.6):
    config = ModelConfig(cell=cell, num_layers=2, hidden_size=12, embedding_size=5)
    network = build_network(config, vocabulary_size=tokenizer.vocabulary_size)
    network.initialize(torch.Generator().manual_seed(1))
    draw_weights(network, deviation=deviation)
    return config, arrays_of(network.eval())


def in_script(code, tokenizer, config, arrays, **given):
    described, block = pack_arrays(network_arrays(config, arrays), weights="float32")
    return run_script(
        code,
        model=describe_network(config, vocabulary_size=tokenizer.vocabulary_size),
        arrays=described,
        block=block,
        tokenizer=describe_tokenizer(tokenizer, DataConfig(corpus=("x",))),
        **given,
    )


def stepped(tokenizer, config, arrays):
    return build_step_model(config, arrays, vocabulary_size=tokenizer.vocabulary_size, source="the test")


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("tokenizer", [TEXT, ByteTokenizer()], ids=["char", "byte"])
def test_a_text_is_the_one_that_charlm_writes_from_the_same_seed(tokenizer, temperature, cell):
    config, arrays = network_of(tokenizer, cell)
    settings = SamplingConfig(length=200, temperature=temperature)
    (expected,) = generate_texts(stepped(tokenizer, config, arrays), tokenizer, "abc", settings, seed=7)
    found = in_script(
        WRITE, tokenizer, config, arrays, settings={"temperature": temperature}, prompt="abc", length=200, records=1
    )
    assert found[:200] == expected


def test_records_are_those_of_seeds_that_follow_one_another():
    config, arrays = network_of(RECORDS)
    settings = SamplingConfig(length=0, num_samples=4, temperature=0.9)
    expected = generate_texts(stepped(RECORDS, config, arrays), RECORDS, "ab", settings, seed=7)
    found = in_script(WRITE, RECORDS, config, arrays, settings={}, prompt="ab", length=10**6, records=4)
    assert found == "".join(f"{each}\nab" for each in expected)


@pytest.mark.parametrize("stop", ["a", "ab", "h\n"])
def test_a_text_ends_before_the_stop_text(stop):
    config, arrays = network_of(TEXT)
    settings = SamplingConfig(length=0, stop=(stop,), temperature=0.9)
    (expected,) = generate_texts(stepped(TEXT, config, arrays), TEXT, "", settings, seed=7)
    found = in_script(WRITE, TEXT, config, arrays, settings={"stop": stop}, prompt="", length=10**5, records=1)
    assert found == expected


def test_a_text_that_is_interrupted_goes_on_as_if_it_had_not_been():
    config, arrays = network_of(TEXT)
    code = f"""
    {OPEN}
    const settings = {{ temperature: 0.9, topK: null, topP: null, stop: "", seed: 7n }};
    const writer = new Writer(network, tokenizer, settings, "");
    const write = (number) => Array.from({{ length: number }}, () => writer.next()).join("");
    let text = write(50);
    writer.suspend();
    const measurement = new Measurement(network, tokenizer, "cafe", {{ unit: {{ layer: 0, unit: 0 }}, top: 2 }});
    while (!measurement.finished) measurement.next();
    writer.resume();
    writer.retune(settings);
    return text + write(50);
    """
    (expected,) = generate_texts(
        stepped(TEXT, config, arrays), TEXT, "", SamplingConfig(length=100, temperature=0.9), seed=7
    )
    assert in_script(code, TEXT, config, arrays) == expected


MEASURE = f"""
{OPEN}
network.held = given.held;
const measurement = new Measurement(network, tokenizer, given.text, {{ unit: {{ layer: 1, unit: 3 }}, top: 4 }});
while (!measurement.finished) measurement.next();
return {{ bits: Array.from(measurement.bits), ranks: Array.from(measurement.ranks), mean: measurement.bitsPerCharacter,
  values: Array.from(measurement.values), likeliest: Array.from(measurement.likeliest),
  texts: measurement.stretches().map((stretch) => stretch.text) }};
"""


@pytest.mark.parametrize(
    ("tokenizer", "text"),
    [(TEXT, "bad cafe\nx face?\n"), (RECORDS, "bad\n\ncafe\r\nx"), (ByteTokenizer(), "bad \u00e9\U0001f600 x")],
    ids=["char", "records", "byte"],
)
def test_a_text_takes_the_bits_of_the_step_engine_and_unknown_characters_say_which_they_are(tokenizer, text, cell):
    config, arrays = network_of(tokenizer, cell)
    found = in_script(MEASURE, tokenizer, config, arrays, text=text, held=[])
    model = restarting(stepped(tokenizer, config, arrays), tokenizer.begin)
    stepper, logits, total = model.stepper(model.initial_state(1)), None, 0.0
    symbols = tokenizer.encode(text).tolist()
    for place, symbol in enumerate(symbols):
        if logits is None or symbol == tokenizer.begin:
            assert found["bits"][place] is None
        else:
            charge = math.log2(tokenizer.num_unknown_characters) if symbol == tokenizer.unknown else 0.0
            likelihoods = logits - np.log(np.exp(logits).sum())
            bits = charge - likelihoods[symbol] / math.log(2)
            total += bits
            assert found["bits"][place] == pytest.approx(bits, abs=1e-4)
            assert found["ranks"][place] == 1 + int((likelihoods > likelihoods[symbol]).sum())
            assert found["likeliest"][4 * place : 4 * place + 4] == np.argsort(-likelihoods)[:4].tolist()
        logits = stepper.step(np.array([symbol]))[0].astype(np.float64)
    characters = sum(len(text) for text in found["texts"]) - (tokenizer.begin is None)
    assert found["mean"] == pytest.approx(total / characters, abs=1e-4)
    assert "".join(found["texts"]) == (text if tokenizer.begin is None else "bad\ncafe\nx\n")


def test_a_unit_that_is_held_does_what_it_does_in_charlm(cell):
    config, arrays = network_of(TEXT, cell)
    part, _ = unit_state(config)
    held = build_step_model(
        config, arrays, vocabulary_size=TEXT.vocabulary_size, source="the test", held=[HeldUnit(part, 1, 3, 0.5)]
    )
    stepper = held.stepper(held.initial_state(1))
    symbols = TEXT.encode("bad cafe").tolist()
    rows, values = [], []
    for symbol in symbols:
        rows.append(stepper.step(np.array([symbol]))[0].astype(np.float64))
        values.append(float(stepper.state()[part][1, 0, 3]))
    expected = [
        (np.log(np.exp(row).sum()) - row[symbol]) / math.log(2) for row, symbol in zip(rows, symbols[1:], strict=False)
    ]
    found = in_script(MEASURE, TEXT, config, arrays, text="bad cafe", held=[{"layer": 1, "unit": 3, "value": 0.5}])
    assert found["bits"][1:] == pytest.approx(expected, abs=1e-4)
    shown = np.tanh(values) if cell == "lstm" else values
    assert found["values"] == pytest.approx(list(shown), abs=1e-5)
