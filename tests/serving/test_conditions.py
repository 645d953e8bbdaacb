"""Runs that write on a condition."""

from charlm.config import SamplingConfig
from charlm.runs.sample import stream
from tests.support.served import serve, train

REFUSED = (
    ({}, "condition"),
    ({"condition": "z"}, "nearest: "),
    ({"condition": "x", "echo": True, "logprobs": 1}, "not served"),
)


def test_a_condition_is_a_field_of_the_request(place, tmp_path):
    examples = tmp_path / "examples.tsv"
    examples.write_text("".join(f"{'xy'[number % 2]}\t{'ab'[number % 2] * 3}{number}\n" for number in range(120)))
    train(place, examples, name="conditioned", task="generate")
    with serve(["conditioned"], place) as served:
        settings = SamplingConfig(condition="x", temperature=1.0, length=20)
        pieces = stream("conditioned", "a", settings, place, seed=3).pieces
        expected = "".join(piece.text for piece in pieces)
        assert served.text("a", condition="x", seed=3, max_tokens=20) == expected
        for fields, part in REFUSED:
            answer = served.ask("/v1/completions", {"prompt": "a"} | fields)
            assert answer.status == 400
            assert part in answer.json["error"]["message"]
        tokens = served.ask("/tokenize", {"prompt": "aa", "condition": "x"}).json["tokens"]
        assert served.ask("/detokenize", {"tokens": tokens}).json == {"prompt": "aa"}
        answer = served.ask("/tokenize", {"prompt": "aa"})
        assert (answer.status, answer.json["error"]["param"]) == (400, "condition")
