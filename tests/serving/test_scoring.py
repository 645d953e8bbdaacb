"""The log-probabilities of prompts are the code lengths of `charlm eval perplexity`."""

import math

import pytest

from charlm.config import DataConfig, EvaluationConfig
from charlm.data.inputs import clean_string
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.perplexity import score_source
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.loading import load_model

TEXTS = {"net": "the cat ran to a hen. ", "mixed": "a dog sat.", "counts": "ten red hens", "bytes": "we saw ten"}


def evaluated(place, run, text) -> float:
    """The nats of a text, as the command adds them up."""
    loaded = load_model(run, place, device=resolve_device("cpu"))
    source = clean_string(text, data=DataConfig(corpus=("x",)))
    return score_source(loaded, source, EvaluationConfig(), place, SilentReporter()).total_nats


@pytest.mark.parametrize("run", TEXTS)
def test_they_sum_to_the_score_of_the_text(all_kinds, place, run):
    asked = {"model": run, "echo": True, "logprobs": 1, "max_tokens": 0}
    (choice,) = all_kinds.complete(TEXTS[run], **asked)["choices"]
    first, *others = choice["logprobs"]["token_logprobs"]
    assert first is None
    assert math.fsum(others) == pytest.approx(-evaluated(place, run, TEXTS[run]), rel=1e-12)
    assert choice["text"] == TEXTS[run]
    assert choice["finish_reason"] == "length"
    assert choice["logprobs"]["tokens"] == list(TEXTS[run])
    assert choice["logprobs"]["text_offset"] == list(range(len(TEXTS[run])))


def test_unknown_characters_cost_what_the_score_says(served, place):
    text = "the caf\N{LATIN SMALL LETTER E WITH ACUTE} sat"
    (choice,) = served.complete(text, echo=True, logprobs=0, max_tokens=0)["choices"]
    assert math.fsum(choice["logprobs"]["token_logprobs"][1:]) == pytest.approx(-evaluated(place, "net", text))


def test_a_record_is_scored_from_its_begin(all_kinds, place):
    whole = evaluated(place, "names", "balin\n")
    (choice,) = all_kinds.complete("balin", model="names", echo=True, logprobs=40, max_tokens=1, seed=1)["choices"]
    logprobs = choice["logprobs"]
    assert logprobs["tokens"][:5] == list("balin")
    assert None not in logprobs["token_logprobs"]
    end = logprobs["top_logprobs"][5]["<end>"]
    assert -math.fsum([*logprobs["token_logprobs"][:5], end]) == pytest.approx(whole, rel=1e-6)


def test_drawn_symbols_have_the_log_probabilities_that_scoring_gives_them(served):
    drawn = served.complete("the ", seed=4, max_tokens=60, temperature=0.5, logprobs=3, echo=True)["choices"][0]
    again = served.complete(drawn["text"], max_tokens=0, logprobs=3, echo=True)["choices"][0]
    own, scored = (each["logprobs"]["token_logprobs"] for each in (drawn, again))
    assert own[1:] == pytest.approx(scored[1:], abs=1e-5)


def test_the_likeliest_symbols_come_with_the_symbol_itself(served):
    (choice,) = served.complete("the cat", echo=True, logprobs=2, max_tokens=0)["choices"]
    logprobs = choice["logprobs"]
    assert logprobs["top_logprobs"][0] is None
    for token, own, top in list(zip(*(logprobs[k] for k in ("tokens", "token_logprobs", "top_logprobs")), strict=True))[
        1:
    ]:
        assert top[token] == own
        assert len(top) in (2, 3)


def test_one_symbol_and_none_have_nothing_to_score(served):
    for prompt in ("t", ""):
        (choice,) = served.complete(prompt, echo=True, logprobs=1, max_tokens=0)["choices"]
        assert choice["logprobs"]["token_logprobs"] == [None] * len(prompt)


def test_part_of_a_character_is_named_by_its_bytes(all_kinds):
    (choice,) = all_kinds.complete("a\N{EURO SIGN}b", model="bytes", echo=True, logprobs=0, max_tokens=0)["choices"]
    assert choice["logprobs"]["tokens"] == ["a", "bytes:\\xe2", "bytes:\\x82", "bytes:\\xac", "b"]
    assert choice["logprobs"]["text_offset"] == [0, 1, 1, 1, 2]
