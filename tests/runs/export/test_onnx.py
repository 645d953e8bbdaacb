"""One step in ONNX's format: the probabilities and the state of the step engine, in onnxruntime."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from charlm.api import load
from charlm.cells import CELLS
from charlm.cli.app import run as run_command
from charlm.config import ModelConfig
from charlm.errors import ConfigError
from charlm.runs.export.onnx import export_onnx, onnx_step
from charlm.runs.stored.model import read_any_model
from charlm.stepping.build import build_step_model, section
from charlm.stepping.shapes import state_names, weight_shapes
from tests.support.forged_runs import make_run
from tests.support.names import write_names

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"
SYMBOLS = 7
PLAIN = {cell: {"cell": cell} for cell in CELLS} | {"mlp": {"model": "mlp", "window": 4}}
CASES = PLAIN | {f"{name}, all else": each | {"residual": True, "layer_norm": True} for name, each in PLAIN.items()}
CASES |= {
    **{f"rnn {each}": {"cell": "rnn", "nonlinearity": each} for each in ("relu", "sigmoid")},
    **{f"jordan {each}": {"cell": "jordan", "nonlinearity": each} for each in ("relu", "sigmoid")},
    "jordan, forced": {"cell": "jordan", "feedback": "target"},
    "tied": {"cell": "gru", "embedding_size": 6, "tie_weights": True, "residual": True},
    "embedding as wide": {"cell": "lstm", "embedding_size": 6, "residual": True, "num_layers": 1},
    "window of one": {"model": "mlp", "window": 1, "num_layers": 1},
}


def session(content: bytes):
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def assert_steps_agree(run, model, names, *, num_streams: int) -> None:
    """Compares log-probabilities and states of a few symbols in some streams."""
    state = model.initial_state(num_streams)
    stepper = model.stepper(state)
    rng = np.random.default_rng(3)
    for _ in range(12):
        tokens = rng.integers(model.vocabulary_size, size=num_streams)
        log_probabilities, *found = run.run(None, {"token": tokens, **dict(zip(names, state, strict=True))})
        logits = stepper.step(tokens).astype(np.float64)
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert np.abs(np.exp(log_probabilities) - expected).max() < 1e-5
        # Each step from the engine's state: random weights may make more of a rounding with every step.
        state = stepper.state()
        for part, its in zip(found, state, strict=True):
            assert part.dtype == its.dtype
            assert np.allclose(part, its, atol=1e-5)


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_a_step_is_that_of_the_engine_for_any_number_of_streams(options):
    config = ModelConfig(**{"hidden_size": 6, "num_layers": 3, "embedding_size": 4} | options)
    rng = np.random.default_rng(1)
    shapes = weight_shapes(config, vocabulary_size=SYMBOLS)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    content = onnx_step(config, weights, vocabulary_size=SYMBOLS, metadata={})
    run, names = session(content), state_names(config)
    assert [each.name for each in run.get_inputs()] == ["token", *names]
    assert [each.name for each in run.get_outputs()] == ["log_probabilities", *(f"next_{name}" for name in names)]
    model = build_step_model(config, weights, vocabulary_size=SYMBOLS, source="a test")
    for num_streams in (1, 2, 5):
        assert_steps_agree(run, model, names, num_streams=num_streams)


def test_a_run_says_its_name_its_vocabulary_and_its_version(small_run, workspace):
    run = session(small_run("lstm"))
    metadata = run.get_modelmeta().custom_metadata_map
    stored = read_any_model("one", workspace)
    assert metadata["run"] == "one"
    assert json.loads(metadata["tokenizer"]) == stored.tokenizer.to_json()
    pieces = [text.encode("utf-8", "surrogateescape") for text in json.loads(metadata["vocabulary"])]
    assert pieces == list(stored.tokenizer.pieces)
    assert json.loads(metadata["initial_state"]) == {"h": 0, "c": 0}
    assert metadata["charlm"]
    model = build_step_model(stored.config.model, stored.weights, vocabulary_size=len(pieces), source="a test")
    assert_steps_agree(run, model, ("h", "c"), num_streams=2)


def test_a_mixed_run_is_its_network_alone_and_says_so(small_run, workspace):
    run = session(small_run("mixed", note="mixes n-grams up to order 3 in; the file holds its network alone"))
    assert "order 3" in run.get_modelmeta().custom_metadata_map["network_alone"]
    stored = read_any_model("one", workspace)
    config = stored.record.without_mix().config.model
    weights = section(stored.weights, "network")
    model = build_step_model(config, weights, vocabulary_size=stored.tokenizer.vocabulary_size, source="a test")
    assert_steps_agree(run, model, ("h",), num_streams=2)


def test_the_vocabulary_of_bytes_is_in_the_metadata(small_run, workspace):
    metadata = session(small_run("pieces")).get_modelmeta().custom_metadata_map
    pieces = [text.encode("utf-8", "surrogateescape") for text in json.loads(metadata["vocabulary"])]
    assert pieces == list(read_any_model("one", workspace).tokenizer.pieces)


def test_what_the_docs_show_gives_the_score_of_the_run(small_run):
    (shown,) = re.findall("```python\n(.*?)```", FORMATS.read_text(encoding="utf-8"), flags=re.DOTALL)
    for kind in ("lstm", "mlp"):
        Path("demo.onnx").write_bytes(small_run(kind))
        values: dict[str, object] = {}
        exec(shown.replace("To be, or not to be", "the cat sat on a mat"), values)
        assert values["nats"] == pytest.approx(load("one").score("the cat sat on a mat").total_nats, rel=1e-5)
        shutil.rmtree("checkpoints")


@pytest.fixture
def small_run(workspace, monkeypatch):
    """A function that trains a run of a kind, and returns the file of its step."""
    monkeypatch.chdir(workspace.root)

    def written(kind: str, *, note: str | None = None) -> bytes:
        make_run(kind, workspace.root)
        told = export_onnx("one", Path("one.onnx"), workspace)
        assert told is None if note is None else note in told
        return Path("one.onnx").read_bytes()

    return written


def test_what_predicts_no_next_symbol_is_refused_by_name(small_run, workspace, tmp_path):
    with pytest.raises(ConfigError, match="'one' is an n-gram model"):
        small_run("ngram")
    assert not Path("one.onnx").exists()

    write_names(Path("names.tsv"))
    arguments = ["--steps", "2", "--hidden-size", "4", "--num-layers", "1", "--device", "cpu", "--quiet"]
    assert run_command(["train", "names.tsv", "--task", "classify", "--name", "names", *arguments]) == 0
    with pytest.raises(ConfigError, match="'names' classifies examples"):
        export_onnx("names", Path("one.onnx"), workspace)
    task = ("--task", "generate", "--swap")
    assert run_command(["train", "names.tsv", *task, "--name", "writes", *arguments]) == 0
    assert export_onnx("writes", Path("writes.onnx"), workspace) is None
    assert session(Path("writes.onnx").read_bytes())


def test_a_cell_without_a_graph_is_refused_by_name(small_run, workspace, monkeypatch):
    monkeypatch.setattr("charlm.runs.export.onnx.network_step", lambda config: None)
    with pytest.raises(ConfigError, match="'one' is of the cell lstm, which has no graph yet"):
        small_run("lstm")


def test_weights_beyond_the_most_that_a_file_holds_are_refused(small_run, workspace, monkeypatch):
    whole = small_run("lstm")
    num_bytes = sum(array.nbytes for array in read_any_model("one", workspace).weights.values())
    limit = "charlm.runs.export.onnx._MOST_BYTES"
    monkeypatch.setattr(limit, num_bytes - 1)
    with pytest.raises(ConfigError, match=f"'one' has {num_bytes:,} bytes of weights; .* at most 2 GiB"):
        export_onnx("one", Path("other.onnx"), workspace)
    assert not Path("other.onnx").exists()
    monkeypatch.setattr(limit, num_bytes)
    export_onnx("one", Path("other.onnx"), workspace)
    assert Path("other.onnx").read_bytes() == whole
