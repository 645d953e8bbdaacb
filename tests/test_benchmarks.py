import importlib
import threading
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.parametrize("script", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_every_benchmark_finds_what_it_imports(load, script):
    assert load(script).__doc__


def test_throughput_trains_the_network_of_a_shape(load):
    throughput = load("throughput")
    shape = throughput.Shape(width=3, batch=2, window=4, vocabulary=5, precision="fp32")
    trainer = throughput.Bench(throughput.torch.device("cpu"), seconds=0.0).trainer(shape)
    assert trainer.take_step().num_targets == 2 * 4
    assert trainer.model.output.weight.shape == (5, 3)


def test_the_machine_is_told_with_its_cores_and_versions(load):
    text = load("machine").describe_machine()
    assert " cores, Python 3." in text
    assert "torch 2." in text


@pytest.mark.parametrize(("num_targets", "num_batches"), [(130, 2), (128, 1), (64 * 64 + 65, 3), (5, 1)])
def test_a_peer_is_scored_on_every_target_once(load, num_targets, num_batches):
    batches = list(load("time_to_loss")._windows(num_targets, 64))
    assert [start for start, _, _ in batches[1:]] == [stop for _, stop, _ in batches[:-1]]
    assert (batches[0][0], batches[-1][1], len(batches)) == (0, num_targets, num_batches)
    assert all((stop - start) % rows == 0 and (stop - start) // rows <= 64 for start, stop, rows in batches)


def test_a_generated_text_has_its_size_its_script_and_lines(load, tmp_path):
    startup = load("startup")
    startup._write_text(tmp_path / "x.txt", startup.ALPHABETS["Cyrillic"], num_bytes=1000)
    text = (tmp_path / "x.txt").read_text(encoding="utf-8")
    assert len(text.encode()) >= 1000
    assert set(text) == {*startup.ALPHABETS["Cyrillic"], " ", "\n"}
    assert 8 <= len(text) / text.count("\n") <= 120


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_every_benchmark_can_be_imported(load, name):
    load(name)


def test_a_busy_process_lives_as_long_as_its_block(load, monkeypatch):
    busy, started = load("busy"), []
    popen = busy.subprocess.Popen
    monkeypatch.setattr(busy.subprocess, "Popen", lambda *args: started.append(popen(*args)) or started[-1])
    with busy.busy_process():
        assert started[0].poll() is None
    assert started[0].poll() is not None


@pytest.mark.parametrize("way", ["starting", "ending"])
def test_a_process_that_comes_or_goes_is_gone_after_a_short_command(load, way):
    threads = threading.active_count()
    with getattr(load("budgets"), way)(60.0):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
