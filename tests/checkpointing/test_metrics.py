import json
from pathlib import Path

import pytest

from charlm.checkpointing.metrics import NO_LINES, append_metrics, read_metrics, trim_metrics
from charlm.errors import CheckpointError
from tests.support.peaks import peak_bytes


def test_metrics_survive_a_torn_line_and_are_trimmed_to_a_step(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    for step in (10, 20, 30):
        append_metrics(path, {"step": step, "loss": 0.1 * step})
    with path.open("a") as file:
        file.write('{"step": 40, "lo')
    assert [record["step"] for record in read_metrics(path)] == [10, 20, 30]
    trim_metrics(path, 20)
    append_metrics(path, {"step": 30})
    assert path.read_text().count("\n") == 3
    assert [record["step"] for record in read_metrics(path)] == [10, 20, 30]


def test_the_digest_goes_on_from_where_the_lines_were_trimmed(tmp_path: Path):
    whole, trimmed = tmp_path / "whole.jsonl", tmp_path / "trimmed.jsonl"
    digests = [NO_LINES]
    for step in (10, 20, 30):
        line = {"step": step, "loss": 0.1 * step, "seconds": 1.5, "validation": {"b": [1, None], "a": 1e-9}}
        digests.append(append_metrics(whole, line, digest=digests[-1]))
        append_metrics(trimmed, line | {"seconds": step})
    assert len(set(digests)) == 4
    assert [trim_metrics(trimmed, step)[0] for step in (30, 29, 10, 9)] == [digests[each] for each in (3, 2, 1, 0)]
    assert trim_metrics(tmp_path / "none.jsonl", 9) == (NO_LINES, 0)


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{torn\n[]\n{"step": "2"}\n\n{"step": 3}\n')
    assert list(read_metrics(path)) == [{"step": 1}, {"step": 3}]
    assert trim_metrics(path, 3)[1] == 4
    assert path.read_bytes() == b'{"step": 1}\n{"step": 3}\n'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{}\n" * 500_001, "has more than 500,000 lines"),
        (b'{"step": 1, "x": "' + b"a" * 65_536 + b'"}\n', "has a line of more than 65,536 bytes"),
        (bytes((64 << 20) + 1), "has more than 67,108,864 bytes"),
    ],
)
def test_what_no_run_has_written_is_refused(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"has to be moved away: it {sentence}"):
        list(read_metrics(path))
    with pytest.raises(CheckpointError, match=sentence):
        trim_metrics(path, 3)
    assert [each.name for each in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_many_lines_of_many_parts_are_read_a_line_at_a_time(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    line = json.dumps({"step": 1, "parts": [{}] * 1000}).encode() + b"\n"
    path.write_bytes(line * 500)
    with peak_bytes() as peak:
        assert sum(1 for _ in read_metrics(path)) == 500
        trim_metrics(path, 1)
    assert peak[0] < path.stat().st_size
