"""Files compressed with the models of runs: whole, small, and refused where they would not come back."""

import io
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm.api import load
from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.compression import codec
from charlm.config import by_section, make_request
from charlm.data.tokenfile import TokenFile
from charlm.errors import CharlmError, CheckpointError, ConfigError, DataError
from charlm.evaluation.adaptive import StaticReader, adapted_nats, windows_in_order
from charlm.evaluation.unknown import learnt_unknown_nats
from charlm.runs.compress import files as module
from charlm.runs.compress.files import compress, decompress
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.train.start import start
from charlm.stepping.adaptation import Adaptation, AdaptationSettings
from tests.support.compressing import model_alone
from tests.support.encoded import encoded

QUIET = SilentReporter()


@pytest.fixture
def run(small_request, text, workspace):
    """A function that makes a run, a counted one unless it is told otherwise."""

    def make(name="mine", **settings):
        if "steps" in settings:
            request = small_request(name=name, **settings)
        else:
            counted = {"corpus": (str(text),), "name": name, "device": "cpu", "model": "ngram", "order": 3}
            request = make_request(by_section(counted | settings))
        start(request, workspace, QUIET, StopRequest())
        return name

    return make


@pytest.fixture
def file(workspace, text):
    path = workspace.root / "letter.txt"
    path.write_text(text.read_text()[-800:].replace("cat", "hen"))
    return path


@pytest.fixture
def coded():
    with model_alone():
        yield


@pytest.mark.usefixtures("coded")
@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 12, "cell": "gru", "mix": "ngram:3"},
        {"steps": 12, "model": "mlp", "window": 3, "newlines": "lf", "normalize": "nfc"},
        {"tokenizer": "byte"},
        {"records": "lines"},
        {"tokenizer": "sentencepiece", "vocabulary_size": 290},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_a_file_takes_the_bits_of_its_score_and_comes_back(run, workspace, text, file, settings):
    if "records" in settings:
        text.write_text(text.read_text().replace(". ", ".\n"))
    run(**settings)
    original = file.read_bytes()
    result = compress("mine", file, workspace, QUIET)
    assert result.output == file.with_name("letter.txt.charlm")
    assert result.compressed_bytes == result.output.stat().st_size
    assert (
        most_bytes(workspace, original.decode()) - 200
        < result.compressed_bytes
        < most_bytes(workspace, original.decode())
    )
    assert result.bits_per_byte == 8 * result.compressed_bytes / len(original)
    file.unlink()
    assert decompress(result.output, workspace, QUIET).output == file
    assert file.read_bytes() == original


def most_bytes(workspace, text: str) -> float:
    """What a text may take: a little more than the code length that charlm eval perplexity says, and a header."""
    return 1.002 * load("mine", workspace=workspace.root).score(text).total_nats / math.log(2) / 8 + 200


@pytest.mark.parametrize(
    "settings",
    [{"steps": 12, "mix": "ngram:3"}, {"steps": 12, "records": "lines"}, {}],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_a_model_that_adapts_takes_the_bits_of_its_adapted_score(run, workspace, text, file, settings):
    if "records" in settings:
        # Far shorter ones than the file has: where they end has to be learnt.
        text.write_text(text.read_text().replace(". ", ".\n"))
        file.write_text("cat\nrat\nman\nten\n" * 100)
    run(**settings)
    with model_alone():
        result = compress("mine", file, workspace, QUIET, adapts=True)
    loaded = load_model("mine", workspace, device=torch.device("cpu"))
    encoded_nats = adapted_nats(
        StaticReader(loaded.model, torch.device("cpu")),
        windows_in_order(TokenFile(loaded.tokenizer.encode(file.read_text())), loaded.tokenizer, length=64),
        Adaptation(2 if "mix" in settings else 1, loaded.tokenizer.vocabulary_size, AdaptationSettings()),
    )
    assert result.compressed_bytes < 1.002 * encoded_nats / math.log(2) / 8 + 200
    original = file.read_bytes()
    file.unlink()
    decompress(result.output, workspace, QUIET)
    assert file.read_bytes() == original


@pytest.mark.usefixtures("coded")
def test_unknown_characters_cost_no_more_than_the_score_says(run, workspace):
    run()
    path = workspace.root / "foreign.txt"
    codes = np.random.default_rng(1).integers(0x4E00, 0x9FFF, 400)
    path.write_text("".join(f"the cat {chr(code)}" for code in codes), encoding="utf-8")
    assert compress("mine", path, workspace, QUIET).compressed_bytes < most_bytes(workspace, path.read_text("utf-8"))


@pytest.mark.usefixtures("coded")
def test_unknown_characters_cost_a_model_that_adapts_what_its_score_says(run, workspace):
    run()
    path = workspace.root / "foreign.txt"
    codes = 0x4E00 + np.random.default_rng(1).integers(0, 60, 400)
    path.write_text("".join(f"the cat {chr(code)}" for code in codes), encoding="utf-8")
    result = compress("mine", path, workspace, QUIET, adapts=True)
    loaded, text = load_model("mine", workspace, device=torch.device("cpu")), path.read_text("utf-8")
    tokens = TokenFile(loaded.tokenizer.encode(text))
    of_symbols = adapted_nats(
        StaticReader(loaded.model, torch.device("cpu")),
        windows_in_order(tokens, loaded.tokenizer, length=64),
        Adaptation(1, loaded.tokenizer.vocabulary_size, AdaptationSettings()),
    )
    encoded_text = encoded(text, loaded.tokenizer)
    of_characters = learnt_unknown_nats(text, encoded_text, loaded.tokenizer)
    assert 3.0 < of_characters / encoded_text.num_unknown < 6.0
    assert result.compressed_bytes < 1.002 * (of_symbols + of_characters) / math.log(2) / 8 + 200
    assert decompress(result.output, workspace, QUIET, overwrite=True).num_bytes == path.stat().st_size


@pytest.mark.parametrize("num_streams", [1, 8])
def test_any_bytes_come_back(run, workspace, num_streams):
    run()
    path = workspace.root / "bytes"
    for content in (b"", b"t", b"\xff\xfet\x00h\x00", os.urandom(3000), "the c\u00e4t\r\n".encode("latin-1") * 99):
        path.write_bytes(content)
        packed = compress("mine", path, workspace, QUIET, num_streams=num_streams, overwrite=True).output
        stream = io.BytesIO()
        assert decompress(packed, workspace, QUIET, output=stream).output is None
        assert stream.getvalue() == content


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "auto"])
def test_a_file_in_the_encoding_of_the_run_costs_no_more_than_in_utf_8(run, workspace, text, encoding):
    written = "utf-16" if encoding == "auto" else encoding
    content = "the h\u00e9n sat on the mat. a dog r\u00e0n to ten men.\n" * 60
    text.write_text(content, encoding=written)
    run(encoding=encoding)
    assert decompress(compress("mine", text, workspace, QUIET).output, workspace, QUIET, overwrite=True).output == text
    sizes = []
    for each in (written, "utf-8"):
        (workspace.root / "other.txt").write_text(content, encoding=each)
        sizes.append(compress("mine", workspace.root / "other.txt", workspace, QUIET, overwrite=True).compressed_bytes)
    if encoding != "auto":
        assert sizes[0] < sizes[1] + 40


def test_a_renamed_run_is_found_by_its_identity_and_a_group_is_searched(run, workspace, file):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    (workspace.checkpoints / "mine").rename(workspace.checkpoints / "yours")
    assert decompress(packed, workspace, QUIET, overwrite=True).run == "yours"
    (workspace.checkpoints / "grid").mkdir()
    (workspace.checkpoints / "yours").rename(workspace.checkpoints / "grid" / "mine")
    assert decompress(packed, workspace, QUIET, overwrite=True).run == "mine"


def test_a_model_is_named_by_its_file_and_others_are_refused(run, workspace, file, tmp_path):
    run()
    run("other", order=2)
    packed = compress("mine", file, workspace, QUIET).output
    alone = tmp_path / "model.safetensors"
    shutil.copy(workspace.checkpoints / "mine" / "best.safetensors", alone)
    shutil.rmtree(workspace.checkpoints / "mine")
    with pytest.raises(CheckpointError, match="the run 'mine', which is not under"):
        decompress(packed, workspace, QUIET, overwrite=True)
    with pytest.raises(CheckpointError, match="the run 'mine', and 'other' has another"):
        decompress(packed, workspace, QUIET, run="other", overwrite=True)
    assert decompress(packed, workspace, QUIET, run=str(alone), overwrite=True).num_bytes == file.stat().st_size


def test_a_model_that_was_trained_on_is_another_one(run, workspace, file):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    run("longer", order=4)
    shutil.copy(*(workspace.checkpoints / each / "best.safetensors" for each in ("longer", "mine")))
    with pytest.raises(CheckpointError, match="has changed since"):
        decompress(packed, workspace, QUIET, overwrite=True)


def test_final_scores_in_the_file_of_a_model_do_not_make_it_another(run, workspace, file):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    best = workspace.checkpoints / "mine" / "best.safetensors"
    stored = read_checkpoint(best)
    write_checkpoint(best, Checkpoint(stored.tensors, {**stored.values, "final": None}))
    assert decompress(packed, workspace, QUIET, overwrite=True).run == "mine"


def test_nothing_is_overwritten_unasked(run, workspace, file):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    before = packed.read_bytes()
    file.write_text("new")
    with pytest.raises(CheckpointError, match=r"there already.*--force"):
        compress("mine", file, workspace, QUIET)
    with pytest.raises(CheckpointError, match=r"there already.*--force"):
        decompress(packed, workspace, QUIET)
    assert (packed.read_bytes(), file.read_text()) == (before, "new")
    for overwrite in (False, True):
        with pytest.raises(CheckpointError, match="the file that is read"):
            compress("mine", file, workspace, QUIET, output=file, overwrite=overwrite)
    assert compress("mine", file, workspace, QUIET, overwrite=True).num_bytes == 3


@pytest.mark.usefixtures("coded")
def test_what_does_not_come_back_is_not_kept(run, workspace, file, monkeypatch):
    run()
    code = codec.encode
    monkeypatch.setattr(codec, "encode", lambda *given, **named: bytes(8) + code(*given, **named)[8:])
    with pytest.raises(DataError, match=r"did not come back .* nothing was written"):
        compress("mine", file, workspace, QUIET)
    assert [each.name for each in workspace.root.iterdir() if "charlm" in each.name or "tmp" in each.name] == []


def test_a_machine_that_computes_otherwise_is_named(run, workspace, file, monkeypatch):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    monkeypatch.setattr(module, "probe_of", lambda *_, **__: 1)
    with pytest.raises(DataError, match="another kind of processor or with another NumPy"):
        decompress(packed, workspace, QUIET, overwrite=True)


def test_damaged_and_foreign_files_are_refused_in_a_sentence(run, workspace, file):
    run()
    packed = compress("mine", file, workspace, QUIET).output
    whole = packed.read_bytes()
    for content in (b"", b"abc", whole[:50], whole[:-1], whole + b"x", whole[:-1] + bytes([whole[-1] ^ 1])):
        packed.write_bytes(content)
        with pytest.raises(DataError, match=r"^'.*letter.txt.charlm' cannot be decompressed: it .*\.$"):
            decompress(packed, workspace, QUIET, output=workspace.root / "back")
        assert not (workspace.root / "back").exists()


def test_requests_that_cannot_be_met_are_refused(run, workspace, file):
    run()
    with pytest.raises(ConfigError, match="at most 8"):
        compress("mine", file, workspace, QUIET, num_streams=9)
    with pytest.raises(ConfigError, match="is no file"):
        compress("mine", file, workspace, QUIET, output=Path("/dev/null"))
    with pytest.raises(ConfigError, match=r"does not end in \.charlm"):
        decompress(file, workspace, QUIET)
    for wrong in (workspace.root, workspace.root / "gone.txt", Path(), Path("\ud800"), Path("a" * 300)):
        with pytest.raises(CharlmError):
            decompress(wrong, workspace, QUIET, output=workspace.root / "out")
        with pytest.raises(CharlmError):
            compress("mine", wrong, workspace, QUIET)
        with pytest.raises(CharlmError):
            compress("mine", wrong, workspace, QUIET, output=workspace.root / "out")
    with pytest.raises(CheckpointError, match="is a folder"):
        compress("mine", file, workspace, QUIET, output=workspace.root)
