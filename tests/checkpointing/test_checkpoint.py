import json
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.checkpointing.container import read_container
from charlm.errors import CheckpointError
from tests.support.peaks import peak_bytes


def example() -> Checkpoint:
    tensors = {
        "model.weight": torch.arange(6, dtype=torch.float32).view(2, 3),
        "state.0": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "rng": torch.tensor([1, 255], dtype=torch.uint8),
        "empty": torch.zeros(0, 3),
    }
    return Checkpoint(tensors, {"step": 7, "loss": 0.1, "name": "größe\n", "nothing": None})


def test_what_is_written_is_read_back_bit_for_bit(tmp_path: Path):
    write_checkpoint(tmp_path / "c.safetensors", example())
    read = read_checkpoint(tmp_path / "c.safetensors")
    assert read.values == example().values
    assert read.tensors.keys() == example().tensors.keys()
    for name, tensor in example().tensors.items():
        assert read.tensors[name].dtype == tensor.dtype
        assert torch.equal(read.tensors[name], tensor)


def test_without_torch_the_same_numbers_are_read_and_bfloat16_becomes_float32(tmp_path: Path):
    write_checkpoint(tmp_path / "c.safetensors", example())
    container = read_container(tmp_path / "c.safetensors")
    assert container.values == example().values
    for name, tensor in example().tensors.items():
        array = container.tensors[name].to_array()
        assert array.shape == tuple(tensor.shape)
        assert array.tolist() == tensor.tolist()
    assert container.tensors["state.0"].to_array().dtype == "float32"


def test_a_type_that_no_checkpoint_holds_is_refused(tmp_path: Path):
    write_checkpoint(tmp_path / "c", Checkpoint({"a": torch.ones(8, dtype=torch.uint8)}, {}))
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes().replace(b'"U8"', b'"E8"'))
    with pytest.raises(CheckpointError):
        read_container(tmp_path / "c")


def test_tensors_that_share_memory_are_stored_each(tmp_path: Path):
    shared = torch.ones(2)
    write_checkpoint(tmp_path / "c", Checkpoint({"a": shared, "b": shared, "c": torch.ones(2, 3).t()}, {}))
    assert read_checkpoint(tmp_path / "c").tensors["c"].shape == (3, 2)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, example())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"c\.safetensors"):
        read_checkpoint(path)


def test_every_flipped_byte_is_noticed(tmp_path: Path):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, example())
    intact = path.read_bytes()
    for position in range(len(intact)):
        damaged = bytearray(intact)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        try:
            read = read_checkpoint(path)
        except CheckpointError:
            continue
        # A space of the header's padding may differ without meaning anything.
        assert read.values == example().values
        assert all(torch.equal(read.tensors[name], tensor) for name, tensor in example().tensors.items())


def test_a_checkpoint_is_read_in_as_much_memory_as_it_has_bytes(tmp_path: Path):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, Checkpoint({"a": torch.rand(1 << 20), "b": torch.rand(1 << 20)}, {}))
    with peak_bytes() as peak:
        read_container(path)
    assert peak[0] < 1.1 * path.stat().st_size
    with peak_bytes() as peak:
        read_checkpoint(path)
    assert peak[0] < 1.1 * path.stat().st_size


def test_a_checkpoint_that_is_nearly_all_holes_is_refused_before_it_takes_memory(tmp_path: Path):
    path = tmp_path / "c.safetensors"
    zeros = torch.zeros(1 << 22)
    write_checkpoint(path, Checkpoint({"a": zeros}, {}))
    assert torch.equal(read_checkpoint(path).tensors["a"], zeros)
    content = path.read_bytes()
    with path.open("wb") as file:
        file.write(content[: -4 * len(zeros)])
        file.truncate(len(content))
    with peak_bytes() as peak, pytest.raises(CheckpointError, match=r"has 16,777,\d\d\d bytes, of which only \d"):
        read_checkpoint(path)
    assert peak[0] < 1 << 20


HEADERS: dict[str, dict[str, object]] = {
    "of no type": {"a": 3},
    "without a shape": {"a": {"dtype": "F32", "data_offsets": [0, 8]}},
    "of an unknown type": {"a": {"dtype": "F8_E8M0", "shape": [8], "data_offsets": [0, 8]}},
    "of another size": {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}},
    "of less than nothing": {"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}},
    "of a true size": {"a": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}},
    "of many axes": {"a": {"dtype": "F32", "shape": [2, *[1] * 99], "data_offsets": [0, 8]}},
    "of many digits": {"a": {"dtype": "F32", "shape": [10**4000] * 2, "data_offsets": [0, 8]}},
    "from the middle": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
    "to the middle": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
    "of more bytes": {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}},
    "twice": {each: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for each in "ab"},
    "backwards": {"a": {"dtype": "F32", "shape": [0], "data_offsets": [8, 0]}},
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_does_not_fit_its_bytes_is_refused(tmp_path: Path, name: str):
    metadata = {"format": "charlm", "version": "1", "values": "{}", "sha256": ""}
    header = json.dumps({"__metadata__": metadata} | HEADERS[name]).encode()
    (tmp_path / "c").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(CheckpointError, match=r"is damaged or not a checkpoint: it (has|is cut)"):
        read_checkpoint(tmp_path / "c")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path):
    (tmp_path / "c").write_bytes(safetensors.torch.save({"a": torch.ones(1)}))
    with pytest.raises(CheckpointError, match="not a checkpoint of charlm"):
        read_checkpoint(tmp_path / "c")


def test_another_format_version_is_refused(tmp_path: Path):
    metadata = {"format": "charlm", "version": "999", "values": "{}", "sha256": ""}
    (tmp_path / "c").write_bytes(safetensors.torch.save({"a": torch.ones(1)}, metadata))
    with pytest.raises(CheckpointError, match="version 999"):
        read_checkpoint(tmp_path / "c")


def test_a_pickle_is_refused_and_not_run(tmp_path: Path):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    (tmp_path / "c").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "c")
    assert not (tmp_path / "owned").exists()


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_the_safetensors_library_reads_every_type_at_its_alignment(tmp_path):
    tensors = {
        str(dtype): torch.arange(5).to(dtype)
        for dtype in (torch.bool, torch.uint8, torch.int16, torch.bfloat16, torch.float16, torch.float32, torch.int64)
    } | {"scalar": torch.tensor(3.5), "empty": torch.zeros(0, 4), "turned": torch.arange(6.0).view(2, 3).t()}
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, Checkpoint(tensors, {"é": [1, None]}))
    stored = safetensors.torch.load_file(path)
    assert stored.keys() == tensors.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in tensors.items())
    header = path.read_bytes()
    length = int.from_bytes(header[:8], "little")
    entries = json.loads(header[8 : 8 + length])
    widths = {"I64": 8, "F32": 4, "F16": 2, "BF16": 2, "I16": 2}
    assert length % 8 == 0
    assert all(
        entry["data_offsets"][0] % widths.get(entry.get("dtype"), 1) == 0
        for entry in entries.values()
        if "dtype" in entry
    )


def test_equal_checkpoints_are_equal_files(tmp_path):
    names = [f"tensor {number}" for number in range(40)]
    for order, file in ((names, "a"), (names[::-1], "b")):
        tensors = {name: torch.full((3,), float(len(name))) for name in order}
        write_checkpoint(tmp_path / file, Checkpoint(tensors, {"x": 1, "y": 2} if file == "a" else {"y": 2, "x": 1}))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
