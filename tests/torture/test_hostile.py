"""Files of a run and of a cached corpus, damaged or forged: a sentence, in little memory, and no code is run."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Damage = Callable[[Path, Path], None]

SCORE = ("eval", "perplexity", "one", "tale.txt", "--quiet")
ADAPT = ("eval", "perplexity", "one", "--adapt", "counts", "--quiet")
COMMANDS = (
    ("list",),
    ("info", "one"),
    ("sample", "one", "--length", "20", "--seed", "1"),
    SCORE,
    ADAPT,
    ("verify", "one"),
    ("train", "--resume", "one", "--steps", "26", "--quiet"),
)
RUN_FILES = (
    "best.safetensors",
    "last.safetensors",
    "step-18.safetensors",
    "config.toml",
    "tokenizer.json",
    "metrics.jsonl",
    "adaptation-counts.safetensors",
)
CACHE_FILES = ("meta.json", "tokenizer.json", "train.bin", "valid.bin", "test.bin")


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.marker),))


def written(content: Callable[[bytes], bytes]) -> Damage:
    def damage(path: Path, _: Path) -> None:
        path.write_bytes(content(path.read_bytes()))

    return damage


def cut(share: float) -> Damage:
    return written(lambda content: content[: int(share * len(content))])


def flipped(share: float) -> Damage:
    def flip(content: bytes) -> bytes:
        place = min(int(share * len(content)), len(content) - 1)
        return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]

    return written(flip)


def with_header(header: bytes, *, length: int | None = None) -> Damage:
    number = len(header) if length is None else length
    return written(lambda _: number.to_bytes(8, "little") + header)


def as_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link(path: Path, outside: Path) -> None:
    shutil.move(path, outside / path.name)
    path.symlink_to(outside / path.name)


def as_pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_endless(path: Path, _: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def as_giant(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)


def as_giant_checkpoint(path: Path, _: Path) -> None:
    size = 1 << 42
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)


def as_pickle(path: Path, outside: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(outside / "executed")))


def tensor_header(**entry: object) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | entry}).encode()


DAMAGES: dict[str, Damage] = {
    **{f"cut at {share}": cut(share) for share in (0.0, 0.0001, 0.003, 0.1, 0.5, 0.9, 0.9999)},
    **{f"flipped at {share}": flipped(share) for share in (0.0, 0.0005, 0.01, 0.3, 0.7, 1.0)},
    "twice": written(lambda content: content + content),
    "a folder": as_folder,
    "a link out": as_link,
    "a pipe": as_pipe,
    "endless": as_endless,
    "a giant": as_giant,
    "a giant checkpoint": as_giant_checkpoint,
    "a pickle": as_pickle,
    "zeros": written(lambda content: bytes(len(content))),
    "a picture": written(lambda _: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9),
    "a header of 2^60 bytes": with_header(b"{}", length=1 << 60),
    "a header of nothing": with_header(b"{}"),
    "a header nested deeply": with_header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a header of many lists": with_header(b'{"a":[' + b"[]," * 2_000_000 + b"1]}"),
    "a tensor of 2^60 numbers": with_header(tensor_header(shape=[1 << 60], data_offsets=[0, 1 << 62])),
    "a tensor of fewer bytes": with_header(tensor_header()),
    "a tensor of less than nothing": with_header(tensor_header(shape=[-4])),
    "an unknown type": with_header(tensor_header(dtype="F7")),
    "JSON nested deeply": written(lambda _: b"[" * 100_000 + b"]" * 100_000),
    "TOML nested deeply": written(lambda _: b"a" + b".a" * 500_000 + b" = 1"),
    "TOML of 100 MB": written(lambda _: b"a = 1\n" * 17_000_000),
    "a long number": written(lambda _: b'{"step": ' + b"9" * 1_000_000 + b"}"),
}


@pytest.fixture(scope="module")
def model(runs, tmp_path_factory):
    """A finished run in a folder to be copied."""
    folder = runs.folder()
    assert runs.runner.run(folder, *runs.train).code == 0
    assert runs.runner.run(folder, *ADAPT).code == 0
    return folder


def attack(runs, model, tmp_path, damage, find):
    """Damages a file, and tries every command; yields each with how it ended."""
    outside = tmp_path / "outside"
    outside.mkdir(exist_ok=True)
    for number, command in enumerate(COMMANDS):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}-{number}"
        shutil.copytree(model, folder)
        path = find(folder)
        damage(path, outside)
        before = sorted(outside.iterdir())
        ended = runs.runner.run(folder, *command)
        assert ended.code in (0, 1, 2), (command, ended.output)
        assert "Traceback" not in ended.output
        if ended.code and command[0] != "verify":
            assert ended.output.count("Error: ") == 1, ended.output
        assert ended.megabytes < runs.usual_megabytes + 200, (command, ended)
        assert sorted(outside.iterdir()) == before
        yield command, ended, folder
        shutil.rmtree(folder)
        for each in outside.iterdir():
            each.unlink()


def test_a_damaged_model_is_never_sampled_or_scored(runs, model, tmp_path):
    for name in list(DAMAGES)[::4]:
        for command, ended, _ in attack(
            runs, model, tmp_path, DAMAGES[name], lambda folder: folder / "checkpoints" / "one" / RUN_FILES[0]
        ):
            if command[0] in ("sample", "eval", "verify"):
                assert ended.code == 1, (name, command, ended.output)


def test_a_damaged_adaptation_is_found_out_anew(runs, model, tmp_path):
    whole = runs.runner.run(model, *ADAPT)
    assert whole.code == 0
    for name in list(DAMAGES)[1::7]:
        for command, ended, _ in attack(
            runs, model, tmp_path, DAMAGES[name], lambda folder: folder / "checkpoints" / "one" / RUN_FILES[-1]
        ):
            assert ended.code == (1 if command[0] == "verify" else 0), (name, command, ended.output)
            assert command != ADAPT or ended.output == whole.output, (name, ended.output)


@pytest.mark.torture
def test_every_file_of_a_run_damaged_in_every_way(workers, model, tmp_path):
    def once(runs, item):
        name, file = item
        place = tmp_path / f"{name.replace(' ', '-').replace('^', '-')}-{file}"
        place.mkdir()
        for command, ended, _ in attack(
            runs, model, place, DAMAGES[name], lambda folder: folder / "checkpoints" / "one" / file
        ):
            if file == "best.safetensors" and command[0] in ("sample", "eval", "verify"):
                assert ended.code == 1, (item, command, ended.output)
            if file == "last.safetensors" and command[0] in ("train", "verify"):
                assert ended.code == 1, (item, command, ended.output)
                assert command[0] == "verify" or "newest intact state is" in ended.output
            if file == "adaptation-counts.safetensors":
                assert ended.code == (1 if command[0] == "verify" else 0), (item, command, ended.output)

    workers.each(once, [(name, file) for name in DAMAGES for file in RUN_FILES], kind=None)
    workers.cases.add("commands on damaged files", len(DAMAGES) * len(RUN_FILES) * len(COMMANDS))


def reset(runs, model, whole, tmp_path, name, file):
    """Damages a cached corpus; a training on it is the same, as it is encoded anew."""
    folder = tmp_path / "again"
    shutil.copytree(model, folder)
    (cache,) = (folder / "data" / "cache").iterdir()
    outside = tmp_path / "elsewhere"
    outside.mkdir(exist_ok=True)
    DAMAGES[name](cache / file, outside)
    shutil.rmtree(folder / "checkpoints")
    ended = runs.runner.run(folder, *runs.train)
    assert ended.code == 0, ended.output
    assert ended.megabytes < runs.usual_megabytes + 200
    assert not (outside / "executed").exists()
    assert runs.state(folder) == whole.state
    shutil.rmtree(folder)
    shutil.rmtree(outside)


def test_a_damaged_corpus_is_encoded_anew(runs, model, whole, tmp_path):
    for index, name in enumerate(list(DAMAGES)[2::6]):
        reset(runs, model, whole, tmp_path, name, CACHE_FILES[index % len(CACHE_FILES)])


@pytest.mark.torture
def test_every_file_of_a_corpus_damaged_in_every_way(workers, model, whole, tmp_path):
    def once(runs, item):
        name, file = item
        place = tmp_path / f"{name.replace(' ', '-').replace('^', '-')}-{file}"
        place.mkdir()
        reset(runs, model, whole, place, name, file)

    workers.each(once, [(name, file) for name in DAMAGES for file in CACHE_FILES], kind="trainings on damaged corpora")
