"""What a request for completions is answered with."""

import pytest

from charlm.config import SamplingConfig
from charlm.runs.sample import stream

KINDS = ("net", "mixed", "counts", "bytes", "names")


def sampled(place, run, prompt, *, seed, **settings) -> str:
    pieces = stream(run, prompt, SamplingConfig(**settings), place, seed=seed, device="cpu").pieces
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("run", KINDS)
def test_a_seed_gives_the_text_that_charlm_sample_gives(all_kinds, place, run):
    prompt = "a" if run == "names" else "the "
    for settings in ({"temperature": 0.7}, {"temperature": 1.0, "top_k": 5}, {"temperature": 0}, {"top_p": 0.9}):
        asked = {"temperature": 1.0} | settings
        text = all_kinds.text(prompt, model=run, seed=5, max_tokens=50, **asked)
        assert text == sampled(place, run, prompt, seed=5, length=50, **asked)


def test_a_stream_says_the_same_as_a_whole_answer(served):
    asked = {"prompt": "the ", "seed": 3, "max_tokens": 200, "logprobs": 2, "echo": True}
    whole = served.complete(**asked)["choices"][0]
    answer = served.ask("/v1/completions", asked | {"stream": True, "stream_options": {"include_usage": True}})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, last = answer.events
    parts = [chunk["choices"][0] for chunk in chunks]
    assert "".join(part["text"] for part in parts) == whole["text"]
    for name, listed in whole["logprobs"].items():
        assert [each for part in parts for each in part["logprobs"][name]] == listed
    assert [part["finish_reason"] for part in parts] == [None] * (len(parts) - 1) + ["length"]
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 200, "total_tokens": 204}


def test_several_texts_of_several_prompts_come_in_order(served):
    choices = served.complete(["the ", "a "], n=2, seed=8, max_tokens=20)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3]
    expected = [served.text(prompt, seed=seed, max_tokens=20) for prompt in ("the ", "a ") for seed in (8, 9)]
    assert [choice["text"] for choice in choices] == expected


def test_a_text_ends_before_a_stop_string(served):
    whole = served.text(seed=1, max_tokens=100)
    stop = whole[40:43]
    (choice,) = served.complete(seed=1, max_tokens=100, stop=["~~", stop])["choices"]
    assert choice["text"] == whole[: whole.index(stop)]
    assert choice["finish_reason"] == "stop"
