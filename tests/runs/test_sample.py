import pytest

from charlm.config import SamplingConfig, by_section, make_request
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.sample import stream
from charlm.runs.train.start import start

KINDS = {
    "lstm": {"hidden_size": 48, "num_layers": 2},
    "gru": {"cell": "gru", "hidden_size": 33},
    "st-lstm": {"cell": "st-lstm"},
    "jordan": {"cell": "jordan"},
    "mlp": {"model": "mlp", "window": 4},
    "mixed": {"mix": "ngram:3", "hidden_size": 32},
    "bytes": {"tokenizer": "byte"},
    "ngram": {"model": "ngram", "order": 4},
}


def texts(workspace, *, seed: int, **settings) -> list[str]:
    sampling = SamplingConfig(length=150, temperature=1.0, **settings)
    drawn = [""] * sampling.num_samples
    for piece in stream("one", "the ", sampling, workspace, seed=seed, device="cpu").pieces:
        drawn[piece.sample] += piece.text
    return drawn


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_the_same_alone_as_beside_others(small_request, workspace, text, kind):
    request = (
        make_request(by_section({"corpus": (str(text),), "name": "one", **KINDS[kind]}))
        if kind == "ngram"
        else small_request(name="one", steps=2, **KINDS[kind])
    )
    start(request, workspace, SilentReporter(), StopRequest())
    together = texts(workspace, seed=7, num_samples=3)
    assert len(set(together)) == 3
    assert together == [texts(workspace, seed=seed)[0] for seed in (7, 8, 9)]
    if kind in ("lstm", "gru"):
        reduced = texts(workspace, seed=7, num_samples=2, weights="int8")
        assert reduced == [texts(workspace, seed=seed, weights="int8")[0] for seed in (7, 8)]
