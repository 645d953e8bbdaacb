"""What is refused: with OpenAI's JSON, the right status, and one sentence."""

import json

import pytest

WRONG = {
    "unknown characters": ({"prompt": "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{SNOWMAN}"}, "prompt", "U+2603"),
    "a lone surrogate": ({"prompt": "\ud800"}, "prompt", "surrogate"),
    "a number": ({"prompt": 5}, "prompt", "must be a text"),
    "a mixed list": ({"prompt": ["a", 1]}, "prompt", "must be a text"),
    "no prompts": ({"prompt": []}, "prompt", "empty list"),
    "no such token": ({"prompt": [1, 100_000]}, "prompt", "Token 100000"),
    "a negative token": ({"prompt": [-1]}, "prompt", "Token -1"),
    "a huge number": ({"max_tokens": 10**30}, "max_tokens", "at most"),
    "a negative number": ({"max_tokens": -1}, "max_tokens", "greater than or equal to 0"),
    "a word for a number": ({"max_tokens": "5"}, "max_tokens", "integer"),
    "a truth for a number": ({"n": True}, "n", "integer"),
    "a temperature below zero": ({"temperature": -0.1}, "temperature", "greater than or equal to 0"),
    "no probability": ({"top_p": 1.5}, "top_p", "less than or equal to 1"),
    "too many texts": ({"n": 100_000}, "n", "at most"),
    "too many stops": ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "at most 4"),
    "an empty stop": ({"stop": ""}, "stop", "1 to"),
    "best_of": ({"best_of": 2}, "best_of", "not served"),
    "suffix": ({"suffix": "end"}, "suffix", "not served"),
    "a penalty": ({"presence_penalty": 0.5}, "presence_penalty", "not served"),
    "a bias": ({"logit_bias": {"5": 1}}, "logit_bias", "not served"),
    "a condition": ({"condition": "old"}, "condition", "--task generate"),
    "too many logprobs": ({"logprobs": 101}, "logprobs", "less than or equal to 100"),
    "a misspelt field": ({"temprature": 1}, "temprature", "temperature"),
    "half of a character as a name": ({"\ud800": 1}, None, "the name of a field"),
    "stream options": ({"stream_options": {"include": 1}}, "stream_options", "stream_options"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_request_is_refused_with_a_sentence(served, name):
    fields, param, part = WRONG[name]
    answer = served.ask("/v1/completions", {"prompt": "the "} | fields)
    error = answer.json["error"]
    assert (answer.status, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert part in error["message"] and error["message"].endswith((".", "?"))


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize"])
@pytest.mark.parametrize("model", [5, ["net"], {}])
def test_the_name_of_a_model_is_a_text(served, path, model):
    answer = served.ask(path, {"prompt": "the", "tokens": [1], "model": model})
    assert (answer.status, answer.json["error"]["message"]) == (400, "model must be a text.")


@pytest.mark.parametrize("prompt", [None, 5, ["the"], "\ud800"])
def test_what_is_no_text_has_no_tokens(all_kinds, prompt):
    answer = all_kinds.ask("/tokenize", {"prompt": prompt, "model": "bytes"})
    assert (answer.status, answer.json["error"]["param"]) == (400, "prompt")


def test_what_changes_nothing_and_what_is_null_is_let_through(served):
    extra = {"user": "me", "metadata": {}, "stop": None, "suffix": None, "best_of": 1, "presence_penalty": 0}
    assert served.text(seed=1, **extra) == served.text(seed=1)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"a"', b"\xff", b"[" * 100_000, b'{"temperature": NaN}', b"9" * 9999]
)
def test_a_body_that_is_no_request_is_refused(served, body):
    answer = served.ask("/v1/completions", body, method="POST")
    assert answer.status == 400
    assert answer.json["error"]["message"]


def test_other_paths_methods_and_models(served):
    def status(path, body=None, **more):
        answer = served.ask(path, body, **more)
        assert answer.json["error"]["message"]
        return answer.status

    assert status("/v1/chat/completions", {}) == 404
    assert status("/v1/completions") == 405
    assert status("/health", {}) == 405
    assert status("/v1/completions", {"model": "another", "prompt": ""}) == 404
    assert status("/v1/models/another") == 404
    assert status("/runs/another") == 404


def test_a_body_may_only_be_so_long(served):
    assert served.ask("/v1/completions", b" " * (1 << 20) + b"{}").status == 413

    def parts():
        for _ in range(40):
            yield b" " * 65536

    connection = served.connect()
    connection.request(
        "POST", "/v1/completions", parts(), encode_chunked=True, headers={"transfer-encoding": "chunked"}
    )
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "too_long"
    connection.close()


def test_several_models_are_chosen_by_name(all_kinds):
    answer = all_kinds.ask("/v1/completions", {"prompt": "a"})
    assert answer.status == 400 and "net, mixed" in answer.json["error"]["message"]
    listed = all_kinds.ask("/v1/models").json
    assert [model["id"] for model in listed["data"]] == ["net", "mixed", "counts", "bytes", "names"]
    assert all_kinds.ask("/v1/models/mixed").json == listed["data"][1]


def test_an_error_of_ours_says_nothing_of_itself(served, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(type(served.server.models[0]), "read_prompts", fail)
    answer = served.ask("/v1/completions", {"prompt": "the "})
    assert answer.status == 500
    assert b"secret" not in answer.body and b"Traceback" not in answer.body
    assert "ZeroDivisionError" in served.log[-1] and "secret" not in served.log[-1]
